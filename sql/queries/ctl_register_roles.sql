-- The roles of one register.
-- params: $1 register_code
-- expect: rows: register, owner, route, role, name, mode, on_drift, privileged, review_every, groups, holders
SELECT r.register_code AS register, o.given_name || ' ' || o.family_name AS owner, r.route, rr.role_code AS role, rr.name,
    rr.mode, rr.on_drift, rr.privileged, rr.review_every::text AS review_every,
    (SELECT pg_catalog.string_agg(g.group_dn || ' in ' || g.directory, '; ' ORDER BY g.directory, g.group_dn)
        FROM paasla.role_group AS g WHERE g.role_id = rr.role_id) AS groups,
    (SELECT pg_catalog.count(DISTINCT a.person_id) FROM paasla.access_grant AS a
        WHERE a.role_id = rr.role_id AND a.valid @> pg_catalog.now()) AS holders
FROM paasla.register AS r
LEFT JOIN paasla.register_role AS rr ON rr.register_code = r.register_code
LEFT JOIN paasla.person AS o ON o.person_id = r.owner_id
WHERE r.register_code = $1::text
ORDER BY rr.role_code
