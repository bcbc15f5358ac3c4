-- Whether one moment comes after another.
-- params: $1 the later one, $2 the earlier one, or NULL for now
-- expect: one row: after
SELECT $1::timestamptz > coalesce($2::timestamptz, pg_catalog.now()) AS after
