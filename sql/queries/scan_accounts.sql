-- Every account of a directory that is wanted or known, as lib/engine/row.h says. One that is known and not wanted is
-- ours, though the person's institutions use this directory no more.
-- params: $1 directory, $2 whether names are asked for
-- expect: rows: person_id account_id purpose native_id dn login state want cause ends_us given family
SELECT person_id::text, coalesce(a.account_id::text, ''), purpose, coalesce(a.native_id, ''),
       coalesce(a.dn, ''), coalesce(a.login, ''), coalesce(a.state, 'none'), coalesce(w.want, 'none'),
       coalesce(w.cause, 'never'),
       CASE WHEN w.want IS DISTINCT FROM 'open' THEN ''
            WHEN k.ends IS NOT NULL THEN (extract(epoch FROM k.ends) * 1000000)::bigint::text
            WHEN s.account_id IS NOT NULL THEN '0' -- it has none, and we once wrote one
            ELSE '' END,
       coalesce(n.given_name, ''), coalesce(n.family_name, '')
FROM (SELECT person_id, purpose, want, cause FROM paasla.wanted_account WHERE directory = $1::text) w
FULL JOIN (SELECT * FROM paasla.account
           WHERE directory = $1::text AND purpose IN ('personal', 'admin') AND person_id IS NOT NULL) a
    USING (person_id, purpose)
LEFT JOIN (SELECT * FROM paasla.known_end_at(now()) WHERE directory = $1::text) k USING (person_id, purpose)
LEFT JOIN (SELECT DISTINCT i.account_id FROM paasla.intent i WHERE i.directory = $1::text AND i.ends IS NOT NULL) s
    ON s.account_id = a.account_id
LEFT JOIN (SELECT p.person_id, p.given_name, p.family_name FROM paasla.person p WHERE $2::boolean) n USING (person_id)
