-- Work orders, the most urgent first.
-- params: $1 closed ones too
-- An order to lock an account (lock) names the directory in place of the register and the log-in in place of the role.
-- expect: rows: id, due_at, overdue, class, do (add, remove or lock), number, person, register, role, state, note
SELECT w.work_order_id AS id, w.due_at, w.state = 'open' AND w.due_at < pg_catalog.now() AS overdue, w.class, w.kind AS "do",
    e.employee_no AS number, p.given_name || ' ' || p.family_name AS person, coalesce(r.name, a.directory) AS register,
    coalesce(rr.name, a.login) AS role, w.state, w.note
FROM paasla.work_order AS w
JOIN paasla.person AS p ON p.person_id = w.person_id
LEFT JOIN paasla.register AS r ON r.register_code = w.register_code
LEFT JOIN paasla.register_role AS rr ON rr.role_id = w.role_id
LEFT JOIN paasla.account AS a ON a.account_id = w.account_id
LEFT JOIN LATERAL (SELECT x.employee_no FROM paasla.employment AS x WHERE x.person_id = w.person_id
    ORDER BY pg_catalog.lower(x.period) DESC LIMIT 1) AS e ON true
WHERE $1::boolean OR w.state = 'open'
ORDER BY (w.state = 'open') DESC, (w.class = 'kohe') DESC, w.due_at, w.work_order_id
