-- What a plan would do, in its order. "why" is filled in by the program from the row of the table that decided.
-- params: $1 plan_id
-- expect: rows: person, number, login, purpose, op, group, row, why
SELECT p.given_name || ' ' || p.family_name AS person, e.employee_no AS number, a.login, i.purpose, i.op,
    g.group_dn AS "group", i.row, NULL::text AS why
FROM paasla.plan_item AS i
LEFT JOIN paasla.person AS p ON p.person_id = i.person_id
LEFT JOIN paasla.account AS a ON a.account_id = i.account_id
LEFT JOIN paasla.role_group AS g ON g.role_group_id = i.role_group_id
LEFT JOIN LATERAL (SELECT x.employee_no FROM paasla.employment AS x WHERE x.person_id = i.person_id
    ORDER BY pg_catalog.lower(x.period) DESC LIMIT 1) AS e ON true
WHERE i.plan_id = $1::bigint
ORDER BY i.ordinal
