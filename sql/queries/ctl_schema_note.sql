-- A migration was applied, in this transaction.
-- params: $1 version, $2 name, $3 sha256 in hex, $4 program
-- expect: no rows
INSERT INTO paasla.schema_version (version, name, sha256, program)
VALUES ($1::int, $2::text, pg_catalog.decode($3::text, 'hex'), $4::text)
