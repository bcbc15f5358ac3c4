-- params: $1 directory, $2 JSON of what a full compare saw
-- expect: one row
SELECT paasla.note_compare($1::text, $2::jsonb)
