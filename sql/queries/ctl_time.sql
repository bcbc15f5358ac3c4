-- A moment as people say it.
-- params: $1 a day, a moment or "today", or NULL; $2 an interval before now, or NULL
-- expect: one row: at
SELECT coalesce($1::timestamptz, pg_catalog.now() - $2::interval) AS at
