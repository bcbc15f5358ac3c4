-- The directories of the table, and whose people have accounts there.
-- params: none
-- expect: rows: directory, dialect, mode, identity of the server, institutions as a JSON array
SELECT d.directory, d.dialect, d.mode, coalesce(d.identity, '') AS identity,
    (SELECT coalesce(pg_catalog.jsonb_agg(i.institution ORDER BY i.institution), '[]') FROM paasla.institution_directory AS i
     WHERE i.directory = d.directory) AS institutions
FROM paasla.directory AS d ORDER BY d.directory
