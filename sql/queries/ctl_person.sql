-- People: the newest employment of each, and how the accounts are.
-- params: $1 person_id or NULL for everybody
-- expect: rows: number, name, institution, unit, position, employed_from, departed_at (or departs), accounts (directory
--         and purpose with state)
SELECT e.employee_no AS number, p.given_name || ' ' || p.family_name AS name, e.institution, e.unit, e.position,
    pg_catalog.lower(e.period) AS employed_from, pg_catalog.upper(e.period) AS departed_at,
    (SELECT pg_catalog.string_agg(a.login || ' ' || a.state || ' in ' || a.directory, ', ' ORDER BY a.directory, a.purpose)
        FROM paasla.account AS a WHERE a.person_id = p.person_id) AS accounts
FROM paasla.person AS p
LEFT JOIN LATERAL (SELECT x.* FROM paasla.employment AS x WHERE x.person_id = p.person_id
    -- everybody: those that count now, else the newest; one: all
    AND ($1::bigint IS NOT NULL OR x.period @> pg_catalog.now() OR x.employment_id = (SELECT y.employment_id
        FROM paasla.employment AS y WHERE y.person_id = p.person_id
        ORDER BY y.period @> pg_catalog.now() DESC, pg_catalog.lower(y.period) DESC LIMIT 1))) AS e ON true
WHERE $1::bigint IS NULL OR p.person_id = $1::bigint
ORDER BY p.family_name COLLATE "et-x-icu", p.given_name COLLATE "et-x-icu", p.person_id, pg_catalog.lower(e.period)
