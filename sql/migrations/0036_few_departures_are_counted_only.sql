-- As in 0023, but: where everybody together said no more departures in that hour than one log-in may, nobody was hasty, and
-- which transaction named whom need not be found out. That is asked for each leaver.
CREATE OR REPLACE FUNCTION paasla.hasty(xacts xid8[], named int, per_hour int) RETURNS SETOF xid8 LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lo timestamptz;
    hi timestamptz;
BEGIN
    IF xacts IS NULL THEN
        RETURN;
    END IF;
    SELECT min(said_at) - interval '1 hour', max(said_at) INTO lo, hi FROM paasla.departure_said WHERE xact_id = ANY (xacts);
    IF (SELECT count(*) FROM (SELECT FROM paasla.departure_said d WHERE d.said_at >= lo AND d.said_at <= hi
                              LIMIT per_hour::bigint + 1) x) <= per_hour THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH few AS (
        SELECT d.xact_id, d.said_by, max(d.said_at) AS at, count(DISTINCT d.person_id) AS n
        FROM paasla.departure_said d WHERE d.said_at >= lo AND d.said_at <= hi
        GROUP BY d.xact_id, d.said_by HAVING count(DISTINCT d.person_id) <= named
    )
    SELECT x.xact_id FROM (SELECT f.xact_id, sum(f.n) OVER (PARTITION BY f.said_by ORDER BY f.at
        RANGE BETWEEN interval '1 hour' PRECEDING AND CURRENT ROW) AS said FROM few f) x
    WHERE x.said > per_hour AND x.xact_id = ANY (xacts);
END $$;
