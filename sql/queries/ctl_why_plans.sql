-- Held plans that a person's accounts stand in.
-- params: $1 person_id
-- expect: rows: directory, digest, why, created_at, steps
SELECT p.directory, p.digest, p.why, p.created_at, pg_catalog.count(*) AS steps
FROM paasla.plan AS p
JOIN paasla.plan_item AS i ON i.plan_id = p.plan_id
WHERE p.state = 'held' AND i.person_id = $1::bigint AND NOT i.over
GROUP BY p.plan_id ORDER BY p.plan_id
