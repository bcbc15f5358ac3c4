-- Who may do what now: the table that every town needs.
-- params: $1 register or NULL, $2 person_id or NULL, $3 institution or NULL
-- expect: rows: number, name, institution, unit, position, register, role, route, mode, privileged, valid_from,
--         valid_until, reference, work_order
SELECT m.employee_no AS number, m.given_name || ' ' || m.family_name AS name, m.institution, m.unit, m.position,
    m.register_code AS register, m.role_code AS role, m.route, m.mode, m.privileged, m.valid_from, m.valid_until,
    m.reference, m.work_order_state AS work_order
FROM paasla.matrix AS m
WHERE ($1::text IS NULL OR m.register_code = $1::text) AND ($2::bigint IS NULL OR m.person_id = $2::bigint)
  AND ($3::text IS NULL OR m.institution = $3::text)
ORDER BY m.family_name COLLATE "et-x-icu", m.given_name COLLATE "et-x-icu", m.person_id, m.register_code, m.role_code
