-- Who is meant: an employee number, INSTITUTION/number, a log-in, a whole name, or part of a name; the first of these
-- that anybody has counts alone.
-- params: $1 the word
-- expect: rows, one a person, at most 21: person_id, number (institution/number, several by commas), name, position
WITH m AS (
    SELECT n.person_id, 0 AS rank FROM paasla.employee_number AS n
        WHERE n.employee_no = $1::text OR n.institution || '/' || n.employee_no = $1::text
    UNION ALL SELECT l.person_id, 1 FROM paasla.login_name AS l
        WHERE l.login = pg_catalog.lower($1::text) AND l.person_id IS NOT NULL
    UNION ALL SELECT a.person_id, 1 FROM paasla.account AS a WHERE a.login = $1::text AND a.person_id IS NOT NULL
    UNION ALL SELECT p.person_id, CASE WHEN x.name = x.word THEN 2 ELSE 3 END FROM paasla.person AS p
        CROSS JOIN LATERAL (SELECT pg_catalog.lower((p.given_name || ' ' || p.family_name) COLLATE "et-x-icu") AS name,
            pg_catalog.lower(pg_catalog.normalize(pg_catalog.btrim($1::text), 'NFC') COLLATE "et-x-icu") AS word) AS x
        WHERE x.word <> '' AND pg_catalog.strpos(x.name, x.word) > 0
)
SELECT p.person_id, (SELECT pg_catalog.string_agg(n.institution || '/' || n.employee_no, ', '
        ORDER BY n.institution, n.employee_no) FROM paasla.employee_number AS n WHERE n.person_id = p.person_id) AS number,
    p.given_name || ' ' || p.family_name AS name,
    (SELECT e.position FROM paasla.employment AS e WHERE e.person_id = p.person_id
        ORDER BY pg_catalog.lower(e.period) DESC LIMIT 1) AS position
FROM paasla.person AS p
WHERE p.person_id IN (SELECT m.person_id FROM m WHERE m.rank = (SELECT pg_catalog.min(m2.rank) FROM m AS m2))
ORDER BY p.family_name COLLATE "et-x-icu", p.given_name COLLATE "et-x-icu", p.person_id
LIMIT 21
