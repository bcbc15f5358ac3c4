-- Every account of a directory that is wanted or known, as lib/engine/row.h says.
-- params: $1 directory
-- expect: rows: person_id account_id purpose native_id dn login state want cause
SELECT w.person_id::text, coalesce(a.account_id::text, ''), w.purpose, coalesce(a.native_id, ''), coalesce(a.dn, ''),
       coalesce(a.login, ''), coalesce(a.state, 'none'), w.want, w.cause
FROM paasla.wanted_account w
LEFT JOIN paasla.account a ON a.person_id = w.person_id AND a.directory = w.directory AND a.purpose = w.purpose
WHERE w.directory = $1::text
UNION ALL -- ours, though the person's institutions use this directory no more
SELECT a.person_id::text, a.account_id::text, a.purpose, coalesce(a.native_id, ''), coalesce(a.dn, ''), a.login, a.state,
       'none', 'never'
FROM paasla.account a
WHERE a.directory = $1::text AND a.purpose IN ('personal', 'admin') AND a.person_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM paasla.wanted_account w
                  WHERE w.person_id = a.person_id AND w.directory = a.directory AND w.purpose = a.purpose)
