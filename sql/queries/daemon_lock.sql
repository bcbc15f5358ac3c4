-- One daemon works on a database. The lock belongs to the session and goes with it; the number spells "paasla".
-- params: none
-- expect: one row: 1 when it is ours now, 0 when another session has it
SELECT pg_catalog.pg_try_advisory_lock(123563549092961)::int
