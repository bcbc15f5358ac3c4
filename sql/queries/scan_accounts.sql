-- Every account of a directory that is wanted or known, as lib/engine/row.h says.
-- params: $1 directory
-- expect: rows: person_id account_id purpose native_id dn login state want cause
SELECT w.person_id::text, coalesce(a.account_id::text, ''), w.purpose, coalesce(a.native_id, ''), coalesce(a.dn, ''),
       coalesce(a.login, ''), coalesce(a.state, 'none'), w.want, w.cause
FROM paasla.wanted_account w
LEFT JOIN paasla.account a ON a.person_id = w.person_id AND a.directory = w.directory AND a.purpose = w.purpose
WHERE w.directory = $1::text
