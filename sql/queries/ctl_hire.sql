-- A person begins to work.
-- params: $1 institution, $2 number, $3 given name, $4 family name, $5 from, $6 unit, $7 position, $8 kind, $9 IT administrator,
--         $10 isikukood, $11 manager's number; $5 to $8, $10, $11 may be NULL
-- expect: one row: employment_id
SELECT paasla.hire(institution => $1::text, employee_no => $2::text, given_name => $3::text, family_name => $4::text,
    employed_from => coalesce($5::timestamptz, pg_catalog.now()), unit => $6::text, "position" => $7::text,
    kind => coalesce($8::text, 'employee'), it_admin => $9::boolean, personal_code => $10::text,
    manager_no => $11::text) AS employment_id
