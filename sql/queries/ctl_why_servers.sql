-- Where the locks of a person's accounts stand, in directories of several servers.
-- params: $1 person_id
-- expect: rows: account_id, directory, server, in_use, state (how the daemon sees it), read_only, result_code, seen,
--         acknowledged_at
SELECT p.account_id, p.directory, p.server, p.in_use, p.state, p.read_only, p.result_code, p.seen, p.acknowledged_at
FROM paasla.lock_place AS p JOIN paasla.account AS a ON a.account_id = p.account_id
WHERE a.person_id = $1::bigint
ORDER BY p.directory, p.account_id, p.acknowledged_at NULLS LAST, p.listed
