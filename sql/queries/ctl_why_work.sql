-- Open work orders of a person, whatever the register: what is not done may still live. And orders to take something away
-- that somebody has cancelled: nobody did that either.
-- params: $1 person_id
-- expect: rows: work_order_id, register_code, register, role, kind, class, due_at, overdue, opened_at, state, closed_by, note
SELECT w.work_order_id, w.register_code, r.name AS register, rr.name AS role, w.kind, w.class, w.due_at,
    w.state = 'open' AND w.due_at < pg_catalog.now() AS overdue, w.opened_at, w.state, w.closed_by, w.note
FROM paasla.work_order AS w
JOIN paasla.register AS r ON r.register_code = w.register_code
JOIN paasla.register_role AS rr ON rr.role_id = w.role_id
WHERE w.person_id = $1::bigint AND (w.state = 'open' OR w.state = 'cancelled' AND w.kind = 'remove')
ORDER BY w.state = 'open' DESC, w.kind DESC, w.due_at, w.work_order_id
