-- Every account of a directory that is wanted or known, as lib/engine/row.h says. One that is known and not wanted is
-- ours, though the person's institutions use this directory no more.
-- params: $1 directory
-- expect: rows: person_id account_id purpose native_id dn login state want cause
SELECT person_id::text, coalesce(a.account_id::text, ''), purpose, coalesce(a.native_id, ''),
       coalesce(a.dn, ''), coalesce(a.login, ''), coalesce(a.state, 'none'), coalesce(w.want, 'none'),
       coalesce(w.cause, 'never')
FROM (SELECT * FROM paasla.wanted_account WHERE directory = $1::text) w
FULL JOIN (SELECT * FROM paasla.account
           WHERE directory = $1::text AND purpose IN ('personal', 'admin') AND person_id IS NOT NULL) a
    USING (person_id, purpose)
