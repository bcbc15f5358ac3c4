-- One plan, by its id or by the beginning of its digest: the newest that matches.
-- params: $1 plan_id or NULL, $2 beginning of the digest or NULL
-- expect: no row or one: plan_id, directory, digest, state, why, locks, removals, items, created_at, approved_by, expires_at
SELECT p.plan_id, p.directory, p.digest, p.state, p.why, p.locks, p.removals, p.items, p.created_at, p.approved_by, p.expires_at
FROM paasla.plan AS p
WHERE CASE WHEN $1::bigint IS NOT NULL THEN p.plan_id = $1::bigint
           ELSE $2::text <> '' AND pg_catalog.starts_with(p.digest, pg_catalog.lower($2::text)) END
ORDER BY (p.state IN ('held', 'approved')) DESC, p.created_at DESC LIMIT 1
