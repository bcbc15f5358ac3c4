-- What a live watch of a directory tells. Its cookie says how far we have seen, and is stored in the transaction that
-- stores what was seen: after a crash the server tells the rest again.

ALTER TABLE paasla.directory
    ADD COLUMN cookie          text,        -- RFC 4533, as the server gave it, newest change of each server kept
    ADD COLUMN cookie_identity text,        -- of the server that gave it
    ADD COLUMN cookie_at       timestamptz;

-- `w`: cookie and identity (empty: unchanged), persons {person_id, cause}, findings, and entries that somebody changed:
-- {id, login, kind, severity, role_group_id, key, text}. An entry of ours makes its person dirty; one of nobody's is
-- the finding that stands beside it, when there is one. Unlike a hint this is not left out when a wake-up lies there
-- already: that one may have been read before the change was made.
CREATE FUNCTION paasla.watched(dir text, w jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v jsonb;
    who bigint;
    ours boolean;
BEGIN
    FOR v IN SELECT * FROM jsonb_array_elements(coalesce(w->'entries', '[]')) LOOP
        SELECT a.person_id INTO who FROM paasla.account a WHERE a.directory = dir AND a.native_id = v->>'id';
        ours := FOUND;
        IF NOT ours AND v->>'login' <> '' THEN
            SELECT a.person_id INTO who FROM paasla.account a WHERE a.login = lower(v->>'login') AND a.directory = dir
                AND (a.native_id IS NULL OR v->>'id' = '');
            ours := FOUND;
        END IF;
        IF ours AND who IS NOT NULL THEN
            INSERT INTO paasla.dirty (directory, person_id, cause) VALUES (dir, who, 'watch');
        ELSIF NOT ours AND v->>'text' <> '' THEN
            PERFORM paasla.note_finding(dir, v);
        END IF;
    END LOOP;
    PERFORM paasla.nominate(dir, w);
    IF w->>'cookie' <> '' THEN
        UPDATE paasla.directory SET cookie = w->>'cookie', cookie_identity = w->>'identity', cookie_at = clock_timestamp()
        WHERE directory = dir;
    ELSIF (w->>'forget')::boolean THEN
        UPDATE paasla.directory SET cookie = NULL, cookie_identity = NULL, cookie_at = clock_timestamp() WHERE directory = dir;
    END IF;
END $$;
ALTER FUNCTION paasla.watched(text, jsonb) OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.watched(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION paasla.watched(text, jsonb) TO paasla_daemon;

-- A wake-up is never left out because another one lies there: that one may be consumed by somebody who looked before.
CREATE OR REPLACE FUNCTION paasla.nominate(dir text, n jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT dir, (v->>'person_id')::bigint, v->>'cause' FROM jsonb_array_elements(n->'persons') v;
    PERFORM paasla.note_finding(dir, v) FROM jsonb_array_elements(n->'findings') v;
END $$;

-- Whom a change of these roles touches: also those who stand in a group without a grant, as far as that is known. A role
-- that is switched on puts them out at once.
CREATE OR REPLACE FUNCTION paasla.holders(roles int[]) RETURNS bigint[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(DISTINCT person_id) FROM (
        SELECT person_id FROM paasla.access_grant WHERE role_id = ANY (roles) AND valid @> now()
        UNION SELECT a.person_id FROM paasla.membership m JOIN paasla.account a ON a.account_id = m.account_id
            JOIN paasla.role_group rg ON rg.role_group_id = m.role_group_id
            WHERE rg.role_id = ANY (roles) AND m.present AND a.person_id IS NOT NULL
        UNION SELECT f.person_id FROM paasla.finding f JOIN paasla.role_group rg ON rg.role_group_id = f.role_group_id
            WHERE rg.role_id = ANY (roles) AND f.state = 'open' AND f.person_id IS NOT NULL) x
$$;
