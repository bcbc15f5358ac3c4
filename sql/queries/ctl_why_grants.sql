-- What a person may do and on what it rests: what holds or is still to come; for somebody without employment, and where
-- the question is about one register, also what there was.
-- params: $1 person_id, $2 register or NULL
-- expect: rows: grant_id, register_code, register, role_code, role, route, privileged, state (holds, later, ended),
--         valid_from, valid_until, granted_by, granted_at, reference, document_sha256, reason, origin, requested_by,
--         approved_by, ended_by, groups, end_reference, end_requested_by
SELECT g.grant_id, r.register_code, r.name AS register, rr.role_code, rr.name AS role, r.route, rr.privileged,
    CASE WHEN g.valid @> pg_catalog.now() THEN 'holds' WHEN pg_catalog.lower(g.valid) > pg_catalog.now() THEN 'later'
         ELSE 'ended' END AS state,
    pg_catalog.lower(g.valid) AS valid_from, pg_catalog.upper(g.valid) AS valid_until, g.granted_by::text, g.granted_at,
    g.reference, pg_catalog.encode(q.document_sha256, 'hex') AS document_sha256, g.reason, g.origin,
    rq.given_name || ' ' || rq.family_name AS requested_by, ap.given_name || ' ' || ap.family_name AS approved_by,
    g.ended_by,
    (SELECT pg_catalog.string_agg(rg.group_dn || ' in ' || rg.directory || CASE WHEN m.present THEN ' (is in it)'
            ELSE ' (is not in it)' END, '; ' ORDER BY rg.directory, rg.group_dn)
        FROM paasla.role_group AS rg
        LEFT JOIN paasla.account AS a
            ON a.person_id = g.person_id AND a.directory = rg.directory AND a.purpose = rg.purpose
        LEFT JOIN paasla.membership AS m ON m.account_id = a.account_id AND m.role_group_id = rg.role_group_id
        WHERE rg.role_id = g.role_id) AS groups,
    g.end_reference, eq.given_name || ' ' || eq.family_name AS end_requested_by
FROM paasla.access_grant AS g
JOIN paasla.register_role AS rr ON rr.role_id = g.role_id
JOIN paasla.register AS r ON r.register_code = rr.register_code
LEFT JOIN paasla.request AS q ON q.reference = g.reference
LEFT JOIN paasla.person AS rq ON rq.person_id = q.requested_by
LEFT JOIN paasla.person AS ap ON ap.person_id = q.approved_by
LEFT JOIN paasla.request AS er ON er.reference = g.end_reference
LEFT JOIN paasla.person AS eq ON eq.person_id = er.requested_by
WHERE g.person_id = $1::bigint AND ($2::text IS NULL OR r.register_code = $2::text) AND NOT pg_catalog.isempty(g.valid)
  AND ($2::text IS NOT NULL OR pg_catalog.upper(g.valid) IS NULL OR pg_catalog.upper(g.valid) > pg_catalog.now() OR NOT EXISTS (
      SELECT FROM paasla.employment AS e WHERE e.person_id = g.person_id AND e.period @> pg_catalog.now()))
ORDER BY r.register_code, rr.role_code, pg_catalog.lower(g.valid)
