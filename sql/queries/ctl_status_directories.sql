-- The last full compare of each directory.
-- params: none
-- expect: rows: directory, mode, last_compare_at, complete, result
SELECT d.directory, d.mode, d.last_compare_at, d.last_compare_complete AS complete, d.last_compare_text AS result
FROM paasla.directory AS d ORDER BY d.directory
