-- Whether somebody of the log-in's institution has that number.
-- params: $1 institution, $2 number
-- expect: one row: there
SELECT EXISTS (SELECT FROM paasla.staff AS s WHERE s.institution = $1::text AND s.employee_no = $2::text) AS there
