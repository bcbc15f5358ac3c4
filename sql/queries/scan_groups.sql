-- Every group of a directory, and who should stand in it now. All groups in one walk: whoever is entitled is found by
-- joining everything once, and one row a group costs the server and us less than one row a membership.
-- params: $1 directory
-- expect: rows: role_group_id group_dn purpose persons
SELECT g.role_group_id::text, g.group_dn, g.purpose, coalesce(e.persons, '')
FROM paasla.role_group g
LEFT JOIN (SELECT role_group_id, string_agg(person_id::text, ' ') AS persons
           FROM paasla.entitlement WHERE directory = $1::text GROUP BY role_group_id) e USING (role_group_id)
WHERE g.directory = $1::text
