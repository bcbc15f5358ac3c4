-- The daemon: whether one works on this database and what it noted of itself.
-- params: none
-- expect: one row: works, version, host, started_at, loaded_at, needs_restart (names), restarts (how many)
SELECT paasla.daemon_works() AS works,
    r.version, r.host, r.started_at, r.loaded_at, coalesce(r.needs_restart, '{}') AS needs_restart,
    coalesce(pg_catalog.cardinality(r.needs_restart), 0) AS restarts
FROM (VALUES (1)) AS one (n)
LEFT JOIN (SELECT x.version, x.host, x.started_at, x.loaded_at, x.needs_restart FROM paasla.daemon_run AS x) AS r ON true
