-- As in 0015, and: a stranger that this compare did not see is gone, also when a watch told of it after the compare before.
CREATE OR REPLACE FUNCTION paasla.note_compare(dir text, c jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    d paasla.directory;
    began timestamptz := clock_timestamp() - (c->>'took_us')::bigint * interval '1 microsecond';
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
              AND f.last_at < began RETURNING f.* LOOP
            PERFORM audit.append('finding.resolved', jsonb_build_object('finding_id', gone.finding_id, 'directory', dir),
                jsonb_build_object('kind', gone.kind));
        END LOOP;
    END IF;
    PERFORM audit.append('compare.done', jsonb_build_object('directory', dir), c - ARRAY['identity', 'why', 'took_us']);
    PERFORM paasla.answer_controls(dir, c);
END $$;
