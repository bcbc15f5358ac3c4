-- Directories, registers, their roles and groups; who was given what; what by hand.

CREATE TABLE paasla.directory (
    directory             text COLLATE "C" PRIMARY KEY CHECK (directory ~ '^[a-z0-9_-]{1,30}$'),
    dialect               text NOT NULL,
    mode                  text NOT NULL DEFAULT 'observe' CHECK (mode IN ('observe', 'enforce')),
    identity              text, -- the server that our records were made against
    identity_seen_at      timestamptz,
    last_compare_at       timestamptz,
    last_compare_complete boolean,
    last_compare_text     text
);

CREATE TABLE paasla.institution_directory ( -- whose people have accounts where
    institution  text COLLATE "C" NOT NULL REFERENCES paasla.institution,
    directory    text COLLATE "C" NOT NULL REFERENCES paasla.directory,
    create_ahead interval NOT NULL DEFAULT '7 days' CHECK (create_ahead >= '0'), -- an arriving person's account is made so long before
    PRIMARY KEY (institution, directory)
);

CREATE TABLE paasla.register (
    register_code text COLLATE "C" PRIMARY KEY CHECK (register_code ~ '^[A-Za-z0-9_-]{1,30}$'),
    name          text NOT NULL CHECK (paasla.name_ok(name)),
    owner_id      bigint REFERENCES paasla.person,
    contact       text,
    route         text NOT NULL DEFAULT 'manual' CHECK (route IN ('directory', 'manual')),
    due_in        interval NOT NULL DEFAULT '1 day' CHECK (due_in >= '0') -- how soon a person must act where we cannot
);

CREATE TABLE paasla.register_role (
    role_id       int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    register_code text COLLATE "C" NOT NULL REFERENCES paasla.register,
    role_code     text COLLATE "C" NOT NULL CHECK (role_code <> '' AND length(role_code) <= 60),
    name          text NOT NULL,
    mode          text NOT NULL DEFAULT 'observe' CHECK (mode IN ('observe', 'propose', 'enforce')),
    on_drift      text NOT NULL DEFAULT 'report' CHECK (on_drift IN ('report', 'put_back')),
    privileged    boolean NOT NULL DEFAULT false,
    review_every  interval,
    UNIQUE (register_code, role_code)
);

CREATE TABLE paasla.role_group (
    role_group_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role_id       int NOT NULL REFERENCES paasla.register_role,
    directory     text COLLATE "C" NOT NULL REFERENCES paasla.directory,
    group_dn      text NOT NULL CHECK (group_dn <> ''),
    purpose       text NOT NULL DEFAULT 'personal' CHECK (purpose IN ('personal', 'admin')),
    UNIQUE (directory, group_dn) -- one group, one role: otherwise ending one would take the other's away
);
CREATE UNIQUE INDEX role_group_once ON paasla.role_group (directory, lower(group_dn)); -- DNs ignore case
CREATE INDEX role_group_role ON paasla.role_group (role_id);

CREATE TABLE paasla.access_grant (
    grant_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id     bigint NOT NULL REFERENCES paasla.person,
    role_id       int NOT NULL REFERENCES paasla.register_role,
    employment_id bigint REFERENCES paasla.employment, -- ends with it
    valid         tstzrange NOT NULL CHECK (isempty(valid) OR (lower(valid) IS NOT NULL AND lower_inc(valid)
                                                               AND NOT upper_inc(valid) AND isfinite(lower(valid))
                                                               AND (upper(valid) IS NULL OR isfinite(upper(valid))))),
    given_until   timestamptz, -- the end that was asked for; a departure may bring it forward and, when moved, restores it
    reference     text REFERENCES paasla.request (reference),
    reason        text,
    origin        text NOT NULL DEFAULT 'request' CHECK (origin IN ('request', 'rule', 'deputy', 'adopted')),
    granted_by    name NOT NULL DEFAULT SESSION_USER,
    granted_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_by      text CHECK (ended_by IN ('revoke', 'departure')),
    CONSTRAINT grant_once EXCLUDE USING gist (person_id WITH =, role_id WITH =, valid WITH &&)
);
CREATE INDEX grant_person ON paasla.access_grant (person_id);
CREATE INDEX grant_role ON paasla.access_grant (role_id);
CREATE INDEX grant_starts ON paasla.access_grant (lower(valid));
CREATE INDEX grant_ends ON paasla.access_grant (upper(valid)) WHERE upper(valid) IS NOT NULL;

-- Begins and ends of grants that still lie ahead when they are written. mark_due() takes a row when its moment has come,
-- however late its transaction was committed, and opens what has to be done by hand.
CREATE TABLE paasla.grant_due (
    grant_id bigint NOT NULL,
    at       timestamptz NOT NULL
);
CREATE INDEX grant_due_at ON paasla.grant_due (at);

CREATE TABLE paasla.work_order ( -- registers that hang on no directory: a person does it and says so
    work_order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id     bigint NOT NULL REFERENCES paasla.person,
    register_code text COLLATE "C" NOT NULL REFERENCES paasla.register,
    role_id       int NOT NULL REFERENCES paasla.register_role,
    grant_id      bigint NOT NULL REFERENCES paasla.access_grant,
    kind          text NOT NULL CHECK (kind IN ('add', 'remove')),
    class         text NOT NULL CHECK (class IN ('kohe', 'tavaline')), -- at once, ordinary
    due_at        timestamptz NOT NULL,
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'cancelled')),
    opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at     timestamptz,
    closed_by     name,
    note          text,
    cause         text NOT NULL,
    CHECK ((state = 'open') = (closed_at IS NULL))
);
-- One order for each end of a grant, however often the moment is looked at: an end that has passed moves no more.
CREATE UNIQUE INDEX work_order_once ON paasla.work_order (grant_id, kind);
CREATE INDEX work_order_person ON paasla.work_order (person_id);
CREATE INDEX work_order_open ON paasla.work_order (due_at) WHERE state = 'open';
