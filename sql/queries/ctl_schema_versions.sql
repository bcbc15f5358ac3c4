-- Which migrations this database has seen.
-- params: none
-- expect: rows: version, name, sha256 (hex), applied_at, program
SELECT v.version, v.name, pg_catalog.encode(v.sha256, 'hex') AS sha256, v.applied_at, v.program
FROM paasla.schema_version AS v ORDER BY v.version
