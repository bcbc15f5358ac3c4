-- A person's work ends: at once, or with the last working day.
-- params: $1 number, $2 last working day or NULL, $3 reference, $4 institution or NULL
-- expect: one row: departs_at, passed
SELECT d.departs_at, d.departs_at <= pg_catalog.clock_timestamp() AS passed
FROM paasla.depart(employee_no => $1::text, last_day => $2::date, reference => $3::text, institution => $4::text)
    AS d (departs_at)
