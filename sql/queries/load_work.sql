-- Pending work in one statement, and so in one snapshot: dirty rows, what is wanted, what we believe, what people approved.
-- Rows are those of lib/engine/row.h. Driven by the dirty rows: a quiet queue costs nothing, one person costs one person.
-- params: $1 class (urgent, bulk, preview), $2 directories text[], $3 limit of pairs (bulk), $4 departures in one
--         transaction that still count as named, $5 persons bigint[] (preview), $6 how many one log-in names in an hour,
--         $7 how far back to tell what the brake let pass, in microseconds (0: not at all)
-- expect: rows: kind and up to 20 text columns
WITH due AS (
    SELECT d.directory, d.person_id, bool_or(d.cause IN ('compare_removal', 'watch', 'recovery', 'departed', 'revoked')) AS sharp,
           min(d.seq) AS first
    FROM paasla.dirty d WHERE d.directory = ANY ($2::text[])
    GROUP BY d.directory, d.person_id
    HAVING min(d.not_before) <= clock_timestamp() OR $1::text = 'preview'
    UNION ALL
    SELECT x.directory, p, false, 0 FROM (SELECT DISTINCT p FROM unnest($5::bigint[]) p) q (p) CROSS JOIN unnest($2::text[]) x (directory)
    WHERE $1::text = 'preview'
      AND NOT EXISTS (SELECT FROM paasla.dirty d WHERE d.directory = x.directory AND d.person_id = p)
), pair AS MATERIALIZED ( -- a bite of the rest is looked for among the first: not everybody is judged for each bite of a big queue
    SELECT * FROM due WHERE $1::text <> 'bulk'
    UNION ALL (SELECT * FROM due WHERE $1::text = 'bulk' ORDER BY first LIMIT 4 * $3::int)
), asked AS MATERIALIZED (
    SELECT w.* FROM pair p CROSS JOIN LATERAL (SELECT * FROM paasla.wanted_account_at(now()) x
                                               WHERE x.person_id = p.person_id AND x.directory = p.directory) w
), wanted AS MATERIALIZED (
    SELECT w.*, a.account_id, a.login, a.native_id, a.dn, a.state
    FROM asked w
    LEFT JOIN paasla.account a ON a.person_id = w.person_id AND a.directory = w.directory AND a.purpose = w.purpose
    UNION ALL -- accounts in a directory that the person's institutions use no more: nobody wants them, nothing is concluded
    SELECT a.person_id, a.directory, a.purpose, 'none', 'never', NULL, a.account_id, a.login, a.native_id, a.dn, a.state
    FROM pair p
    JOIN paasla.account a ON a.person_id = p.person_id AND a.directory = p.directory AND a.purpose IN ('personal', 'admin')
    WHERE NOT EXISTS (SELECT FROM asked w WHERE w.person_id = a.person_id AND w.directory = a.directory AND w.purpose = a.purpose)
), member AS MATERIALIZED (
    SELECT w.person_id, w.directory, w.purpose, rg.role_group_id, e.role_group_id IS NOT NULL AS wanted,
           coalesce(m.present, false) AS believed, rr.mode, rr.on_drift = 'put_back' AS put_back,
           (SELECT count(*) FROM paasla.intent i WHERE i.account_id = w.account_id AND i.role_group_id = rg.role_group_id
                AND i.put_back AND i.at > now() - interval '1 hour') AS put_backs
    FROM wanted w
    CROSS JOIN LATERAL (
        SELECT g.role_group_id FROM paasla.access_grant ag JOIN paasla.role_group g ON g.role_id = ag.role_id
            WHERE ag.person_id = w.person_id AND ag.valid @> now() AND g.directory = w.directory AND g.purpose = w.purpose
        UNION SELECT k.role_group_id FROM paasla.membership k WHERE k.account_id = w.account_id
    ) c
    JOIN paasla.role_group rg ON rg.role_group_id = c.role_group_id
    JOIN paasla.register_role rr ON rr.role_id = rg.role_id
    LEFT JOIN LATERAL (SELECT x.role_group_id FROM paasla.access_grant ag JOIN paasla.role_group x ON x.role_id = ag.role_id
        WHERE ag.person_id = w.person_id AND ag.valid @> now() AND x.role_group_id = rg.role_group_id
          AND rg.purpose = w.purpose AND (w.want = 'open' OR w.cause = 'suspended') LIMIT 1) e ON true
    LEFT JOIN paasla.membership m ON m.account_id = w.account_id AND m.role_group_id = rg.role_group_id
), sorted AS MATERIALIZED ( -- what may lock or take away goes first and whole; the rest in bites
    SELECT p.*, p.sharp OR l.person_id IS NOT NULL OR t.person_id IS NOT NULL AS urgent
    FROM pair p
    LEFT JOIN (SELECT DISTINCT w.person_id, w.directory FROM wanted w WHERE w.want = 'locked'
               AND w.state IN ('open', 'opening', 'locking', 'closing')) l ON l.person_id = p.person_id AND l.directory = p.directory
    LEFT JOIN (SELECT DISTINCT m.person_id, m.directory FROM member m WHERE m.believed AND NOT m.wanted) t
        ON t.person_id = p.person_id AND t.directory = p.directory
), chosen AS MATERIALIZED (
    SELECT * FROM sorted WHERE $1::text = 'preview' OR urgent AND $1::text = 'urgent'
    UNION ALL (SELECT * FROM sorted WHERE NOT urgent AND $1::text = 'bulk' ORDER BY first LIMIT $3::int)
), leaver AS MATERIALIZED ( -- who is not employed here now, and the last departure
    SELECT c.person_id, c.directory, l.ended_xact, l.said_again_xact FROM chosen c
    JOIN LATERAL (SELECT e.ended_xact, e.said_again_xact FROM paasla.employment e WHERE e.person_id = c.person_id
        AND upper(e.period) <= now() AND e.ended_xact IS NOT NULL ORDER BY upper(e.period) DESC, e.employment_id DESC LIMIT 1) l ON true
    WHERE EXISTS (SELECT FROM wanted w WHERE w.person_id = c.person_id AND w.directory = c.directory
                  AND w.purpose = 'personal' AND w.cause IN ('departed', 'arriving'))
), few AS MATERIALIZED ( -- transactions that ended the employments of few people, or said once more that they ended
    SELECT x.xact FROM (SELECT DISTINCT ended_xact FROM leaver) x (xact)
    WHERE (SELECT count(DISTINCT o.person_id) FROM paasla.employment o WHERE o.ended_xact = x.xact) <= $4::int
), few_again AS MATERIALIZED (
    SELECT x.xact FROM (SELECT DISTINCT said_again_xact FROM leaver WHERE said_again_xact IS NOT NULL) x (xact)
    WHERE (SELECT count(DISTINCT o.person_id) FROM paasla.employment o WHERE o.said_again_xact = x.xact) <= $4::int
), hasty AS MATERIALIZED ( -- of them those that name nobody: a list in pieces
    SELECT h.xact FROM paasla.hasty((SELECT array_agg(x.xact) FROM (TABLE few UNION TABLE few_again) x), $4::int, $6::int) h (xact)
), named AS MATERIALIZED ( -- HR named this leaver, by either. Nothing that is consumed counts.
    SELECT l.person_id, l.directory FROM leaver l
    WHERE l.ended_xact IN (TABLE few EXCEPT TABLE hasty) OR l.said_again_xact IN (TABLE few_again EXCEPT TABLE hasty)
), holding AS MATERIALIZED (
    SELECT m.person_id, m.directory, m.purpose, count(*) AS n FROM member m WHERE m.wanted GROUP BY m.person_id, m.directory, m.purpose
)
SELECT r.c0, r.c1, r.c2, r.c3, r.c4, r.c5, r.c6, r.c7, r.c8, r.c9, r.c10, r.c11, r.c12, r.c13, r.c14, r.c15, r.c16, r.c17,
       r.c18, r.c19, r.c20
FROM (
    SELECT 0 AS part, 0::bigint AS person, d.directory AS dir, 0 AS kind, '' AS purpose, 0::bigint AS n,
        'T' AS c0, d.directory AS c1,
        coalesce(t.open_accounts, 0)::text AS c2, coalesce(t.memberships, 0)::text AS c3,
        coalesce(d.identity, '') AS c4, '' AS c5, '' AS c6, '' AS c7, '' AS c8, '' AS c9, '' AS c10, '' AS c11, '' AS c12,
        '' AS c13, '' AS c14, '' AS c15, '' AS c16, '' AS c17, '' AS c18, '' AS c19, '' AS c20
    FROM paasla.directory d LEFT JOIN paasla.directory_total t ON t.directory = d.directory WHERE d.directory = ANY ($2::text[])
    UNION ALL
    SELECT 0, 0, i.directory, 1, '', min(i.intent_id), 'W', i.directory, i.account_id::text, coalesce(i.role_group_id, 0)::text,
        greatest(0, (extract(epoch FROM clock_timestamp() - min(i.at)) * 1000000)::bigint)::text,
        '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM paasla.intent i
    WHERE $7::bigint > 0 AND i.counted AND i.directory = ANY ($2::text[]) AND i.at > clock_timestamp() - $7::bigint * interval '1 microsecond'
    GROUP BY i.directory, i.account_id, i.role_group_id
    UNION ALL
    SELECT 1, 0, g.directory, 0, '', g.role_group_id, 'G', g.directory, g.role_group_id::text, g.role_id::text, g.group_dn, rr.mode,
        CASE WHEN rr.on_drift = 'put_back' THEN 't' ELSE 'f' END, g.purpose, '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM paasla.role_group g JOIN paasla.register_role rr ON rr.role_id = g.role_id WHERE g.directory = ANY ($2::text[])
    UNION ALL
    SELECT 2, c.person_id, c.directory, 1, w.purpose, 0, 'P', c.person_id::text, c.directory, w.purpose, w.want, w.cause,
        CASE WHEN n.person_id IS NOT NULL THEN 't' ELSE 'f' END, coalesce(w.account_id::text, ''), coalesce(w.login, ''),
        coalesce(w.native_id, ''), coalesce(w.dn, ''), coalesce(w.state, 'none'), p.given_name, p.family_name,
        coalesce(e.employee_no, ''), coalesce(j.unit, ''), coalesce(j.position, ''), coalesce(e.institution, ''), d.mode,
        coalesce(greatest(0, (extract(epoch FROM w.since) * 1000000)::bigint)::text, ''),
        coalesce(h.n, 0)::text
    FROM chosen c
    JOIN wanted w ON w.person_id = c.person_id AND w.directory = c.directory
    JOIN paasla.person p ON p.person_id = c.person_id
    JOIN paasla.directory d ON d.directory = c.directory
    LEFT JOIN named n ON n.person_id = c.person_id AND n.directory = c.directory
    LEFT JOIN holding h ON h.person_id = c.person_id AND h.directory = c.directory AND h.purpose = w.purpose
    LEFT JOIN LATERAL (SELECT x.* FROM paasla.employment x JOIN paasla.institution_directory i
        ON i.institution = x.institution AND i.directory = c.directory WHERE x.person_id = c.person_id
        ORDER BY lower(x.period), x.employment_id LIMIT 1) e ON true -- the first number stands in the entry for life
    LEFT JOIN LATERAL (SELECT x.* FROM paasla.employment x JOIN paasla.institution_directory i
        ON i.institution = x.institution AND i.directory = c.directory WHERE x.person_id = c.person_id
        ORDER BY x.period @> now() DESC, lower(x.period) DESC, x.employment_id LIMIT 1) j ON true -- the work of today
    UNION ALL
    SELECT 2, m.person_id, m.directory, 2, m.purpose, m.role_group_id, 'M', m.person_id::text, m.directory, m.purpose,
        m.role_group_id::text, CASE WHEN m.wanted THEN 't' ELSE 'f' END, CASE WHEN m.believed THEN 't' ELSE 'f' END, m.mode,
        CASE WHEN m.put_back THEN 't' ELSE 'f' END, m.put_backs::text, '', '', '', '', '', '', '', '', '', '', ''
    FROM member m JOIN chosen c ON c.person_id = m.person_id AND c.directory = m.directory
    UNION ALL
    SELECT 2, c.person_id, c.directory, 3, i.purpose, i.intent_id, 'I', c.person_id::text, c.directory, i.purpose,
        i.intent_id::text, i.op, coalesce(i.role_group_id, 0)::text, '', '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM chosen c JOIN paasla.intent i ON i.person_id = c.person_id AND i.directory = c.directory AND i.outcome IS NULL
    UNION ALL
    SELECT 2, c.person_id, c.directory, 4, i.purpose, i.plan_id, 'H', c.person_id::text, c.directory, i.purpose, p.state, i.op,
        coalesce(i.role_group_id, 0)::text, '', '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM chosen c JOIN paasla.plan_item i ON i.person_id = c.person_id AND NOT i.over
    JOIN paasla.plan p ON p.plan_id = i.plan_id AND p.directory = c.directory
        AND (p.state = 'held' OR p.state = 'approved' AND p.expires_at > clock_timestamp())
    UNION ALL
    SELECT 2, c.person_id, c.directory, 5, '', d.seq, 'D', c.person_id::text, c.directory, d.seq::text,
        '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM chosen c JOIN paasla.dirty d ON d.person_id = c.person_id AND d.directory = c.directory
) r
ORDER BY r.part, r.person, r.dir, r.kind, r.purpose, r.n
