-- Plans that were held, those that wait for somebody first.
-- params: none
-- expect: rows: digest, directory, state, locks, removals, items, created_at, approved_by, expires_at, why
SELECT p.digest, p.directory, p.state, p.locks, p.removals, p.items, p.created_at, p.approved_by, p.expires_at, p.why
FROM paasla.plan AS p WHERE p.state <> 'preview'
ORDER BY (p.state = 'held') DESC, (p.state = 'approved') DESC, p.created_at DESC LIMIT 50
