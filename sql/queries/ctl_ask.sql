-- Asks something of the daemon.
-- params: $1 sync or preview, $2 directory or NULL for all
-- expect: one row: control_id
SELECT paasla.ask(kind => $1::text, directory => $2::text) AS control_id
