-- The daemon's first question on every new connection: which migrations has this database seen?
-- params: none
-- expect: one row: version (0: the table is there but empty)
SELECT coalesce(max(v.version), 0) FROM paasla.schema_version AS v
