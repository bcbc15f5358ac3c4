-- As in 0026, but for Active Directory: it replicates each attribute by itself, so no server brings an old password back with
-- its lock, and one that had heard of the lock before it was sent there made the account be closed again and again.
CREATE OR REPLACE FUNCTION paasla.close_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM paasla.lock_ack k WHERE k.account_id = NEW.account_id AND k.close_again AND k.acknowledged_at IS NOT NULL
               AND k.intent_id = (SELECT max(o.intent_id) FROM paasla.lock_ack o WHERE o.account_id = NEW.account_id))
       AND NOT EXISTS (SELECT FROM paasla.directory d WHERE d.directory = NEW.directory AND d.dialect = 'ad') THEN
        NEW.state := 'locking';
        NEW.state_row := NULL;
        NEW.state_text := 'A server may have kept the old password beside its lock; the account is closed once more.';
        INSERT INTO paasla.dirty (directory, person_id, cause, not_before) SELECT NEW.directory, NEW.person_id, 'close_again',
            CASE WHEN count(*) < 4 THEN '-infinity' ELSE now() + interval '1 hour' END -- a server may refuse for ever
            FROM paasla.intent i WHERE i.account_id = NEW.account_id AND i.op = 'close' AND i.at > now() - interval '1 hour';
        PERFORM audit.append('account.close_again', jsonb_build_object('account_id', NEW.account_id, 'person_id', NEW.person_id,
            'directory', NEW.directory), jsonb_build_object('purpose', NEW.purpose));
    END IF;
    RETURN NEW;
END $$;
