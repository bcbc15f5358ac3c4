-- An entry is an orphan only while nobody owns it. A compare reads the store before the directory: what was made or taken
-- over in between has a log-in here before it has an entry there.
CREATE OR REPLACE FUNCTION paasla.nominate(dir text, n jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.dirty (directory, person_id, cause)
    SELECT dir, (v->>'person_id')::bigint, v->>'cause' FROM jsonb_array_elements(n->'persons') v;
    PERFORM paasla.note_finding(dir, v) FROM jsonb_array_elements(n->'findings') v
    WHERE v->>'kind' <> 'orphan_account' OR NOT EXISTS (SELECT FROM paasla.account a WHERE a.directory = dir
        AND (a.native_id = v->>'key' OR (a.native_id IS NULL AND a.login = lower(v->>'login'))));
END $$;

-- An account that belonged to nobody when it was found and has an owner now (taken over, or made while a compare was
-- reading): the finding is over with the row that says whose it is, not with the next compare.
CREATE FUNCTION paasla.account_owned() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone paasla.finding;
BEGIN
    FOR gone IN UPDATE paasla.finding f SET state = 'resolved', resolved_at = clock_timestamp()
        FROM after a JOIN before b USING (account_id)
        WHERE a.native_id IS DISTINCT FROM b.native_id AND f.kind = 'orphan_account' AND f.state = 'open'
          AND f.directory = a.directory AND f.key = a.native_id
        RETURNING f.* LOOP
        PERFORM audit.append('finding.resolved', jsonb_build_object('finding_id', gone.finding_id, 'directory', gone.directory),
            jsonb_build_object('kind', gone.kind));
    END LOOP;
    RETURN NULL;
END $$;
ALTER FUNCTION paasla.account_owned() OWNER TO paasla_owner;
REVOKE ALL ON FUNCTION paasla.account_owned() FROM PUBLIC;
CREATE TRIGGER account_owned AFTER UPDATE ON paasla.account REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.account_owned();
