-- What is to be done by hand for a person, whatever the register: what is not done may still live. Orders that are open;
-- orders to take something away that somebody has cancelled: nobody did that either; and what was given by hand and is to
-- be taken away by nobody, because its register has been moved to a directory, which knows nothing of it ("missing").
-- An order to lock an account (kind lock) names the directory in place of the register and the log-in in place of the role.
-- params: $1 person_id
-- expect: rows: work_order_id, register_code, register, role, kind, class, due_at, overdue, opened_at, state (open, missing,
--         cancelled), closed_by, note
SELECT x.work_order_id, x.register_code, coalesce(r.name, a.directory) AS register, coalesce(rr.name, a.login) AS role, x.kind, x.class, x.due_at,
    x.state = 'open' AND x.due_at < pg_catalog.now() AS overdue, x.opened_at, x.state, x.closed_by, x.note
FROM (SELECT w.work_order_id, w.register_code, w.role_id, w.kind, w.class, w.due_at, w.opened_at, w.state,
          w.closed_by::text, w.note, w.account_id
      FROM paasla.work_order AS w
      WHERE w.person_id = $1::bigint AND (w.state = 'open' OR w.state = 'cancelled' AND w.kind = 'remove'
          OR w.state = 'cancelled' AND w.kind = 'lock' AND EXISTS (SELECT FROM paasla.finding AS f
              WHERE f.finding_id = w.finding_id AND f.state = 'open'))
      UNION ALL
      SELECT NULL, g1.register_code, g.role_id, 'remove', 'tavaline', pg_catalog.upper(g.valid), NULL, 'missing', NULL, NULL, NULL
      FROM paasla.access_grant AS g
      JOIN paasla.register_role AS g1 ON g1.role_id = g.role_id
      JOIN paasla.register AS g2 ON g2.register_code = g1.register_code AND g2.route <> 'manual'
      JOIN LATERAL (SELECT pg_catalog.max(w.work_order_id) AS id FROM paasla.work_order AS w
          WHERE w.grant_id = g.grant_id AND w.kind = 'add' AND w.state = 'done') AS given ON given.id IS NOT NULL
      WHERE g.person_id = $1::bigint AND (pg_catalog.isempty(g.valid) OR pg_catalog.upper(g.valid) <= pg_catalog.now())
        AND NOT EXISTS (SELECT FROM paasla.work_order AS w WHERE w.grant_id = g.grant_id AND w.kind = 'remove'
            AND w.work_order_id > given.id)) AS x
LEFT JOIN paasla.register AS r ON r.register_code = x.register_code
LEFT JOIN paasla.register_role AS rr ON rr.role_id = x.role_id
LEFT JOIN paasla.account AS a ON a.account_id = x.account_id
ORDER BY x.state = 'open' DESC, x.state = 'missing' DESC, x.kind DESC, x.due_at, x.work_order_id
