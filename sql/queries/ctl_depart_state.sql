-- How far the accounts of a leaver are, in words that HR may know: no account, out, stays open, locked, not proven, still
-- open. "out" is said only when nothing is open, waiting or unfinished in that directory.
-- params: $1 number, $2 institution or NULL
-- expect: rows: directory, answer
SELECT s.directory, s.answer
FROM paasla.leaver_state(employee_no => $1::text, institution => $2::text) AS s
