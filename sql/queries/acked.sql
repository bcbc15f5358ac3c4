-- params: $1 directory, $2 JSON of what its servers said to locks
-- expect: one row
SELECT paasla.acked($1::text, $2::jsonb)
