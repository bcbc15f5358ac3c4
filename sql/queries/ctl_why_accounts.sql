-- The accounts of a person, what each should be, and the last thing that was written to it.
-- params: $1 person_id
-- expect: rows: account_id, directory, purpose, login, dn, state, state_text, state_at, want, cause, not_closed (and
--         should be), changed_at, locked_at, lock_ms, out_at, groups (still in), mode, last_op, last_at,
--         last_outcome, last_code, last_settled_at, last_compare_at, last_compare_complete, closes_at
SELECT a.account_id, a.directory, a.purpose, a.login, a.dn, a.state,
    CASE WHEN a.state_row = 300 AND w.want IS DISTINCT FROM 'open' -- the words of the last look are about what was wanted then
         THEN 'It should be closed; the daemon has not got to it yet' ELSE a.state_text END AS state_text, a.state_at, w.want, w.cause,
    NOT CASE WHEN a.purpose NOT IN ('personal', 'admin') THEN a.state IN ('out', 'none')
         WHEN w.want = 'open' THEN true
         WHEN w.cause = 'suspended' THEN a.state IN ('paused', 'out', 'none')
         WHEN w.cause = 'arriving' THEN a.state IN ('ready', 'paused', 'out', 'none')
         ELSE a.state IN ('out', 'none') END AS not_closed,
    a.changed_at, a.locked_at,
    CASE WHEN a.locked_at >= a.changed_at
         THEN pg_catalog.round(extract(epoch FROM a.locked_at - a.changed_at) * 1000)::bigint END AS lock_ms,
    a.out_at,
    (SELECT pg_catalog.count(*) FROM paasla.membership AS m WHERE m.account_id = a.account_id AND m.present) AS groups,
    d.mode, i.op AS last_op, i.at AS last_at, i.outcome AS last_outcome, i.code AS last_code,
    i.settled_at AS last_settled_at, d.last_compare_at,
    d.last_compare_complete,
    -- what we wrote ahead; a directory may count in whole seconds
    (SELECT CASE WHEN a.state = 'open' AND n.ends > pg_catalog.now() AND n.ends >= k.ends
                  AND n.ends < k.ends + interval '1 second' THEN n.ends END
     FROM paasla.intent AS n WHERE n.account_id = a.account_id AND n.op = 'keep' AND n.outcome = 'done'
     ORDER BY n.intent_id DESC LIMIT 1) AS closes_at
FROM paasla.account AS a
JOIN paasla.directory AS d ON d.directory = a.directory
LEFT JOIN paasla.wanted_account AS w
    ON w.person_id = a.person_id AND w.directory = a.directory AND w.purpose = a.purpose
LEFT JOIN paasla.known_end_at(pg_catalog.now()) AS k
    ON w.want = 'open' AND k.person_id = a.person_id AND k.directory = a.directory AND k.purpose = a.purpose
LEFT JOIN LATERAL (SELECT n.op, n.at, n.outcome, n.code, n.settled_at FROM paasla.intent AS n
    WHERE n.account_id = a.account_id ORDER BY n.at DESC, n.intent_id DESC LIMIT 1) AS i ON true
WHERE a.person_id = $1::bigint
ORDER BY a.directory, a.purpose
