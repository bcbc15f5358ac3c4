-- All registers' codes.
-- params: none
-- expect: rows: register_code
SELECT r.register_code FROM paasla.register AS r ORDER BY r.register_code
