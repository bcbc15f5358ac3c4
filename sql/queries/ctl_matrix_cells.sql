-- The matrix as a table for people: who (one row of the page for each person and employee number), and what they hold now.
-- params: $1 register or NULL, $2 person_id or NULL, $3 institution or NULL
-- expect: rows, those of one person and number together, in a page's order: number (institution/number), name,
--         institution, unit, position, register_code, role, privileged, until (last day, DD.MM.YYYY; NULL: no end),
--         work_order (state of the newest order, NULL: none), person_id
SELECT coalesce(m.institution || '/' || m.employee_no, '') AS number, m.family_name || ', ' || m.given_name AS name,
    i.name AS institution, m.unit, m.position, m.register_code, m.role, m.privileged,
    pg_catalog.to_char(m.valid_until AT TIME ZONE 'Europe/Tallinn' - interval '1 microsecond', 'DD.MM.YYYY') AS until,
    m.work_order_state AS work_order, m.person_id
FROM paasla.matrix AS m
LEFT JOIN paasla.institution AS i ON i.institution = m.institution
WHERE ($1::text IS NULL OR m.register_code = $1::text) AND ($2::bigint IS NULL OR m.person_id = $2::bigint)
  AND ($3::text IS NULL OR m.institution = $3::text)
ORDER BY m.family_name COLLATE "et-x-icu", m.given_name COLLATE "et-x-icu", m.person_id, m.institution, m.employee_no,
    m.register_code, m.role COLLATE "et-x-icu", m.grant_id
