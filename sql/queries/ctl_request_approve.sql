-- The log-in's person approves somebody else's request.
-- params: $1 reference
-- expect: one row: reference
SELECT $1::text AS reference FROM paasla.approve_request(reference => $1::text)
