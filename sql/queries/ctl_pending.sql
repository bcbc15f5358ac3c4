-- What waits for the daemon.
-- params: $1 directory or NULL for all
-- expect: one row: due (persons it could take now), later (to be tried again), held (plans), incomplete (compares)
SELECT (SELECT pg_catalog.count(DISTINCT q.person_id) FROM paasla.dirty AS q
        WHERE ($1::text IS NULL OR q.directory = $1::text) AND q.not_before <= pg_catalog.clock_timestamp()) AS due,
    (SELECT pg_catalog.count(DISTINCT q.person_id) FROM paasla.dirty AS q
        WHERE ($1::text IS NULL OR q.directory = $1::text) AND q.not_before > pg_catalog.clock_timestamp()) AS later,
    (SELECT pg_catalog.count(*) FROM paasla.plan AS p
        WHERE ($1::text IS NULL OR p.directory = $1::text) AND p.state = 'held') AS held,
    (SELECT pg_catalog.count(*) FROM paasla.directory AS d
        WHERE ($1::text IS NULL OR d.directory = $1::text) AND d.last_compare_complete IS NOT true) AS incomplete
