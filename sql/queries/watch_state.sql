-- How far a directory was seen, and on which server.
-- params: $1 directory
-- expect: rows: cookie identity
SELECT coalesce(d.cookie, ''), coalesce(d.cookie_identity, '') FROM paasla.directory d WHERE d.directory = $1::text
