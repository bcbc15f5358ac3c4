-- Open work orders of a person, whatever the register: what is not done may still live.
-- params: $1 person_id
-- expect: rows: work_order_id, register_code, register, role, kind, class, due_at, overdue, opened_at
SELECT w.work_order_id, w.register_code, r.name AS register, rr.name AS role, w.kind, w.class, w.due_at,
    w.due_at < pg_catalog.now() AS overdue, w.opened_at
FROM paasla.work_order AS w
JOIN paasla.register AS r ON r.register_code = w.register_code
JOIN paasla.register_role AS rr ON rr.role_id = w.role_id
WHERE w.person_id = $1::bigint AND w.state = 'open'
ORDER BY w.kind DESC, w.due_at, w.work_order_id
