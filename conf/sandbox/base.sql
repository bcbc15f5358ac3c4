-- The frame of the sandbox, before any people: two institutions, the directory they use (or each its own: lv and la name
-- them), and the log-ins of those who work with Pääsla. Run by the superuser right after `paaslactl db migrate`.

CREATE ROLE paaslad           LOGIN IN ROLE paasla_daemon;
CREATE ROLE hr_mari           LOGIN IN ROLE paasla_hr;
CREATE ROLE it_jaan           LOGIN IN ROLE paasla_admin, paasla_grantor;
CREATE ROLE turve_liina       LOGIN IN ROLE paasla_approver, paasla_auditor;
CREATE ROLE sekretar_sarlotte LOGIN IN ROLE paasla_approver;
CREATE ROLE audiitor_peep     LOGIN IN ROLE paasla_auditor;

INSERT INTO paasla.institution (institution, name) VALUES
    ('LV', 'Paju Linnavalitsus'),
    ('LA', 'Paju Lasteaed Pääsuke');
INSERT INTO paasla.directory (directory, dialect, mode)
    SELECT DISTINCT directory, dialect, 'enforce' FROM (VALUES (:'lv', :'lv_dialect'), (:'la', :'la_dialect')) AS v (directory, dialect);
INSERT INTO paasla.institution_directory (institution, directory, create_ahead) VALUES
    ('LV', :'lv', '7 days'),
    ('LA', :'la', '7 days');
INSERT INTO paasla.hr_scope (role_name, institution) VALUES ('hr_mari', 'LV'), ('hr_mari', 'LA');

-- Whom a joiner asks stands in the joiner's letter.
SET SESSION AUTHORIZATION it_jaan;
INSERT INTO paasla.institution_contact (institution, purpose, contact) VALUES
    ('LV', 'help',     'Jaan Tamm, it@paju.test, 555 0106'),
    ('LV', 'incident', 'Liina Šmidt, infoturve@paju.test, 555 0107'),
    ('LA', 'help',     'Jaan Tamm, it@paju.test, 555 0106'),
    ('LA', 'incident', 'Liina Šmidt, infoturve@paju.test, 555 0107');
RESET SESSION AUTHORIZATION;
