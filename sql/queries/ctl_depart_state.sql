-- How far the accounts of a leaver are. "is_out" is said only when nothing is open, waiting or unfinished.
-- params: $1 number, $2 institution or NULL
-- expect: rows: directory, purpose, login, state, state_text, mode, wanted, lock_took (seconds), is_out, pending
SELECT a.directory, a.purpose, a.login, a.state, a.state_text, d.mode, coalesce(w.want, 'none') AS wanted,
    CASE WHEN a.state IN ('closing', 'out') AND a.locked_at >= a.changed_at
         THEN pg_catalog.round(extract(epoch FROM a.locked_at - a.changed_at), 3)::float8 END AS lock_took,
    coalesce(w.want, 'none') = 'open' OR (a.state IN ('out', 'none') AND NOT p.pending) AS is_out, p.pending
FROM paasla.account AS a
JOIN paasla.directory AS d ON d.directory = a.directory
LEFT JOIN paasla.wanted_account AS w
    ON w.person_id = a.person_id AND w.directory = a.directory AND w.purpose = a.purpose
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM paasla.dirty AS q
        WHERE q.person_id = a.person_id AND q.directory = a.directory)
    OR EXISTS (SELECT FROM paasla.intent AS i WHERE i.account_id = a.account_id AND i.outcome IS NULL) AS pending) AS p
WHERE a.person_id IN (SELECT n.person_id FROM paasla.employee_number AS n
    WHERE n.employee_no = $1::text AND ($2::text IS NULL OR n.institution = $2::text))
ORDER BY a.directory, a.purpose
