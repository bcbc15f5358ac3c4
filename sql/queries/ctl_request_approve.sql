-- The log-in's person approves somebody else's request.
-- params: $1 reference
-- expect: one row: reference
SELECT pg_catalog.btrim($1::text) AS reference FROM paasla.approve_request(reference => pg_catalog.btrim($1::text))
