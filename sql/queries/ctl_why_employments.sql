-- What HR says about a person.
-- params: $1 person_id
-- expect: rows: institution, number, unit, position, kind, it_admin, employed_from, employed_until, hire_ref,
--         departure_ref, state (now, later, ended)
SELECT e.institution, e.employee_no AS number, e.unit, e.position, e.kind, e.it_admin,
    pg_catalog.lower(e.period) AS employed_from, pg_catalog.upper(e.period) AS employed_until, e.hire_ref, e.departure_ref,
    CASE WHEN e.period @> pg_catalog.now() THEN 'now' WHEN pg_catalog.lower(e.period) > pg_catalog.now() THEN 'later'
         ELSE 'ended' END AS state
FROM paasla.employment AS e WHERE e.person_id = $1::bigint
ORDER BY pg_catalog.lower(e.period), e.employment_id
