-- params: $1 JSON of what came of one account
-- expect: one row
SELECT paasla.settle($1::jsonb), paasla.lock_looked_at($1::jsonb)
