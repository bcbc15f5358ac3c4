-- The log with its openings; the newest rows, the oldest of them first. Rows that were committed late stand among the
-- others of their transaction's number, so who follows asks for finished numbers only ($7, $8).
-- params: $1 person_id, $2 register_code, $3 since, $4 before, $5 action or its first part, $6 limit, $7 from transaction,
--         $8 below transaction; each may be NULL
-- expect: rows: event_id, at_local, at (RFC 3339, UTC), session_role, acting_person, acting, action, person_id, number,
--         person, register_code, role, directory, login, purpose, group_dn, reference, employment_id, account_id,
--         grant_id, work_order_id, plan_id, finding_id, intent_id, lifecycle_row, result_code, detail, private
SELECT e.event_id, pg_catalog.to_char(e.at AT TIME ZONE 'Europe/Tallinn', 'YYYY-MM-DD HH24:MI:SS.MS') AS at_local,
    pg_catalog.to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
    e.session_role::text AS session_role, e.acting_person, w.given_name || ' ' || w.family_name AS acting, e.action,
    e.person_id, n.number, p.given_name || ' ' || p.family_name AS person,
    coalesce(e.register_code, rr.register_code) AS register_code, rr.role_code AS role, e.directory, a.login, a.purpose,
    rg.group_dn, q.reference, e.employment_id, e.account_id, e.grant_id, e.work_order_id, e.plan_id, e.finding_id,
    e.intent_id, e.lifecycle_row, e.result_code, e.detail, o.private
FROM (SELECT x.* FROM audit.event AS x
      WHERE ($1::bigint IS NULL OR x.person_id = $1::bigint)
        AND ($2::text IS NULL OR x.register_code = $2::text OR x.role_id IN (
            SELECT r.role_id FROM paasla.register_role AS r WHERE r.register_code = $2::text))
        AND ($3::timestamptz IS NULL OR x.at >= $3::timestamptz)
        AND ($4::timestamptz IS NULL OR x.at < $4::timestamptz)
        AND ($5::text IS NULL OR x.action = $5::text OR pg_catalog.starts_with(x.action, $5::text || '.'))
        AND ($7::text IS NULL OR x.xact_id >= $7::text::xid8)
        AND ($8::text IS NULL OR x.xact_id < $8::text::xid8)
        -- a short way into event_xact, whose first column this is
        AND x.shard IN (SELECT s FROM pg_catalog.generate_series(0,
            (SELECT pg_catalog.max(y.shard) FROM audit.event AS y)) AS s)
      ORDER BY x.xact_id DESC, x.event_id DESC LIMIT $6::bigint) AS e
LEFT JOIN paasla.person AS p ON p.person_id = e.person_id
LEFT JOIN paasla.person AS w ON w.person_id = e.acting_person
LEFT JOIN paasla.account AS a ON a.account_id = e.account_id
LEFT JOIN paasla.role_group AS rg ON rg.role_group_id = e.role_group_id
LEFT JOIN paasla.register_role AS rr ON rr.role_id = coalesce(e.role_id, rg.role_id)
LEFT JOIN paasla.request AS q ON q.request_id = e.request_id
LEFT JOIN LATERAL (SELECT y.institution || '/' || y.employee_no AS number FROM paasla.employment AS y
    WHERE y.person_id = e.person_id
    ORDER BY y.employment_id = e.employment_id DESC NULLS LAST, pg_catalog.lower(y.period) DESC LIMIT 1) AS n ON true
-- of a person the value is the personal code, which is HR's
LEFT JOIN LATERAL (SELECT pg_catalog.jsonb_object_agg(y.field, y.value) AS private FROM audit.opening AS y
    WHERE y.event_id = e.event_id AND NOT (y.field = 'value' AND e.action LIKE 'person.%')) AS o ON true
ORDER BY e.xact_id, e.event_id
