-- A stranger that a compare did not see is gone, also when a watch told of it after the compare before. What was told when, and
-- when the compare began, is by the daemon's clock: the database learns of both a while later, of the one sooner than of the other.
ALTER TABLE paasla.finding ADD COLUMN as_of timestamptz NOT NULL DEFAULT clock_timestamp();

-- As in 0012, and: as of when.
CREATE OR REPLACE FUNCTION paasla.note_finding(dir text, f jsonb) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
    seen timestamptz := coalesce(paasla.from_us(f->'as_of_us'), clock_timestamp());
BEGIN
    UPDATE paasla.finding SET times = times + 1, last_at = clock_timestamp(), as_of = seen, text = f->>'text', severity = f->>'severity'
        WHERE kind = f->>'kind' AND directory = dir AND key = f->>'key' AND state = 'open';
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO paasla.finding (kind, severity, directory, person_id, account_id, role_group_id, key, text, as_of)
    VALUES (f->>'kind', f->>'severity', dir, nullif((f->>'person_id')::bigint, 0), nullif((f->>'account_id')::bigint, 0),
        nullif((f->>'role_group_id')::int, 0), f->>'key', f->>'text', seen)
    ON CONFLICT DO NOTHING RETURNING finding_id INTO id;
    IF id IS NOT NULL THEN
        PERFORM audit.append('finding.opened', jsonb_build_object('finding_id', id, 'directory', dir,
            'person_id', nullif((f->>'person_id')::bigint, 0), 'account_id', nullif((f->>'account_id')::bigint, 0),
            'role_group_id', nullif((f->>'role_group_id')::int, 0)),
            jsonb_build_object('kind', f->'kind', 'severity', f->'severity'), jsonb_build_object('text', f->>'text'));
    END IF;
END $$;

-- As in 0015, but for what is gone.
CREATE OR REPLACE FUNCTION paasla.note_compare(dir text, c jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    d paasla.directory;
    began timestamptz := paasla.from_us(c->'began_us');
    gone paasla.finding;
    said text := paasla.compare_text(c);
BEGIN
    SELECT * INTO d FROM paasla.directory WHERE directory = dir FOR UPDATE;
    UPDATE paasla.directory SET last_compare_at = clock_timestamp(), last_compare_complete = (c->>'complete')::boolean,
        last_compare_text = said,
        identity = CASE WHEN (c->>'complete')::boolean THEN coalesce(identity, nullif(c->>'identity', '')) ELSE identity END,
        identity_seen_at = CASE WHEN identity IS NULL OR identity = c->>'identity' THEN clock_timestamp() ELSE identity_seen_at END
    WHERE directory = dir;
    IF d.identity IS NOT NULL AND c->>'identity' <> '' AND d.identity <> c->>'identity' THEN
        PERFORM paasla.note_finding(dir, jsonb_build_object('kind', 'server_changed', 'severity', 'critical', 'key', dir, 'text',
            format('Directory %s answers as another server than before (a restore, a clone or a wrong address). Nothing is concluded and nothing written until an administrator says paasla.accept_server(%L).', dir, dir)));
    END IF;
    -- Strangers that this compare did not see again are gone. (Past a thousand they are only counted, so nothing is concluded.)
    IF (c->>'complete')::boolean AND (c->>'orphans')::int <= 1000 THEN
        FOR gone IN UPDATE paasla.finding f SET state = 'resolved', resolved_at = clock_timestamp()
            WHERE f.state = 'open' AND f.directory = dir AND f.kind IN ('orphan_account', 'unmanaged_member')
              AND f.as_of < began RETURNING f.* LOOP
            PERFORM audit.append('finding.resolved', jsonb_build_object('finding_id', gone.finding_id, 'directory', dir),
                jsonb_build_object('kind', gone.kind));
        END LOOP;
    END IF;
    PERFORM audit.append('compare.done', jsonb_build_object('directory', dir), c - ARRAY['identity', 'why', 'began_us']);
    PERFORM paasla.answer_controls(dir, c);
END $$;
