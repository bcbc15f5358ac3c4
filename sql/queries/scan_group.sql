-- Who should stand in one group now.
-- params: $1 directory, $2 DN of the group
-- expect: rows: person_id role_group_id dn login mode
SELECT e.person_id::text, e.role_group_id::text, coalesce(a.dn, ''), coalesce(a.login, ''), e.mode
FROM paasla.entitlement e
LEFT JOIN paasla.account a ON a.person_id = e.person_id AND a.directory = e.directory AND a.purpose = e.purpose
WHERE e.directory = $1::text AND e.group_dn = $2::text
