-- How long it took from a change to its lock and until the account was out of its groups, of the last day.
-- params: none
-- expect: rows: directory, locked (accounts), median and longest from the change to the lock and until out of the groups, in
--         milliseconds; nothing where there was none
SELECT a.directory, pg_catalog.count(*) AS locked,
    pg_catalog.round(pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY m.to_lock)::numeric, 1) AS lock_median_ms,
    pg_catalog.round(pg_catalog.max(m.to_lock)::numeric, 1) AS lock_longest_ms,
    pg_catalog.round(pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY m.to_out)::numeric, 1) AS out_median_ms,
    pg_catalog.round(pg_catalog.max(m.to_out)::numeric, 1) AS out_longest_ms
FROM paasla.account AS a
CROSS JOIN LATERAL (SELECT extract(epoch FROM a.locked_at - a.changed_at) * 1000 AS to_lock,
                        extract(epoch FROM a.out_at - a.changed_at) * 1000 AS to_out) AS m
WHERE a.locked_at > now() - interval '1 day' AND a.changed_at IS NOT NULL
GROUP BY a.directory ORDER BY a.directory
