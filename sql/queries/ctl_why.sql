-- What the judgement about a person needs besides accounts, work orders, findings and plans.
-- params: $1 person_id
-- expect: one row: employed, suspended, arriving, departed, grants (that hold now), pending
SELECT EXISTS (SELECT FROM paasla.employment AS e WHERE e.person_id = $1::bigint AND e.period @> pg_catalog.now())
        AS employed,
    EXISTS (SELECT FROM paasla.absence AS a WHERE a.person_id = $1::bigint AND a.suspend AND a.period @> pg_catalog.now())
        AS suspended,
    EXISTS (SELECT FROM paasla.employment AS e WHERE e.person_id = $1::bigint
        AND pg_catalog.lower(e.period) > pg_catalog.now()) AS arriving,
    EXISTS (SELECT FROM paasla.employment AS e WHERE e.person_id = $1::bigint
        AND pg_catalog.upper(e.period) <= pg_catalog.now()) AS departed,
    (SELECT pg_catalog.count(*) FROM paasla.access_grant AS g WHERE g.person_id = $1::bigint
        AND g.valid @> pg_catalog.now()) AS grants,
    (SELECT pg_catalog.count(*) FROM paasla.dirty AS d WHERE d.person_id = $1::bigint)
        + (SELECT pg_catalog.count(*) FROM paasla.intent AS i WHERE i.person_id = $1::bigint AND i.outcome IS NULL)
        AS pending
