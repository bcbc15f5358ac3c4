-- What the person may do, now or from a day on.
-- params: $1 person_id
-- expect: rows: code, register, role, contact, state (auto, order, done, later, manual), order_id, due, from_day (NULL: now),
--         until_day (NULL: no end)
SELECT r.register_code AS code, r.name AS register, rr.name AS role, r.contact,
    CASE WHEN pg_catalog.lower(g.valid) > pg_catalog.now() THEN 'later'
         WHEN r.route = 'directory' AND rr.mode = 'enforce' THEN 'auto'
         WHEN o.state = 'open' THEN 'order'
         WHEN o.state = 'done' THEN 'done'
         ELSE 'manual' END AS state,
    o.work_order_id AS order_id, pg_catalog.to_char(o.due_at AT TIME ZONE 'Europe/Tallinn', 'DD.MM.YYYY') AS due,
    CASE WHEN pg_catalog.lower(g.valid) > pg_catalog.now()
         THEN pg_catalog.to_char(pg_catalog.lower(g.valid) AT TIME ZONE 'Europe/Tallinn', 'DD.MM.YYYY') END AS from_day,
    pg_catalog.to_char(pg_catalog.upper(g.valid) AT TIME ZONE 'Europe/Tallinn' - interval '1 microsecond', 'DD.MM.YYYY')
        AS until_day
FROM paasla.access_grant AS g
JOIN paasla.register_role AS rr ON rr.role_id = g.role_id
JOIN paasla.register AS r ON r.register_code = rr.register_code
LEFT JOIN LATERAL (SELECT w.work_order_id, w.state, w.due_at FROM paasla.work_order AS w
    WHERE w.grant_id = g.grant_id AND w.kind = 'add' ORDER BY w.work_order_id DESC LIMIT 1) AS o ON true
WHERE g.person_id = $1::bigint AND NOT pg_catalog.isempty(g.valid)
  AND (pg_catalog.upper(g.valid) IS NULL OR pg_catalog.upper(g.valid) > pg_catalog.now())
ORDER BY r.name COLLATE "et-x-icu", r.register_code, rr.name COLLATE "et-x-icu", g.grant_id
