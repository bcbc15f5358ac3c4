-- A document on which grants may rest.
-- params: $1 reference, $2 number of the person who asks, $3 sha256 of the document in hex or NULL
-- expect: one row: request_id
SELECT paasla.file_request(reference => $1::text, requested_by_no => $2::text,
    document_sha256 => pg_catalog.decode($3::text, 'hex')) AS request_id
