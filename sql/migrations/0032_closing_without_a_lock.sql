-- As in 0015, but: an account whose lock was refused is being closed too, by its password alone. That is not locked.
CREATE OR REPLACE FUNCTION paasla.leaver_state(employee_no text, institution text DEFAULT NULL) RETURNS TABLE (directory text, answer text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    e paasla.employment := paasla.find_employment(leaver_state.employee_no, leaver_state.institution);
BEGIN
    PERFORM paasla.hr_must_see(e.institution);
    RETURN QUERY
    SELECT x.directory, (ARRAY['no account', 'out', 'stays open', 'locked', 'not proven', 'still open'])[max(x.rank)]
    FROM (SELECT p.directory, CASE
            WHEN w.want = 'open' OR w.cause = 'suspended' THEN 3
            WHEN coalesce(a.state, 'none') = 'none' THEN CASE WHEN o.waits OR o.written THEN 6 ELSE 1 END
            WHEN a.state = 'out' AND NOT o.waits AND NOT o.written THEN 2
            WHEN a.state IN ('lost', 'foreign') OR EXISTS (SELECT FROM paasla.finding f WHERE f.account_id = a.account_id
                AND f.kind = 'lock_not_proven' AND f.state = 'open') THEN 5
            WHEN a.state IN ('closing', 'out', 'paused', 'ready') AND (a.state <> 'closing' OR a.locked_at IS NOT NULL)
                AND NOT o.written THEN 4
            ELSE 6 END AS rank
        FROM (SELECT v.directory, v.purpose FROM paasla.wanted_account v WHERE v.person_id = e.person_id
              UNION SELECT y.directory, y.purpose FROM paasla.account y WHERE y.person_id = e.person_id) p
        LEFT JOIN paasla.wanted_account w ON w.person_id = e.person_id AND w.directory = p.directory AND w.purpose = p.purpose
        LEFT JOIN paasla.account a ON a.person_id = e.person_id AND a.directory = p.directory AND a.purpose = p.purpose
        CROSS JOIN LATERAL (SELECT
            EXISTS (SELECT FROM paasla.dirty q WHERE q.person_id = e.person_id AND q.directory = p.directory) AS waits,
            EXISTS (SELECT FROM paasla.intent i WHERE i.person_id = e.person_id AND i.directory = p.directory
                    AND i.outcome IS NULL) AS written) o) x
    GROUP BY x.directory ORDER BY x.directory;
END $$;
