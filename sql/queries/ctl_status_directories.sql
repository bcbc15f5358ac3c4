-- How each directory is: as the daemon that works now sees it, and its last full compare. One that only the configuration
-- of the daemon names stands here too.
-- params: none
-- expect: rows: directory, mode, connection (up, away, refused, or nothing when no daemon works), since, for_s, why,
--         last_compare_at, complete, result
SELECT coalesce(d.directory, c.directory) AS directory, coalesce(d.mode, 'not in the table') AS mode,
    c.state AS connection, c.since, pg_catalog.floor(extract(epoch FROM now() - c.since))::bigint AS for_s,
    nullif(c.why, '') AS why, d.last_compare_at, d.last_compare_complete AS complete, d.last_compare_text AS result
FROM paasla.directory AS d
FULL JOIN (SELECT x.* FROM paasla.connection AS x WHERE paasla.daemon_works()) AS c
    ON c.directory = d.directory
ORDER BY 1
