-- Open findings about a person, a person's account, or a whole directory that the person has an account in.
-- params: $1 person_id
-- expect: rows: finding_id, severity, kind, directory, text, first_at, last_at, times
SELECT f.finding_id, f.severity, f.kind, f.directory, f.text, f.first_at, f.last_at, f.times
FROM paasla.finding AS f
WHERE f.state = 'open' AND (f.person_id = $1::bigint
    OR f.account_id IN (SELECT a.account_id FROM paasla.account AS a WHERE a.person_id = $1::bigint)
    OR f.kind = 'server_changed'
       AND f.directory IN (SELECT a.directory FROM paasla.account AS a WHERE a.person_id = $1::bigint))
ORDER BY f.severity = 'critical' DESC, f.severity = 'warning' DESC, f.finding_id
