-- Locks that these servers of a directory are not known to have.
-- params: $1 directory, $2 servers, $3 number of an intent: of this one and later ones an answer is still to come
-- expect: rows: account_id intent_id server native_id (empty: not settled yet, so there is nothing to look for now)
SELECT u.account_id, u.intent_id, u.server, u.native_id FROM paasla.unacked($1::text, $2::text[], $3::bigint) u
