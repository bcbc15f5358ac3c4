-- params: $1 JSON of a held plan or a preview
-- expect: one row: plan_id
SELECT paasla.hold($1::jsonb)
