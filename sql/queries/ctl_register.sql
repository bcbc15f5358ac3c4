-- Registers: who owns each, how its rights come about, how many hold something now.
-- params: none
-- expect: rows: register, name, owner, contact, route, due_in, roles (codes), groups, holders
SELECT r.register_code AS register, r.name, o.given_name || ' ' || o.family_name AS owner, r.contact, r.route,
    r.due_in::text AS due_in,
    (SELECT pg_catalog.string_agg(rr.role_code, ', ' ORDER BY rr.role_code) FROM paasla.register_role AS rr
        WHERE rr.register_code = r.register_code) AS roles,
    (SELECT pg_catalog.count(*) FROM paasla.role_group AS g JOIN paasla.register_role AS rr ON rr.role_id = g.role_id
        WHERE rr.register_code = r.register_code) AS groups,
    (SELECT pg_catalog.count(DISTINCT a.person_id) FROM paasla.access_grant AS a
        JOIN paasla.register_role AS rr ON rr.role_id = a.role_id
        WHERE rr.register_code = r.register_code AND a.valid @> pg_catalog.now()) AS holders
FROM paasla.register AS r
LEFT JOIN paasla.person AS o ON o.person_id = r.owner_id
ORDER BY r.register_code
