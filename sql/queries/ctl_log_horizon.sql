-- Every transaction below this number has ended: nothing can still appear there.
-- params: none
-- expect: one row: horizon
SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text AS horizon
