-- Pending work in one statement, and so in one snapshot: dirty rows, what is wanted, what we believe, what people approved.
-- Rows are those of lib/engine/row.h. Driven by the dirty rows: a quiet queue costs nothing, one person costs one person.
-- Everything about a pair is looked up for that pair (LATERAL, and OFFSET 0 or an aggregate so that it stays so): the planner
-- knows nothing of how many rows a CTE has, and where two of them were joined two thousand pairs cost a second and more.
-- OFFSET 0 also where another index may look cheaper than that of the key, because a table was empty when this was planned,
-- and where a function was asked for each person about the one transaction of a whole list.
-- params: $1 class (urgent, bulk, preview), $2 directories text[], $3 limit of pairs (bulk), $4 departures in one
--         transaction that still count as named, $5 persons bigint[] (preview), $6 how many one log-in names in an hour,
--         $7 how far back to tell what the brake let pass, in microseconds (0: not at all)
-- expect: rows: kind and up to 20 text columns
WITH due AS (
    SELECT d.directory, d.person_id, bool_or(d.cause IN ('compare_removal', 'watch', 'recovery', 'departed', 'revoked')) AS sharp,
           min(d.seq) AS first, array_agg(d.seq) AS seqs
    FROM paasla.dirty d WHERE d.directory = ANY ($2::text[])
    GROUP BY d.directory, d.person_id
    HAVING min(d.not_before) <= clock_timestamp() OR $1::text = 'preview'
    UNION ALL
    SELECT x.directory, p, false, 0, NULL
    FROM (SELECT DISTINCT p FROM unnest($5::bigint[]) p) q (p) CROSS JOIN unnest($2::text[]) x (directory)
    WHERE $1::text = 'preview'
      AND NOT EXISTS (SELECT FROM paasla.dirty d WHERE d.directory = x.directory AND d.person_id = p)
), pair AS ( -- a bite of the rest is looked for among the first: not everybody is judged for each bite of a big queue
    SELECT * FROM due ORDER BY first LIMIT CASE WHEN $1::text = 'bulk' THEN 4 * $3::int END
), chosen AS MATERIALIZED ( -- what may lock or take away goes first and whole; the rest in bites
    SELECT p.directory, p.person_id, p.seqs
    FROM pair p CROSS JOIN LATERAL (
        SELECT bool_or(w.want = 'locked' AND a.state IN ('open', 'opening', 'locking', 'closing') OR t.away) AS away
        FROM (SELECT * FROM paasla.account x WHERE x.person_id = p.person_id OFFSET 0) a
        LEFT JOIN LATERAL (SELECT x.want, x.cause FROM paasla.wanted_account_at(now()) x WHERE x.person_id = p.person_id
            AND x.directory = p.directory AND x.purpose = a.purpose OFFSET 0) w ON true
        CROSS JOIN LATERAL (SELECT count(*) > 0 AS away FROM (
            SELECT k.role_group_id FROM (SELECT * FROM paasla.membership x WHERE x.account_id = a.account_id OFFSET 0) k
            WHERE k.present
            EXCEPT SELECT g.role_group_id
            FROM (SELECT * FROM paasla.access_grant x WHERE x.person_id = p.person_id OFFSET 0) ag
            JOIN paasla.role_group g ON g.role_id = ag.role_id WHERE ag.valid @> now() AND g.purpose = a.purpose
              AND (w.want = 'open' OR w.cause = 'suspended')) gone) t
        WHERE a.directory = p.directory AND a.purpose IN ('personal', 'admin')
    ) j
    WHERE $1::text = 'preview' OR (p.sharp OR coalesce(j.away, false)) = ($1::text = 'urgent')
    LIMIT CASE WHEN $1::text = 'bulk' THEN $3::int END
), wanted AS MATERIALIZED ( -- one row an account that is wanted or known
    SELECT c.person_id, c.directory, w.*, m.*, l.ended_xact, l.said_again_xact
    FROM chosen c
    CROSS JOIN LATERAL (
        SELECT purpose, coalesce(x.want, 'none') AS want, coalesce(x.cause, 'never') AS cause, x.since,
            a.account_id, a.login, a.native_id, a.dn, a.state,
            bool_or(purpose = 'personal' AND x.cause IN ('departed', 'arriving')) OVER () AS away
        FROM (SELECT * FROM paasla.wanted_account_at(now()) w WHERE w.person_id = c.person_id AND w.directory = c.directory) x
        FULL JOIN ( -- also in a directory that the person's institutions use no more: nobody wants it, nothing is concluded
            SELECT * FROM (SELECT * FROM paasla.account y WHERE y.person_id = c.person_id OFFSET 0) a
            WHERE a.directory = c.directory AND a.purpose IN ('personal', 'admin')) a USING (purpose)
    ) w
    CROSS JOIN LATERAL (
        SELECT array_agg(rg.role_group_id) AS groups, array_agg(u.wanted) AS wanted, array_agg(u.believed) AS believed,
            array_agg(rr.mode) AS modes, array_agg(rr.on_drift = 'put_back') AS put_back,
            array_agg((SELECT count(*) FROM paasla.intent i WHERE i.account_id = w.account_id
                AND i.role_group_id = rg.role_group_id AND i.put_back AND i.at > now() - interval '1 hour')) AS put_backs,
            count(*) FILTER (WHERE u.wanted) AS n_wanted
        FROM (
            SELECT v.role_group_id, bool_or(v.wanted) AS wanted, bool_or(v.believed) AS believed
            FROM (
                SELECT g.role_group_id, w.want = 'open' OR w.cause = 'suspended' AS wanted, false AS believed
                FROM (SELECT * FROM paasla.access_grant x WHERE x.person_id = c.person_id OFFSET 0) ag
                JOIN paasla.role_group g ON g.role_id = ag.role_id
                WHERE ag.valid @> now() AND g.directory = c.directory AND g.purpose = w.purpose
                UNION ALL SELECT k.role_group_id, false, k.present FROM paasla.membership k WHERE k.account_id = w.account_id
            ) v GROUP BY v.role_group_id
        ) u
        JOIN paasla.role_group rg ON rg.role_group_id = u.role_group_id
        JOIN paasla.register_role rr ON rr.role_id = rg.role_id
    ) m
    LEFT JOIN LATERAL ( -- who is not employed here now: the last departure
        SELECT e.ended_xact, e.said_again_xact FROM (SELECT * FROM paasla.employment x WHERE x.person_id = c.person_id OFFSET 0) e
        WHERE w.away AND upper(e.period) <= now() AND e.ended_xact IS NOT NULL
        ORDER BY upper(e.period) DESC, e.employment_id DESC LIMIT 1
    ) l ON true
), few AS MATERIALIZED ( -- transactions that ended the employments of few people, or said once more that they ended
    SELECT x.xact FROM (SELECT ended_xact FROM wanted UNION SELECT said_again_xact FROM wanted OFFSET 0) x (xact)
    WHERE x.xact IS NOT NULL AND paasla.leavers_named(x.xact) <= $4::int
), hasty AS MATERIALIZED ( -- of them those that name nobody: a list in pieces
    SELECT h.xact FROM paasla.hasty((SELECT array_agg(x.xact) FROM few x), $4::int, $6::int) h (xact)
)
SELECT r.c0, r.c1, r.c2, r.c3, r.c4, r.c5, r.c6, r.c7, r.c8, r.c9, r.c10, r.c11, r.c12, r.c13, r.c14, r.c15, r.c16, r.c17,
       r.c18, r.c19, r.c20
FROM (
    SELECT 0 AS part, 0::bigint AS person, d.directory AS dir, 0 AS kind, '' AS purpose, 0::bigint AS n,
        'T' AS c0, d.directory AS c1,
        coalesce(t.open_accounts, 0)::text AS c2, coalesce(t.memberships, 0)::text AS c3,
        coalesce(d.identity, '') AS c4, coalesce((SELECT min(greatest(1, ceil(extract(epoch FROM y.not_before - clock_timestamp()) * 1000000)))
            FROM paasla.dirty y WHERE y.directory = d.directory AND y.not_before > clock_timestamp())::bigint::text, '') AS c5, '' AS c6, '' AS c7, '' AS c8, '' AS c9, '' AS c10, '' AS c11, '' AS c12,
        '' AS c13, '' AS c14, '' AS c15, '' AS c16, '' AS c17, '' AS c18, '' AS c19, '' AS c20
    FROM paasla.directory d LEFT JOIN paasla.directory_total t ON t.directory = d.directory WHERE d.directory = ANY ($2::text[])
    UNION ALL
    SELECT 0, 0, i.directory, 1, '', min(i.intent_id), 'W', i.directory, i.account_id::text, coalesce(i.role_group_id, 0)::text,
        greatest(0, (extract(epoch FROM clock_timestamp() - max(i.at)) * 1000000)::bigint)::text,
        '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM paasla.intent i
    WHERE $7::bigint > 0 AND i.counted AND i.directory = ANY ($2::text[]) AND i.at > clock_timestamp() - $7::bigint * interval '1 microsecond'
    GROUP BY i.directory, i.account_id, i.role_group_id
    UNION ALL
    SELECT 1, 0, g.directory, 0, '', g.role_group_id, 'G', g.directory, g.role_group_id::text, g.role_id::text, g.group_dn, rr.mode,
        CASE WHEN rr.on_drift = 'put_back' THEN 't' ELSE 'f' END, g.purpose, '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM paasla.role_group g JOIN paasla.register_role rr ON rr.role_id = g.role_id WHERE g.directory = ANY ($2::text[])
    UNION ALL
    SELECT 2, w.person_id, w.directory, 1, w.purpose, 0, 'P', w.person_id::text, w.directory, w.purpose, w.want, w.cause,
        -- HR named this leaver, by either. Nothing that is consumed counts.
        CASE WHEN w.ended_xact IN (TABLE few EXCEPT TABLE hasty) OR w.said_again_xact IN (TABLE few EXCEPT TABLE hasty)
            THEN 't' ELSE 'f' END,
        coalesce(w.account_id::text, ''), coalesce(w.login, ''),
        coalesce(w.native_id, ''), coalesce(w.dn, ''), coalesce(w.state, 'none'), p.given_name, p.family_name,
        coalesce(e.employee_no, ''), coalesce(j.unit, ''), coalesce(j.position, ''), coalesce(e.institution, ''), d.mode,
        coalesce(greatest(0, (extract(epoch FROM w.since) * 1000000)::bigint)::text, ''),
        w.n_wanted::text
    FROM wanted w
    JOIN paasla.person p ON p.person_id = w.person_id
    JOIN paasla.directory d ON d.directory = w.directory
    LEFT JOIN LATERAL (SELECT x.* FROM paasla.employment x JOIN paasla.institution_directory i
        ON i.institution = x.institution AND i.directory = w.directory WHERE x.person_id = w.person_id
        ORDER BY lower(x.period), x.employment_id LIMIT 1) e ON true -- the first number stands in the entry for life
    LEFT JOIN LATERAL (SELECT x.* FROM paasla.employment x JOIN paasla.institution_directory i
        ON i.institution = x.institution AND i.directory = w.directory WHERE x.person_id = w.person_id
        ORDER BY x.period @> now() DESC, lower(x.period) DESC, x.employment_id LIMIT 1) j ON true -- the work of today
    UNION ALL
    SELECT 2, w.person_id, w.directory, 2, w.purpose, m.role_group_id, 'M', w.person_id::text, w.directory, w.purpose,
        m.role_group_id::text, CASE WHEN m.wanted THEN 't' ELSE 'f' END, CASE WHEN m.believed THEN 't' ELSE 'f' END, m.mode,
        CASE WHEN m.put_back THEN 't' ELSE 'f' END, m.put_backs::text, '', '', '', '', '', '', '', '', '', '', ''
    FROM wanted w CROSS JOIN LATERAL unnest(w.groups, w.wanted, w.believed, w.modes, w.put_back, w.put_backs)
        AS m (role_group_id, wanted, believed, mode, put_back, put_backs)
    UNION ALL
    SELECT 2, w.person_id, w.directory, 3, w.purpose, 0, 'E', w.person_id::text, w.directory, w.purpose,
        coalesce((extract(epoch FROM k.ends) * 1000000)::bigint::text, ''), CASE WHEN n.named THEN 't' ELSE 'f' END,
        CASE WHEN n.named OR k.ends IS NULL THEN '0' ELSE (SELECT count(*)::text FROM (SELECT FROM paasla.employment o
            WHERE upper(o.period) > greatest(now(), k.ends - interval '24 hours')
              AND upper(o.period) < k.ends + interval '24 hours' LIMIT 1000) q) END,
        coalesce(s.sent, ''), coalesce(s.lately, ''), '', '', '', '', '', '', '', '', '', '', '', ''
    FROM wanted w
    CROSS JOIN LATERAL (SELECT max(x.ends) AS ends FROM paasla.known_end_at(now()) x
        WHERE w.want = 'open' AND x.person_id = w.person_id AND x.directory = w.directory AND x.purpose = w.purpose) k
    CROSS JOIN LATERAL ( -- HR named who ends then, as it names a leaver
        SELECT coalesce(bool_or(NOT EXISTS (SELECT FROM paasla.hasty(ARRAY[x.xact], $4::int, $6::int))), false) AS named
        FROM (SELECT DISTINCT e.ended_xact FROM (SELECT * FROM paasla.employment o WHERE o.person_id = w.person_id OFFSET 0) e
            WHERE upper(e.period) = k.ends AND e.ended_xact IS NOT NULL OFFSET 0) x (xact)
        WHERE paasla.leavers_named(x.xact) <= $4::int
    ) n
    CROSS JOIN LATERAL (
        SELECT (SELECT string_agg(DISTINCT (extract(epoch FROM i.ends) * 1000000)::bigint::text, ' ') FROM paasla.intent i
                WHERE i.account_id = w.account_id AND i.ends IS NOT NULL) AS sent,
            (SELECT string_agg(coalesce((extract(epoch FROM i.ends) * 1000000)::bigint, 0)::text, ' ' ORDER BY i.intent_id) FROM paasla.intent i
                WHERE w.want = 'open' AND i.account_id = w.account_id AND i.op = 'keep' AND i.outcome = 'done'
                  AND i.at > clock_timestamp() - interval '1 hour') AS lately
    ) s
    WHERE (w.want = 'open' OR w.state IN ('open', 'opening')) AND (k.ends IS NOT NULL OR s.sent IS NOT NULL)
    UNION ALL
    SELECT 2, w.person_id, w.directory, 4, w.purpose, f.n, 'N', w.person_id::text, w.directory, w.purpose,
        (SELECT count(*)::text FROM paasla.intent i WHERE i.account_id = w.account_id AND i.op = 'rename' AND i.outcome = 'done'
            AND i.at > greatest(clock_timestamp() - interval '1 hour', f.last)),
        f.given_name, f.family_name, '', '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM wanted w CROSS JOIN LATERAL (SELECT x.given_name, x.family_name, max(x.until) OVER () AS last,
            row_number() OVER (ORDER BY x.until DESC, x.given_name, x.family_name) AS n
        FROM paasla.former_name x WHERE x.person_id = w.person_id) f
    WHERE w.want = 'open'
    UNION ALL
    SELECT 2, c.person_id, c.directory, 5, i.purpose, i.intent_id, 'I', c.person_id::text, c.directory, i.purpose,
        i.intent_id::text, i.op, coalesce(i.role_group_id, 0)::text,
        coalesce((extract(epoch FROM i.ends) * 1000000)::bigint::text, ''), '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM chosen c CROSS JOIN LATERAL (SELECT * FROM paasla.intent x
        WHERE x.person_id = c.person_id AND x.directory = c.directory AND x.outcome IS NULL OFFSET 0) i
    UNION ALL
    SELECT 2, c.person_id, c.directory, 6, i.purpose, i.plan_id, 'H', c.person_id::text, c.directory, i.purpose, p.state, i.op,
        coalesce(i.role_group_id, 0)::text, '', '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM chosen c CROSS JOIN LATERAL (SELECT * FROM paasla.plan_item x WHERE x.person_id = c.person_id OFFSET 0) i
    JOIN paasla.plan p ON NOT i.over AND p.plan_id = i.plan_id AND p.directory = c.directory
        AND (p.state = 'held' OR p.state = 'approved' AND p.expires_at > clock_timestamp())
    UNION ALL
    SELECT 2, c.person_id, c.directory, 7, '', d.seq, 'D', c.person_id::text, c.directory, d.seq::text,
        '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''
    FROM chosen c CROSS JOIN LATERAL unnest(c.seqs) AS d (seq)
) r
ORDER BY r.part, r.person, r.dir, r.kind, r.purpose, r.n
