-- Who the letter is for: the employment that lasts or begins next; of several the one that the word on the command line
-- names, else the newest.
-- params: $1 person_id, $2 the word
-- expect: no or one row: name, code, institution, unit, position, number, first_day, last_day (NULL: none is known), begun,
--         manager, help, incident
SELECT p.given_name || ' ' || p.family_name AS name, e.institution AS code, i.name AS institution, e.unit, e.position,
    e.employee_no AS number, pg_catalog.to_char(pg_catalog.lower(e.period) AT TIME ZONE 'Europe/Tallinn', 'DD.MM.YYYY') AS first_day,
    pg_catalog.to_char(pg_catalog.upper(e.period) AT TIME ZONE 'Europe/Tallinn' - interval '1 microsecond', 'DD.MM.YYYY')
        AS last_day,
    e.period @> pg_catalog.now() AS begun, m.given_name || ' ' || m.family_name AS manager,
    (SELECT c.contact FROM paasla.institution_contact AS c WHERE c.institution = e.institution AND c.purpose = 'help') AS help,
    (SELECT c.contact FROM paasla.institution_contact AS c WHERE c.institution = e.institution AND c.purpose = 'incident')
        AS incident
FROM paasla.employment AS e
JOIN paasla.person AS p ON p.person_id = e.person_id
JOIN paasla.institution AS i ON i.institution = e.institution
LEFT JOIN paasla.person AS m ON m.person_id = e.manager_id
WHERE e.person_id = $1::bigint AND (pg_catalog.upper(e.period) IS NULL OR pg_catalog.upper(e.period) > pg_catalog.now())
ORDER BY e.institution || '/' || e.employee_no = $2::text DESC, e.employee_no = $2::text DESC, pg_catalog.lower(e.period) DESC,
    e.employment_id DESC
LIMIT 1
