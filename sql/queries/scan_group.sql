-- Who should stand in one group now.
-- params: $1 directory, $2 group_dn
-- expect: rows: person_id role_group_id dn login mode
SELECT e.person_id::text, e.role_group_id::text, coalesce(a.dn, ''), coalesce(a.login, ''), e.mode
FROM paasla.role_group rg
JOIN paasla.access_grant g ON g.role_id = rg.role_id AND g.valid @> now()
JOIN LATERAL (SELECT x.* FROM paasla.entitlement_at(now()) x
              WHERE x.person_id = g.person_id AND x.role_group_id = rg.role_group_id) e ON true
LEFT JOIN paasla.account a ON a.person_id = e.person_id AND a.directory = e.directory AND a.purpose = e.purpose
WHERE rg.directory = $1::text AND rg.group_dn = $2::text
