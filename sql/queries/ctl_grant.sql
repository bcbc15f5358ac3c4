-- A person gets a role.
-- params: $1 number, $2 register, $3 role, $4 reference, $5 reason, $6 until, $7 from, $8 institution; $5 to $8 may be NULL
-- expect: one row: grant_id
SELECT paasla.grant_access(employee_no => $1::text, register => $2::text, role => $3::text, reference => pg_catalog.btrim($4::text),
    reason => $5::text, valid_until => $6::timestamptz, valid_from => $7::timestamptz, institution => $8::text) AS grant_id
