-- Has `paaslactl db migrate` ever run here?
-- params: none
-- expect: one row: there (boolean)
SELECT pg_catalog.to_regclass('paasla.schema_version') IS NOT NULL AS there
