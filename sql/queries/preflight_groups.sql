-- The groups of one directory that roles hang on.
-- params: $1 directory
-- expect: rows: group_dn, register, role, mode
SELECT g.group_dn, r.register_code AS register, r.role_code AS role, r.mode
FROM paasla.role_group AS g JOIN paasla.register_role AS r ON r.role_id = g.role_id
WHERE g.directory = $1::text ORDER BY g.group_dn COLLATE "C"
