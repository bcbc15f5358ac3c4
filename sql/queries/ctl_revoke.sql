-- A person's role ends now.
-- params: $1 number, $2 register, $3 role, $4 reference or NULL, $5 institution or NULL
-- expect: one row: ended_at, reference
SELECT paasla.revoke_access(employee_no => $1::text, register => $2::text, role => $3::text, reference => $4::text,
    institution => $5::text) AS ended_at, pg_catalog.btrim($4::text) AS reference
