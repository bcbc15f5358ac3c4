-- params: $1 JSON: an array of directories and how their connections are
-- expect: one row
SELECT paasla.note_connections($1::jsonb)
