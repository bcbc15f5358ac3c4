-- How many people left by a transaction, or were said once more to have left. A list stays one: also when the end of one on it
-- is moved by another transaction later, so that fewer employments tell of the first. An employment that was entered with its
-- end is told of by itself only (departure_said has what was changed). In PL/pgSQL, which keeps its plan.
CREATE FUNCTION paasla.leavers_named(xact xid8) RETURNS bigint LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM (
        SELECT d.person_id FROM paasla.departure_said d WHERE d.xact_id = xact
        UNION SELECT e.person_id FROM paasla.employment e WHERE e.ended_xact = xact
        UNION SELECT e.person_id FROM paasla.employment e WHERE e.said_again_xact = xact) x);
END $$;
ALTER FUNCTION paasla.leavers_named(xid8) OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.leavers_named(xid8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION paasla.leavers_named(xid8) TO paasla_daemon;
