-- Waits for the migration that runs elsewhere.
-- params: none
-- expect: one row
SELECT pg_catalog.pg_advisory_lock(5788216, 1)
