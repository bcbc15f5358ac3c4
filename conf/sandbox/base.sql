-- The frame of the sandbox, before any people: two institutions, the directory they use, and the log-ins of those who
-- work with Pääsla. Run by the superuser right after `paaslactl db migrate`.

CREATE ROLE paaslad           LOGIN IN ROLE paasla_daemon;
CREATE ROLE hr_mari           LOGIN IN ROLE paasla_hr;
CREATE ROLE it_jaan           LOGIN IN ROLE paasla_admin, paasla_grantor;
CREATE ROLE turve_liina       LOGIN IN ROLE paasla_approver, paasla_auditor;
CREATE ROLE sekretar_sarlotte LOGIN IN ROLE paasla_approver;
CREATE ROLE audiitor_peep     LOGIN IN ROLE paasla_auditor;

INSERT INTO paasla.institution (institution, name) VALUES
    ('LV', 'Paju Linnavalitsus'),
    ('LA', 'Paju Lasteaed Pääsuke');
INSERT INTO paasla.directory (directory, dialect, mode) VALUES ('paju', 'openldap', 'enforce');
INSERT INTO paasla.institution_directory (institution, directory, create_ahead) VALUES
    ('LV', 'paju', '7 days'),
    ('LA', 'paju', '7 days');
INSERT INTO paasla.hr_scope (role_name, institution) VALUES ('hr_mari', 'LV'), ('hr_mari', 'LA');
