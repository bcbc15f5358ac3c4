-- Every account of one directory that is wanted or known, with what its number and its log-in are made of: the first
-- employment there gives the number, as in load_work.sql. A log-in that the person has elsewhere is the one it gets here.
-- params: $1 directory
-- expect: rows: person_id, purpose, want, cause, native_id, dn, login, state, given, family, employee_no, institution
WITH wanted AS (
    SELECT w.person_id, w.purpose, w.want, w.cause, a.native_id, a.dn, a.login, a.state
    FROM paasla.wanted_account AS w
    LEFT JOIN paasla.account AS a ON a.person_id = w.person_id AND a.directory = w.directory AND a.purpose = w.purpose
    WHERE w.directory = $1::text
    UNION ALL
    SELECT a.person_id, a.purpose, 'none', 'never', a.native_id, a.dn, a.login, a.state
    FROM paasla.account AS a
    WHERE a.directory = $1::text AND (a.person_id IS NULL OR NOT EXISTS (
        SELECT FROM paasla.wanted_account AS w
        WHERE w.person_id = a.person_id AND w.directory = a.directory AND w.purpose = a.purpose))
)
SELECT coalesce(w.person_id::text, '') AS person_id, w.purpose, w.want, w.cause, coalesce(w.native_id, '') AS native_id,
    coalesce(w.dn, '') AS dn, coalesce(w.login, o.login, '') AS login, coalesce(w.state, 'none') AS state,
    coalesce(p.given_name, '') AS given, coalesce(p.family_name, '') AS family, coalesce(e.employee_no, '') AS employee_no,
    coalesce(e.institution, '') AS institution
FROM wanted AS w
LEFT JOIN paasla.person AS p ON p.person_id = w.person_id
LEFT JOIN LATERAL (SELECT x.login FROM paasla.account AS x
    WHERE x.person_id = w.person_id AND x.purpose = w.purpose ORDER BY x.account_id DESC LIMIT 1) AS o ON w.login IS NULL
LEFT JOIN LATERAL (SELECT x.employee_no, x.institution FROM paasla.employment AS x JOIN paasla.institution_directory AS i
    ON i.institution = x.institution AND i.directory = $1::text WHERE x.person_id = w.person_id
    ORDER BY pg_catalog.lower(x.period), x.employment_id LIMIT 1) AS e ON true
ORDER BY w.person_id, w.purpose
