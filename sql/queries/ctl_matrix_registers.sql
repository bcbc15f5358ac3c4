-- The columns of the matrix: all registers, or the one that is asked for; for one person those where there is a right.
-- params: $1 register or NULL, $2 person_id or NULL
-- expect: rows: code, name
SELECT r.register_code AS code, r.name
FROM paasla.register AS r
WHERE ($1::text IS NULL OR r.register_code = $1::text)
  AND ($2::bigint IS NULL OR EXISTS (SELECT FROM paasla.matrix AS m
      WHERE m.person_id = $2::bigint AND m.register_code = r.register_code))
ORDER BY r.register_code
