-- A held plan may run.
-- params: $1 beginning of the digest, $2 for how long or NULL
-- expect: one row: plan_id, directory, digest, items, expires_at
SELECT p.plan_id, p.directory, p.digest, p.items,
    pg_catalog.clock_timestamp() + coalesce($2::interval, interval '1 hour') AS expires_at -- this statement sees the plan as it was
FROM paasla.approve_plan(plan => $1::text, valid_for => coalesce($2::interval, interval '1 hour')) AS a (plan_id)
JOIN paasla.plan AS p ON p.plan_id = a.plan_id
