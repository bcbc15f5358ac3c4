-- What should be, as functions of time. Positive: leavers have a row that says locked. The functions carry no SET and are
-- not SECURITY DEFINER, so that the planner inlines them and a person_id given outside reaches the indexes inside.

-- Days are Tallinn's, also in a session that says otherwise.
CREATE FUNCTION paasla.ahead(t timestamptz, before interval) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    AS $$ SELECT (t AT TIME ZONE 'Europe/Tallinn' - before) AT TIME ZONE 'Europe/Tallinn' $$;

-- One row for each person and directory that the person's institutions use, or ever used for that person. Attributes
-- without a history (it_admin) are today's.
CREATE FUNCTION paasla.standing_at(t timestamptz)
RETURNS TABLE (person_id bigint, directory text, employed boolean, admin_now boolean, admin_ever boolean, arriving boolean,
               last_end timestamptz, began timestamptz, begins timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT e.person_id, d.directory,
        bool_or(e.period @> t),
        bool_or(e.period @> t AND e.it_admin),
        bool_or(e.was_it_admin),
        bool_or(lower(e.period) > t AND paasla.ahead(lower(e.period), d.create_ahead) <= t),
        max(greatest(upper(e.period), e.ended_stmt)) FILTER (WHERE upper(e.period) <= t),
        min(lower(e.period)) FILTER (WHERE e.period @> t),
        min(lower(e.period)) FILTER (WHERE lower(e.period) > t)
    FROM paasla.employment e JOIN paasla.institution_directory d ON d.institution = e.institution
    GROUP BY e.person_id, d.directory
$$;

CREATE FUNCTION paasla.wanted_account_at(t timestamptz)
RETURNS TABLE (person_id bigint, directory text, purpose text, want text, cause text, since timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT g.person_id, g.directory, p.purpose,
        CASE WHEN p.purpose = 'admin' AND g.employed AND NOT g.admin_now THEN 'locked'
             WHEN g.employed AND NOT s.away THEN 'open'
             WHEN g.employed OR g.arriving OR g.last_end IS NOT NULL THEN 'locked'
             ELSE 'none' END,
        CASE WHEN p.purpose = 'admin' AND g.employed AND NOT g.admin_now THEN 'not_admin'
             WHEN g.employed THEN CASE WHEN s.away THEN 'suspended' ELSE 'employed' END
             WHEN g.arriving THEN 'arriving'
             WHEN g.last_end IS NOT NULL THEN 'departed'
             ELSE 'never' END,
        CASE WHEN g.employed THEN g.began WHEN g.arriving THEN g.begins ELSE g.last_end END
    FROM paasla.standing_at(t) g
    CROSS JOIN (VALUES ('admin'::text), ('personal')) p (purpose)
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM paasla.absence a
        WHERE a.person_id = g.person_id AND a.suspend AND a.period @> t) AS away) s
    WHERE p.purpose = 'personal' OR g.admin_ever
$$;

CREATE VIEW paasla.wanted_account AS SELECT * FROM paasla.wanted_account_at(now());

-- Groups of current grants where the account is wanted open or is suspended, which comes to: employed (as administrator).
-- It asks for that itself: joining the grouped rows of wanted_account_at hides from the planner how few directories there
-- are, and it walked all grants once for each group (12 s instead of 0.5 s for half a million grants).
CREATE FUNCTION paasla.entitlement_at(t timestamptz)
RETURNS TABLE (person_id bigint, directory text, purpose text, role_id int, role_group_id int, group_dn text, mode text,
               since timestamptz, until timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT g.person_id, rg.directory, rg.purpose, g.role_id, rg.role_group_id, rg.group_dn, r.mode,
           lower(g.valid), upper(g.valid)
    FROM paasla.access_grant g
    JOIN paasla.register_role r ON r.role_id = g.role_id
    JOIN paasla.role_group rg ON rg.role_id = g.role_id
    WHERE g.valid @> t AND EXISTS (
        SELECT FROM paasla.employment e JOIN paasla.institution_directory d ON d.institution = e.institution
        WHERE e.person_id = g.person_id AND d.directory = rg.directory AND e.period @> t
          AND (rg.purpose = 'personal' OR e.it_admin))
$$;

CREATE VIEW paasla.entitlement AS SELECT * FROM paasla.entitlement_at(now());

-- When what is wanted changes next by itself: begins and ends of employments, grants and absences, and the day on which
-- an arriving person's account is due.
CREATE FUNCTION paasla.next_change(after timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT min(t) FROM (
        SELECT min(lower(period)) FROM paasla.employment WHERE lower(period) > after
        UNION ALL SELECT min(upper(period)) FROM paasla.employment WHERE upper(period) > after AND upper(period) IS NOT NULL
        UNION ALL SELECT min(paasla.ahead(lower(e.period), d.create_ahead)) FROM paasla.employment e
            JOIN paasla.institution_directory d ON d.institution = e.institution
            WHERE lower(e.period) > after AND paasla.ahead(lower(e.period), d.create_ahead) > after
        UNION ALL SELECT min(lower(valid)) FROM paasla.access_grant WHERE lower(valid) > after
        UNION ALL SELECT min(upper(valid)) FROM paasla.access_grant WHERE upper(valid) > after AND upper(valid) IS NOT NULL
        UNION ALL SELECT min(lower(period)) FROM paasla.absence WHERE suspend AND lower(period) > after
        UNION ALL SELECT min(upper(period)) FROM paasla.absence WHERE suspend AND upper(period) > after
    ) x (t)
$$;

-- The table that every town needs: all registers in use, with rights shown at once.
CREATE VIEW paasla.matrix AS
    SELECT g.person_id, e.employee_no, e.institution, p.given_name, p.family_name, e.unit, e.position,
        r.register_code, r.name AS register, rr.role_code, rr.name AS role, r.route, rr.mode, rr.privileged,
        lower(g.valid) AS valid_from, upper(g.valid) AS valid_until, g.reference, g.grant_id,
        (SELECT w.state FROM paasla.work_order w WHERE w.grant_id = g.grant_id ORDER BY w.work_order_id DESC LIMIT 1)
            AS work_order_state
    FROM paasla.access_grant g
    JOIN paasla.person p ON p.person_id = g.person_id
    JOIN paasla.register_role rr ON rr.role_id = g.role_id
    JOIN paasla.register r ON r.register_code = rr.register_code
    LEFT JOIN LATERAL (SELECT * FROM paasla.employment e WHERE e.person_id = g.person_id
        ORDER BY e.employment_id = g.employment_id DESC NULLS LAST, e.period @> now() DESC, lower(e.period) DESC LIMIT 1) e
        ON true
    WHERE g.valid @> now();
