-- What people asked for and nobody finished: a daemon that died may have begun it. Asked once in a session, before controls.
-- params: none
-- expect: rows: control_id, kind, directory ('' for all); they count as begun
SELECT control_id, kind, directory FROM paasla.take_controls(true)
