-- params: $1 JSON of what came of one account
-- expect: one row
SELECT paasla.settle($1::jsonb)
