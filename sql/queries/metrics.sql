-- The numbers of /metrics and /healthz that live in the database. Counts only; each part is bounded by a partial index
-- or by a small table. Every directory has its rows, so that a number that falls to 0 says 0.
-- params: none
-- expect: rows: metric (a name of daemon/metric_table.c), first label, second label, value
WITH d AS (
    SELECT x.directory, x.last_complete_at FROM paasla.directory AS x
), q AS (
    SELECT x.directory, pg_catalog.count(*) FILTER (WHERE x.not_before <= pg_catalog.clock_timestamp()) AS due,
        pg_catalog.count(DISTINCT x.person_id) FILTER (WHERE x.not_before <= pg_catalog.clock_timestamp()) AS persons,
        pg_catalog.count(*) AS rows,
        pg_catalog.min(greatest(x.at, x.not_before)) FILTER (WHERE x.not_before <= pg_catalog.clock_timestamp()) AS oldest
    FROM paasla.dirty AS x GROUP BY x.directory
), f AS MATERIALIZED (
    SELECT x.directory, x.severity, x.n, x.not_proven FROM paasla.open_findings AS x
)
SELECT 'paasla_queue_rows', d.directory, s.state,
    (CASE s.state WHEN 'due' THEN coalesce(q.due, 0) ELSE coalesce(q.rows - q.due, 0) END)::text
    FROM d CROSS JOIN (VALUES ('due'), ('later')) AS s (state) LEFT JOIN q ON q.directory = d.directory
UNION ALL
SELECT 'paasla_queue_persons', d.directory, '', coalesce(q.persons, 0)::text FROM d LEFT JOIN q ON q.directory = d.directory
UNION ALL
SELECT 'paasla_queue_oldest_seconds', d.directory, '',
    coalesce(greatest(extract(epoch FROM pg_catalog.clock_timestamp() - q.oldest), 0), 0)::text
    FROM d LEFT JOIN q ON q.directory = d.directory
UNION ALL
SELECT 'paasla_plans_held', d.directory, '',
    (SELECT pg_catalog.count(*) FROM paasla.plan AS p WHERE p.state = 'held' AND p.directory = d.directory)::text FROM d
UNION ALL
SELECT 'paasla_findings_open', d.directory, s.severity, coalesce(f.n, 0)::text
    FROM d CROSS JOIN (VALUES ('info'), ('warning'), ('critical')) AS s (severity)
    LEFT JOIN f ON f.directory = d.directory AND f.severity = s.severity
UNION ALL
SELECT 'paasla_locks_not_proven', d.directory, '',
    coalesce((SELECT pg_catalog.sum(f.not_proven) FROM f WHERE f.directory = d.directory), 0)::text FROM d
UNION ALL
SELECT 'paasla_intents_open', d.directory, '', (SELECT pg_catalog.count(*) FROM paasla.intent AS i
    WHERE i.outcome IS NULL AND i.directory = d.directory)::text FROM d
UNION ALL
SELECT 'paasla_work_orders_open', s.state, '', s.n::text
    FROM paasla.open_work AS w CROSS JOIN LATERAL (VALUES ('in_time', w.n - w.overdue), ('overdue', w.overdue)) AS s (state, n)
UNION ALL
SELECT 'paasla_compare_complete_timestamp_seconds', d.directory, '', extract(epoch FROM d.last_complete_at)::text
    FROM d WHERE d.last_complete_at IS NOT NULL
