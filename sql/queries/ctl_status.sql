-- The counts behind `paaslactl status`.
-- params: none
-- expect: one row: schema_version, waiting, oldest_waiting, oldest_s, later, held_plans, open_orders, overdue_orders,
--         critical, warning, info, incomplete, unanswered
SELECT (SELECT coalesce(pg_catalog.max(v.version), 0) FROM paasla.schema_version AS v) AS schema_version, q.*,
    (SELECT pg_catalog.count(*) FROM paasla.plan AS p WHERE p.state = 'held') AS held_plans, w.*, f.*,
    (SELECT pg_catalog.count(*) FROM paasla.directory AS d WHERE d.last_compare_complete IS NOT true) AS incomplete,
    (SELECT pg_catalog.count(*) FROM paasla.control AS c
        WHERE c.done_at IS NULL AND c.at BETWEEN now() - interval '1 day' AND now() - interval '5 minutes') AS unanswered
FROM (SELECT pg_catalog.count(*) FILTER (WHERE x.not_before <= now()) AS waiting,
          pg_catalog.min(x.at) FILTER (WHERE x.not_before <= now()) AS oldest_waiting,
          greatest(coalesce(extract(epoch FROM now() - pg_catalog.min(greatest(x.at, x.not_before))
              FILTER (WHERE x.not_before <= now())), 0), 0)::bigint AS oldest_s,
          pg_catalog.count(*) FILTER (WHERE x.not_before > now()) AS later
      FROM paasla.dirty AS x) AS q
CROSS JOIN (SELECT pg_catalog.count(*) AS open_orders, pg_catalog.count(*) FILTER (WHERE o.due_at < now()) AS overdue_orders
      FROM paasla.work_order AS o WHERE o.state = 'open') AS w
CROSS JOIN (SELECT pg_catalog.count(*) FILTER (WHERE y.severity = 'critical') AS critical,
          pg_catalog.count(*) FILTER (WHERE y.severity = 'warning') AS warning,
          pg_catalog.count(*) FILTER (WHERE y.severity = 'info') AS info
      FROM paasla.finding AS y WHERE y.state = 'open') AS f
