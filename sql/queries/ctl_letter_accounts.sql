-- The accounts that the employment has or will have, one for each directory of the institution, and the administrator's.
-- params: $1 person_id, $2 institution, $3 number
-- expect: rows: directory, purpose, login (NULL: not known yet), state (open, soon, first_day, suspended, observe)
SELECT d.directory, k.purpose, a.login,
    CASE WHEN y.mode = 'observe' THEN 'observe'
         WHEN w.cause = 'suspended' THEN 'suspended'
         WHEN w.want = 'open' AND a.state = 'open' THEN 'open'
         WHEN w.want = 'open' THEN 'soon'
         ELSE 'first_day' END AS state
FROM paasla.institution_directory AS d
JOIN paasla.directory AS y ON y.directory = d.directory
CROSS JOIN (VALUES ('personal', 1), ('admin', 2)) AS k (purpose, ordinal)
LEFT JOIN paasla.account AS a ON a.person_id = $1::bigint AND a.directory = d.directory AND a.purpose = k.purpose
LEFT JOIN paasla.wanted_account AS w ON w.person_id = $1::bigint AND w.directory = d.directory AND w.purpose = k.purpose
WHERE d.institution = $2::text AND (k.purpose = 'personal' OR EXISTS (
    SELECT FROM paasla.employment AS e WHERE e.person_id = $1::bigint AND e.institution = $2::text
    AND e.employee_no = $3::text AND e.it_admin
    AND (pg_catalog.upper(e.period) IS NULL OR pg_catalog.upper(e.period) > pg_catalog.now())))
ORDER BY d.directory, k.ordinal
