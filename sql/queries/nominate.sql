-- params: $1 directory, $2 JSON of persons and findings
-- expect: one row
SELECT paasla.nominate($1::text, $2::jsonb)
