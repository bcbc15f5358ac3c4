-- What people asked for and nobody finished: a daemon that died may have begun it. Asked once in a session, before controls.
-- params: none
-- expect: rows: control_id, kind, directory ('' for all)
SELECT c.control_id, c.kind, coalesce(c.directory, '') FROM paasla.control AS c WHERE c.done_at IS NULL ORDER BY c.control_id
