-- What was found and should not be so; the worst first.
-- params: $1 resolved ones too, $2 severity or NULL
-- expect: rows: id, severity, kind, directory, person, text, first_at, last_at, times, state
SELECT f.finding_id AS id, f.severity, f.kind, f.directory, p.given_name || ' ' || p.family_name AS person, f.text,
    f.first_at, f.last_at, f.times, f.state
FROM paasla.finding AS f
LEFT JOIN paasla.account AS a ON a.account_id = f.account_id
LEFT JOIN paasla.person AS p ON p.person_id = coalesce(f.person_id, a.person_id)
WHERE ($1::boolean OR f.state = 'open') AND ($2::text IS NULL OR f.severity = $2::text)
ORDER BY f.state = 'open' DESC, f.severity = 'critical' DESC, f.severity = 'warning' DESC, f.finding_id
