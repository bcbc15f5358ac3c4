-- Who takes what was asked for. A wish counts as answered by a compare that began after it was taken, so each is marked
-- as taken, also by the first look of a daemon, and one that is answered is never taken again.

DROP FUNCTION paasla.take_controls();
-- `again`: what another daemon took and did not finish, too. In the order in which they were taken.
CREATE FUNCTION paasla.take_controls(again boolean) RETURNS TABLE (control_id bigint, kind text, directory text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH taken AS (
        UPDATE paasla.control c SET started_at = coalesce(c.started_at, now())
        WHERE c.done_at IS NULL AND (again OR c.started_at IS NULL)
        RETURNING c.control_id, c.kind, coalesce(c.directory, '') AS directory, c.started_at
    )
    SELECT t.control_id, t.kind, t.directory FROM taken t ORDER BY t.started_at, t.control_id
$$;
ALTER FUNCTION paasla.take_controls(boolean) OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.take_controls(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION paasla.take_controls(boolean) TO paasla_daemon;

-- Open intents of a former life: their persons are looked at before anything else; the look settles them. It is asked while a
-- daemon lives, too, when a directory comes back: what that daemon has taken stays taken.
CREATE OR REPLACE FUNCTION paasla.recover() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT DISTINCT directory, person_id, 'recovery' FROM paasla.intent WHERE outcome IS NULL
$$;
