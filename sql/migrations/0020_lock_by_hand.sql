-- An account that must be locked and that the daemon may not write (Active Directory protects some, say): somebody with
-- the right locks it by hand, at once. The order is opened with the finding that the write was refused, and closed when the
-- directory shows the lock, whoever set it; until then the departure is not done.

ALTER TABLE paasla.work_order
    ADD COLUMN account_id bigint REFERENCES paasla.account,
    ADD COLUMN finding_id bigint REFERENCES paasla.finding,
    ALTER COLUMN register_code DROP NOT NULL,
    ALTER COLUMN role_id DROP NOT NULL,
    ALTER COLUMN grant_id DROP NOT NULL,
    DROP CONSTRAINT work_order_kind_check,
    ADD CONSTRAINT work_order_kind_check CHECK (kind IN ('add', 'remove', 'lock')),
    ADD CONSTRAINT work_order_about CHECK (CASE kind
        WHEN 'lock' THEN account_id IS NOT NULL AND finding_id IS NOT NULL AND num_nonnulls(register_code, role_id, grant_id) = 0
        ELSE num_nonnulls(account_id, finding_id) = 0 AND num_nulls(register_code, role_id, grant_id) = 0 END);
-- One for each finding, however often the refusal is seen again; who closes it by hand is not asked a second time.
CREATE UNIQUE INDEX work_order_finding ON paasla.work_order (finding_id);
CREATE INDEX work_order_account ON paasla.work_order (account_id) WHERE state = 'open';

-- As in 0009, and the account of a lock.
CREATE OR REPLACE FUNCTION paasla.work_order_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    PERFORM audit.append('work_order.' || CASE n.state WHEN 'open' THEN 'opened' ELSE n.state END,
        jsonb_build_object('person_id', n.person_id, 'register_code', n.register_code, 'role_id', n.role_id,
            'grant_id', n.grant_id, 'work_order_id', n.work_order_id, 'account_id', n.account_id, 'finding_id', n.finding_id,
            'directory', a.directory),
        jsonb_build_object('kind', n.kind, 'class', n.class, 'due_at', n.due_at, 'cause', n.cause),
        jsonb_build_object('text', n.note)) FROM new n LEFT JOIN paasla.account a USING (account_id);
    RETURN NULL;
END $$;

-- A refused write to the account itself is critical only when it would have locked it.
CREATE FUNCTION paasla.lock_refused() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.work_order (person_id, account_id, finding_id, kind, class, due_at, cause)
    SELECT a.person_id, a.account_id, NEW.finding_id, 'lock', 'kohe', now(), NEW.kind
    FROM paasla.account a WHERE a.account_id = NEW.account_id AND a.person_id IS NOT NULL
    ON CONFLICT (finding_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER finding_lock_refused AFTER INSERT OR UPDATE OF severity ON paasla.finding FOR EACH ROW
    WHEN (NEW.kind IN ('write_denied', 'write_failed', 'account_unreadable') AND NEW.severity = 'critical'
        AND NEW.state = 'open' AND NEW.role_group_id IS NULL AND NEW.account_id IS NOT NULL)
    EXECUTE FUNCTION paasla.lock_refused();

-- What a look at an account means for orders to lock it. Called with what settle() is called with.
CREATE FUNCTION paasla.lock_looked_at(s jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE acc bigint := nullif((s->>'account_id')::bigint, 0);
BEGIN
    IF NOT EXISTS (SELECT FROM paasla.work_order w WHERE w.account_id = acc AND w.state = 'open') THEN
        RETURN;
    END IF;
    IF coalesce((s->>'lock_seen')::boolean, false) THEN
        UPDATE paasla.work_order w SET state = 'done', closed_at = clock_timestamp(), closed_by = session_user,
            note = coalesce(w.note || ' ', '') || 'The directory shows the lock.'
        WHERE w.account_id = acc AND w.state = 'open';
    ELSIF NOT EXISTS (SELECT FROM paasla.account a JOIN paasla.wanted_account_at(now()) w ON w.person_id = a.person_id
            AND w.directory = a.directory AND w.purpose = a.purpose AND w.want = 'locked' WHERE a.account_id = acc) THEN
        UPDATE paasla.work_order w SET state = 'cancelled', closed_at = clock_timestamp(), closed_by = session_user,
            note = coalesce(w.note || ' ', '') || 'The account need not be locked any more.'
        WHERE w.account_id = acc AND w.state = 'open';
    END IF;
END $$;

-- Accounts that were there before us bear log-ins of their own making.
ALTER TABLE paasla.login_name DROP CONSTRAINT login_name_login_check,
    ADD CONSTRAINT login_name_login_check CHECK (login ~ '^[a-z0-9_][a-z0-9._-]{0,63}$');

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['paasla.lock_refused()', 'paasla.lock_looked_at(jsonb)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paasla_owner', f);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION paasla.lock_looked_at(jsonb) TO paasla_daemon;
