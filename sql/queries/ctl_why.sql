-- What the judgement about a person needs besides accounts, work orders, findings and plans.
-- params: $1 person_id
-- expect: one row: employed, suspended, arriving, departed, grants (that hold now; for a leaver who does not come back,
--         also later ones), pending, logins (to this database)
SELECT EXISTS (SELECT FROM paasla.employment AS e WHERE e.person_id = $1::bigint AND e.period @> pg_catalog.now())
        AS employed,
    EXISTS (SELECT FROM paasla.absence AS a WHERE a.person_id = $1::bigint AND a.suspend AND a.period @> pg_catalog.now())
        AS suspended,
    EXISTS (SELECT FROM paasla.employment AS e WHERE e.person_id = $1::bigint
        AND pg_catalog.lower(e.period) > pg_catalog.now()) AS arriving,
    EXISTS (SELECT FROM paasla.employment AS e WHERE e.person_id = $1::bigint
        AND pg_catalog.upper(e.period) <= pg_catalog.now()) AS departed,
    (SELECT pg_catalog.count(*) FROM paasla.access_grant AS g WHERE g.person_id = $1::bigint
        AND NOT pg_catalog.isempty(g.valid) AND (pg_catalog.upper(g.valid) IS NULL OR pg_catalog.upper(g.valid) > pg_catalog.now())
        AND (pg_catalog.lower(g.valid) <= pg_catalog.now() OR NOT EXISTS (SELECT FROM paasla.employment AS e
            WHERE e.person_id = $1::bigint AND pg_catalog.lower(e.period) > pg_catalog.now()))) AS grants,
    (SELECT pg_catalog.count(*) FROM paasla.dirty AS d WHERE d.person_id = $1::bigint)
        + (SELECT pg_catalog.count(*) FROM paasla.intent AS i WHERE i.person_id = $1::bigint AND i.outcome IS NULL)
        -- a grant has begun or ended, and nobody has seen yet whether somebody has to act by hand
        + (SELECT pg_catalog.count(*) FROM paasla.grant_due AS u JOIN paasla.access_grant AS g ON g.grant_id = u.grant_id
            WHERE g.person_id = $1::bigint AND u.at <= pg_catalog.now()) AS pending,
    (SELECT pg_catalog.count(*) FROM paasla.db_login AS l JOIN pg_catalog.pg_roles AS r ON r.rolname = l.role_name
        WHERE l.person_id = $1::bigint AND r.rolcanlogin) AS logins
