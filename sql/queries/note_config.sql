-- params: $1 JSON: the configuration as it took effect
-- expect: one row
SELECT paasla.note_config($1::jsonb)
