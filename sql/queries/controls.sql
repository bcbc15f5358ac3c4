-- params: none
-- expect: rows: control_id, kind, directory ('' for all); they count as begun from now on
SELECT control_id, kind, directory FROM paasla.take_controls(false)
