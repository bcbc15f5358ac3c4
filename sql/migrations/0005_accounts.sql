-- What the daemon knows, plans and did. People read these; only functions of the daemon write them.

CREATE TABLE paasla.account (
    account_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id   bigint REFERENCES paasla.person,
    directory   text COLLATE "C" NOT NULL REFERENCES paasla.directory,
    purpose     text NOT NULL CHECK (purpose IN ('personal', 'admin', 'service', 'shared', 'breakglass')),
    login       text COLLATE "C" NOT NULL,
    native_id   text COLLATE "C",
    dn          text,
    state       text NOT NULL DEFAULT 'none' CHECK (state IN ('none', 'creating', 'ready', 'opening', 'open', 'locking',
                    'closing', 'paused', 'out', 'lost', 'foreign')),
    state_row   int,
    state_text  text,
    state_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    opened_at   timestamptz,
    changed_at  timestamptz, -- when the change that closed it was made in the table
    locked_at   timestamptz, -- when the directory acknowledged the lock
    out_at      timestamptz, -- when it was seen locked and in no managed group
    last_write_at timestamptz,
    UNIQUE (person_id, directory, purpose),
    UNIQUE (directory, native_id)
);
CREATE INDEX account_login ON paasla.account (login);

CREATE TABLE paasla.login_name ( -- every log-in ever used: nobody else gets it, ever
    login       text COLLATE "C" PRIMARY KEY CHECK (login ~ '^[a-z0-9][a-z0-9.-]{0,63}$'),
    person_id   bigint REFERENCES paasla.person,
    purpose     text NOT NULL,
    reserved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX login_name_person ON paasla.login_name (person_id, purpose);

CREATE TABLE paasla.membership (
    account_id    bigint NOT NULL REFERENCES paasla.account,
    role_group_id int NOT NULL REFERENCES paasla.role_group,
    present       boolean NOT NULL,
    since         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, role_group_id)
);
CREATE INDEX membership_group ON paasla.membership (role_group_id) WHERE present;

-- How much there is in a directory, for the brake: counted as it changes, because counting anew takes longer than a lock.
CREATE TABLE paasla.directory_total (
    directory     text COLLATE "C" PRIMARY KEY REFERENCES paasla.directory,
    open_accounts bigint NOT NULL DEFAULT 0,
    memberships   bigint NOT NULL DEFAULT 0
);

-- TG_ARGV[0]: 1 for the rows that are new, -1 for those that were.
CREATE FUNCTION paasla.count_accounts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.directory_total AS t (directory, open_accounts)
    SELECT r.directory, count(*) * TG_ARGV[0]::int FROM rows r WHERE r.state = 'open' GROUP BY r.directory
    ON CONFLICT (directory) DO UPDATE SET open_accounts = t.open_accounts + excluded.open_accounts;
    RETURN NULL;
END $$;
CREATE TRIGGER account_count_new AFTER INSERT ON paasla.account REFERENCING NEW TABLE AS rows
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.count_accounts('1');
CREATE TRIGGER account_count_is AFTER UPDATE ON paasla.account REFERENCING NEW TABLE AS rows
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.count_accounts('1');
CREATE TRIGGER account_count_was AFTER UPDATE ON paasla.account REFERENCING OLD TABLE AS rows
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.count_accounts('-1');

CREATE FUNCTION paasla.count_memberships() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO paasla.directory_total AS t (directory, memberships)
    SELECT a.directory, count(*) * TG_ARGV[0]::int FROM rows r JOIN paasla.account a ON a.account_id = r.account_id
        WHERE r.present GROUP BY a.directory
    ON CONFLICT (directory) DO UPDATE SET memberships = t.memberships + excluded.memberships;
    RETURN NULL;
END $$;
CREATE TRIGGER membership_count_new AFTER INSERT ON paasla.membership REFERENCING NEW TABLE AS rows
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.count_memberships('1');
CREATE TRIGGER membership_count_is AFTER UPDATE ON paasla.membership REFERENCING NEW TABLE AS rows
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.count_memberships('1');
CREATE TRIGGER membership_count_was AFTER UPDATE ON paasla.membership REFERENCING OLD TABLE AS rows
    FOR EACH STATEMENT EXECUTE FUNCTION paasla.count_memberships('-1');

-- Wake-ups. Append-only: no unique key, no ON CONFLICT, or a wake-up that meets a row being consumed would be lost.
CREATE TABLE paasla.dirty (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    directory  text COLLATE "C" NOT NULL,
    person_id  bigint NOT NULL,
    cause      text NOT NULL,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    xact_id    xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX dirty_pair ON paasla.dirty (directory, person_id);

CREATE TABLE paasla.finding (
    finding_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,
    severity      text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    directory     text COLLATE "C" NOT NULL,
    person_id     bigint,
    account_id    bigint,
    role_group_id int,
    key           text NOT NULL,
    text          text NOT NULL,
    first_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    times         int NOT NULL DEFAULT 1,
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved')),
    resolved_at   timestamptz
);
CREATE UNIQUE INDEX finding_open ON paasla.finding (kind, directory, key) WHERE state = 'open';
CREATE INDEX finding_account ON paasla.finding (account_id) WHERE state = 'open';

CREATE TABLE paasla.plan (
    plan_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    directory   text COLLATE "C" NOT NULL, -- '' for a preview over all
    digest      text NOT NULL,
    state       text NOT NULL CHECK (state IN ('held', 'approved', 'done', 'expired', 'superseded', 'preview')),
    why         text NOT NULL,
    locks       int NOT NULL,
    removals    int NOT NULL,
    items       int NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    control_id  bigint,
    approved_by name,
    approved_at timestamptz,
    expires_at  timestamptz
);
CREATE UNIQUE INDEX plan_once ON paasla.plan (directory, digest) WHERE state IN ('held', 'approved');

CREATE TABLE paasla.plan_item (
    plan_id       bigint NOT NULL REFERENCES paasla.plan,
    ordinal       int NOT NULL,
    person_id     bigint NOT NULL,
    account_id    bigint,
    purpose       text NOT NULL,
    role_group_id int,
    op            text NOT NULL,
    row           int,
    over          boolean NOT NULL DEFAULT false, -- done, so already, or wanted no more
    PRIMARY KEY (plan_id, ordinal)
);
CREATE INDEX plan_item_left ON paasla.plan_item (plan_id) WHERE NOT over;
CREATE INDEX plan_item_person ON paasla.plan_item (person_id);

CREATE TABLE paasla.intent ( -- no directory write without one, committed before it
    intent_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id    bigint NOT NULL REFERENCES paasla.account,
    person_id     bigint NOT NULL,
    directory     text COLLATE "C" NOT NULL,
    purpose       text NOT NULL,
    role_group_id int,
    op            text NOT NULL,
    row           int,
    put_back      boolean NOT NULL DEFAULT false,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome       text CHECK (outcome IN ('done', 'failed', 'not_done')),
    code          int,
    settled_at    timestamptz
);
CREATE INDEX intent_open ON paasla.intent (person_id, directory) WHERE outcome IS NULL;
CREATE INDEX intent_account ON paasla.intent (account_id, at);
CREATE INDEX intent_put_back ON paasla.intent (account_id, role_group_id, at) WHERE put_back;

CREATE TABLE paasla.control ( -- what people ask of the daemon
    control_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('sync', 'preview')),
    directory    text COLLATE "C" REFERENCES paasla.directory,
    requested_by name NOT NULL DEFAULT SESSION_USER,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at   timestamptz,
    done_at      timestamptz,
    plan_id      bigint REFERENCES paasla.plan,
    result       text
);

CREATE TABLE paasla.clock_tick (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_at timestamptz NOT NULL
);
INSERT INTO paasla.clock_tick (last_at) VALUES (now());
