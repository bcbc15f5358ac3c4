-- params: $1 directory, $2 person_id, $3 purpose, $4 candidates text[]
-- expect: one row: account_id, login ('' when all are taken)
SELECT account_id, login FROM paasla.reserve($1::text, $2::bigint, $3::text, $4::text[])
