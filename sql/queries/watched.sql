-- params: $1 directory, $2 JSON of what was seen, and the cookie
-- expect: one row
SELECT paasla.watched($1::text, $2::jsonb)
