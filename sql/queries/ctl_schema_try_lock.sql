-- One migration at a time; the lock is the session's.
-- params: none
-- expect: one row: got (boolean)
SELECT pg_catalog.pg_try_advisory_lock(5788216, 1) AS got
