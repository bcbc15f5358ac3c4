-- The town of Paju and its kindergarten Pääsuke. Everybody here is invented.
-- Each part is entered by the person whose work it is, with the means that person has; so the log starts true.

-- ---- HR: the people ----
SET SESSION AUTHORIZATION hr_mari;

INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, unit, position, kind, manager_no, employed_from)
SELECT 'LV', v.employee_no, v.given_name, v.family_name, v.unit, v.position, v.kind, v.manager_no, v.since::timestamptz
FROM (VALUES
    ('1001', 'Priit',      'Õunapuu',               'Linnavalitsus',        'linnapea',                     'elected',  NULL,   '2021-11-08'),
    ('1002', 'Külli',      'Jäär-Üürikke',          'Linnavalitsus',        'abilinnapea',                  'elected',  '1001', '2021-11-08'),
    ('1003', 'Aivar',      'Ääremaa',               'Linnavalitsus',        'abilinnapea',                  'elected',  '1001', '2021-11-08'),
    ('1005', 'Šarlotte',   'Pärn',                  'Kantselei',            'linnasekretär',                'official', '1001', '2014-02-03'),
    ('1004', 'Mari',       'Kask',                  'Kantselei',            'personalispetsialist',         'official', '1005', '2016-09-01'),
    ('1007', 'Liina',      'Šmidt',                 'Kantselei',            'infoturbejuht',                'official', '1005', '2020-01-13'),
    ('1008', 'Urve',       'Öpik',                  'Kantselei',            'rahvastikuregistri spetsialist', 'official', '1005', '2009-05-04'),
    ('1009', 'Maie',       'Lepp',                  'Kantselei',            'dokumendihaldur',              'official', '1005', '2011-03-14'),
    ('1010', 'Reet',       'Žukova',                'Kantselei',            'jurist',                       'official', '1005', '2018-08-20'),
    ('1011', 'Tõnu',       'Vaher',                 'Kantselei',            'kommunikatsioonijuht',         'official', '1005', '2022-04-11'),
    ('1048', 'Eero',       'Ilves',                 'Kantselei',            'arhivaar',                     'official', '1005', '2013-10-01'),
    ('1050', 'Peep',       'Roos',                  'Siseaudit',            'siseaudiitor',                 'external', '1001', '2024-01-02'),
    ('1012', 'Eha',        'Käär',                  'Rahandusosakond',      'finantsjuht',                  'official', '1001', '2010-06-07'),
    ('1014', 'Katrin',     'Saar',                  'Rahandusosakond',      'vanemraamatupidaja',           'official', '1012', '2015-01-05'),
    ('1015', 'Jüri',       'Õun',                   'Rahandusosakond',      'eelarvespetsialist',           'official', '1012', '2019-02-18'),
    ('1045', 'Maarja',     'Pihel',                 'Rahandusosakond',      'arveametnik',                  'official', '1012', '2023-05-02'),
    ('1016', 'Kalju',      'Uibo',                  'Linnavarahaldus',      'varahaldur',                   'official', '1003', '2012-09-17'),
    ('1017', 'Villu',      'Kütt',                  'Linnavarahaldus',      'majandusspetsialist',          'employee', '1016', '2017-04-03'),
    ('1018', 'Arvo',       'Põder',                 'Linnavarahaldus',      'haljastusspetsialist',         'employee', '1016', '2008-03-10'),
    ('1046', 'Tarmo',      'Väli',                  'Linnavarahaldus',      'haldusspetsialist',            'employee', '1016', '2021-06-01'),
    ('1020', 'Anu',        'Kuusemäe-Žuravljova',   'Sotsiaalosakond',      'osakonnajuhataja',             'official', '1002', '2013-01-21'),
    ('1021', 'Katrin',     'Saar',                  'Sotsiaalosakond',      'sotsiaaltöötaja',              'official', '1020', '2022-10-03'),
    ('1022', 'Ene',        'Pihlakas',              'Sotsiaalosakond',      'sotsiaaltöötaja',              'official', '1020', '2016-02-15'),
    ('1023', 'Ljudmilla',  'Pugatšova',             'Sotsiaalosakond',      'sotsiaaltöötaja',              'official', '1020', '2018-11-12'),
    ('1024', 'Sirje',      'Tätte',                 'Sotsiaalosakond',      'hoolduse koordinaator',        'employee', '1020', '2014-08-18'),
    ('1025', 'Heli',       'Nõmm',                  'Sotsiaalosakond',      'toetuste spetsialist',         'official', '1020', '2019-09-02'),
    ('1042', 'Piret',      'Lõhmus',                'Sotsiaalosakond',      'sotsiaaltöötaja',              'official', '1020', '2017-05-15'),
    ('1047', 'Kersti',     'Süda',                  'Sotsiaalosakond',      'võlanõustaja',                 'employee', '1020', '2020-10-05'),
    ('1026', 'Ülo',        'Kask-Mets',             'Lastekaitse',          'lastekaitsespetsialist',       'official', '1020', '2015-11-02'),
    ('1027', 'Kadri',      'Jõgi',                  'Lastekaitse',          'lastekaitsespetsialist',       'official', '1020', '2021-01-11'),
    ('1049', 'Gerli',      'Mägi',                  'Lastekaitse',          'lastekaitsespetsialist',       'official', '1020', '2019-03-04'),
    ('1028', 'Eve',        'Männik',                'Haridusosakond',       'osakonnajuhataja',             'official', '1002', '2011-08-22'),
    ('1029', 'Rein',       'Zimmer',                'Haridusosakond',       'haridusspetsialist',           'official', '1028', '2016-08-15'),
    ('1030', 'Õnne',       'Sõmer',                 'Haridusosakond',       'noorsootöötaja',               'employee', '1028', '2020-08-24'),
    ('1031', 'Karl-Erik',  'Tšistjakov',            'Haridusosakond',       'spordikorraldaja',             'employee', '1028', '2023-01-09'),
    ('1032', 'Mart',       'Kõiv',                  'Ehitus ja planeering', 'osakonnajuhataja',             'official', '1003', '2012-02-06'),
    ('1033', 'Toomas',     'Järv',                  'Ehitus ja planeering', 'ehitusspetsialist',            'official', '1032', '2018-05-07'),
    ('1034', 'Sigrid',     'Wiedemann',             'Ehitus ja planeering', 'planeerija',                   'official', '1032', '2019-11-18'),
    ('1035', 'Ants',       'Hõbemägi',              'Ehitus ja planeering', 'järelevalvespetsialist',       'official', '1032', '2014-06-02'),
    ('1036', 'Ženja',      'Štšerbakov',            'Ehitus ja planeering', 'maakorraldaja',                'official', '1032', '2017-10-16'),
    ('1037', 'Raivo',      'Ots',                   'Ehitus ja planeering', 'teedeinsener',                 'employee', '1032', '2009-04-20'),
    ('1038', 'Juri',       'Oun',                   'Ehitus ja planeering', 'ehitusinsener',                'employee', '1032', '2024-03-04'),
    ('1039', 'Siiri',      'Luik',                  'Kultuuriosakond',      'osakonnajuhataja',             'official', '1002', '2013-09-09'),
    ('1040', 'Fiona',      'O’Connor',              'Kultuuriosakond',      'kultuurikorraldaja',           'employee', '1039', '2022-02-14'),
    ('1041', 'Peeter',     'Laul',                  'Kultuuriosakond',      'sündmuste korraldaja',         'employee', '1039', '2018-03-26'),
    ('1043', 'Helmi',      'Kägu',                  'Kultuuriosakond',      'raamatukoguhoidja',            'employee', '1039', '2007-09-03')
) AS v (employee_no, given_name, family_name, unit, position, kind, manager_no, since);

-- The town's one IT specialist has a second, administrative account; so does nobody else.
INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, unit, position, kind, manager_no, employed_from, it_admin)
VALUES ('LV', '1006', 'Jaan', 'Tamm', 'IT', 'IT-spetsialist', 'official', '1005', '2015-04-06', true),
       ('LV', '1044', 'Olev', 'Ränk', 'IT', 'kasutajatugi',   'employee', '1006', '2023-09-04', false),
       ('LV', '1051', 'Rasmus', 'Liiv', 'IT', 'praktikant',   'trainee',  '1006', now() - interval '3 weeks', false);

-- One person, two employments: the personal code says that it is the same Tiiu Rebane.
INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, personal_code, unit, position, kind, employed_from)
VALUES ('LV', '1013', 'Tiiu', 'Rebane', '47001019907', 'Rahandusosakond', 'raamatupidaja',      'official', '2012-01-02'),
       ('LA', '2002', 'Tiiu', 'Rebane', '47001019907', 'Juhtkond',        'majandusjuhataja',   'employee', '2019-08-12');

INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, unit, position, kind, manager_no, employed_from)
SELECT 'LA', v.employee_no, v.given_name, v.family_name, v.unit, v.position, 'employee', v.manager_no, v.since::timestamptz
FROM (VALUES
    ('2001', 'Merle',      'Nurmsalu',   'Juhtkond',   'juhataja',                NULL,   '2013-08-01'),
    ('2003', 'Kristiina',  'Kivi',       'Juhtkond',   'õppealajuhataja',         '2001', '2016-08-15'),
    ('2004', 'Kevin',      'O''Connor',  'Pargi maja', 'inglise keele õpetaja',   '2003', '2021-08-23'),
    ('2005', 'Aino',       'Rüütel',     'Pargi maja', 'õpetaja',                 '2003', '2010-08-16'),
    ('2006', 'Leida',      'Hein',       'Pargi maja', 'õpetaja abi',             '2003', '2018-09-03'),
    ('2007', 'Helju',      'Põldmaa',    'Jõe maja',   'õpetaja',                 '2003', '2005-08-15'),
    ('2008', 'Ruth',       'Käsper',     'Jõe maja',   'õpetaja',                 '2003', '2009-08-17'),
    ('2009', 'Silvi',      'Õnnis',      'Jõe maja',   'õpetaja',                 '2003', '2012-08-13'),
    ('2010', 'Annika',     'Müür',       'Jõe maja',   'õpetaja',                 '2003', '2017-08-14'),
    ('2011', 'Marika',     'Šults',      'Jõe maja',   'õpetaja abi',             '2003', '2019-09-02'),
    ('2012', 'Diana',      'D’Angelo',   'Jõe maja',   'muusikaõpetaja',          '2003', '2020-08-17'),
    ('2013', 'Janne',      'de Vries',   'Jõe maja',   'liikumisõpetaja',         '2003', '2022-08-15'),
    ('2014', 'Tiina',      'Tuul',       'Jõe maja',   'logopeed',                '2003', '2018-08-20'),
    ('2015', 'Jelena',     'Issajeva',   'Jõe maja',   'õpetaja',                 '2003', '2015-08-17'),
    ('2016', 'Mirjam',     'Sõerd',      'Jõe maja',   'õpetaja abi',             '2003', '2023-09-04'),
    ('2017', 'Rita-Mai',   'Jürgenson',  'Jõe maja',   'õpetaja',                 '2003', '2021-08-16'),
    ('2018', 'Ülle',       'Allik',      'Jõe maja',   'õpetaja abi',             '2003', '2011-09-05')
) AS v (employee_no, given_name, family_name, unit, position, manager_no, since);

-- Somebody who comes next week, somebody whose last day is known, the trainee's end, and somebody who left long ago.
INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, unit, position, kind, manager_no, employed_from)
VALUES ('LV', '1052', 'Hanna-Liisa', 'Õispuu', 'Sotsiaalosakond', 'sotsiaaltöötaja', 'official', '1020', now() + interval '5 days');
INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, unit, position, kind, employed_from, departed_at, departure_ref)
VALUES ('LV', '1053', 'Tanel', 'Kruus', 'Kultuuriosakond', 'kultuurikorraldaja', 'employee', '2016-03-01', '2025-07-01', 'KK-2025-088');
SELECT paasla.depart('1030', current_date + 20, 'KK-2026-108');
SELECT paasla.depart('1051', current_date + 40, 'PL-2026-007');

RESET SESSION AUTHORIZATION;

-- ---- who is behind which log-in of the database ----
INSERT INTO paasla.db_login (role_name, person_id)
SELECT v.role_name, s.person_id
FROM (VALUES ('hr_mari', '1004'), ('it_jaan', '1006'), ('turve_liina', '1007'), ('sekretar_sarlotte', '1005'),
             ('audiitor_peep', '1050')) AS v (role_name, employee_no)
JOIN paasla.staff s ON s.institution = 'LV' AND s.employee_no = v.employee_no;

-- ---- absences: one with a deputy, one so long that there shall be no account for the time ----
INSERT INTO paasla.absence (person_id, period, deputy_id, suspend)
SELECT s.person_id, tstzrange(now() - interval '4 days', now() + interval '10 days'), d.person_id, false
FROM paasla.staff s, paasla.staff d WHERE s.employee_no = '1048' AND d.employee_no = '1009';
INSERT INTO paasla.absence (person_id, period, suspend)
SELECT person_id, tstzrange(now() - interval '5 months', now() + interval '13 months'), true
FROM paasla.staff WHERE employee_no = '1049';

-- ---- IT: the registers, their roles, and the groups that stand for them ----
SET SESSION AUTHORIZATION it_jaan;

INSERT INTO paasla.register (register_code, name, owner_id, contact, route, due_in)
SELECT v.register_code, v.name, s.person_id, v.contact, v.route, v.due_in::interval
FROM (VALUES
    ('KATALOOG', 'Kasutajakataloog (LDAP)',              '1006', 'it@paju.test',               'directory', '1 day'),
    ('EPOST',    'E-post',                               '1006', 'it@paju.test',               'directory', '1 day'),
    ('FAIL',     'Failiserver',                          '1006', 'it@paju.test',               'directory', '1 day'),
    ('NAS',      'Synology NAS, võrgukettad',            '1006', 'it@paju.test',               'directory', '1 day'),
    ('INTRANET', 'Siseveeb',                             '1011', 'siseveeb@paju.test',         'directory', '1 day'),
    ('WD',       'WebDesktop (WD), dokumendihaldus',     '1009', 'wd@paju.test',               'directory', '1 day'),
    ('XTEE',     'X-tee turvaserver',                    '1006', 'it@paju.test',               'directory', '1 day'),
    ('VEEB',     'Linna veebileht',                      '1011', 'veeb@paju.test',             'directory', '1 day'),
    ('PMEN',     'PMEN, raamatupidamine',                '1012', 'raamatupidamine@paju.test',  'manual',    '1 day'),
    ('STAR',     'STAR, sotsiaalteenuste ja -toetuste andmeregister', '1020', 'asutuse STARi administraator', 'manual', '4 hours'),
    ('SKAIS',    'SKAIS, sotsiaalkaitse infosüsteem',    '1020', 'SKA kasutajatugi',           'manual',    '1 day'),
    ('ETAITUR',  'e-Täitur',                             '1012', 'raamatupidamine@paju.test',  'manual',    '1 day'),
    ('RR',       'Rahvastikuregister',                   '1008', 'asutuse RRi administraator', 'manual',    '4 hours'),
    ('EHR',      'Ehitisregister',                       '1032', 'ehitus@paju.test',           'manual',    '1 day'),
    ('EHIS',     'EHIS, hariduse infosüsteem',           '1028', 'asutuse EHISe administraator', 'manual',  '1 day'),
    ('RIHA',     'RIHA, riigi infosüsteemi haldussüsteem', '1006', 'RIA kasutajatugi',         'manual',    '2 days'),
    ('EARI',     'e-äriregister ja e-kinnistusraamat',   '1012', 'asutuse administraatorkasutaja', 'manual', '4 hours'),
    ('PAASLA',   'Pääsla',                               '1007', 'infoturve@paju.test',        'manual',    '1 day')
) AS v (register_code, name, owner_no, contact, route, due_in)
JOIN paasla.employee_number s ON s.institution = 'LV' AND s.employee_no = v.owner_no;

INSERT INTO paasla.register_role (register_code, role_code, name, mode, on_drift, privileged, review_every)
SELECT v.register_code, v.role_code, v.name, v.mode, v.on_drift, v.privileged, v.review_every::interval
FROM (VALUES
    ('KATALOOG', 'linnavalitsus',   'linnavalitsuse teenistuja',     'enforce', 'report',   false, '1 year'),
    ('KATALOOG', 'lasteaed',        'lasteaia töötaja',              'enforce', 'report',   false, '1 year'),
    ('KATALOOG', 'haldur',          'kataloogi haldur',              'enforce', 'report',   true,  '3 months'),
    ('EPOST',    'kasutaja',        'postkast',                      'enforce', 'report',   false, '1 year'),
    ('EPOST',    'haldur',          'postiserveri haldur',           'enforce', 'report',   true,  '3 months'),
    ('FAIL',     'kasutaja',        'kasutaja',                      'enforce', 'report',   false, '1 year'),
    ('NAS',      'kantselei_rw',    'kantselei: loeb ja kirjutab',   'enforce', 'put_back', false, '1 year'),
    ('NAS',      'kantselei_ro',    'kantselei: loeb',               'enforce', 'report',   false, '1 year'),
    ('NAS',      'rahandus_rw',     'rahandus: loeb ja kirjutab',    'enforce', 'put_back', false, '1 year'),
    ('NAS',      'rahandus_ro',     'rahandus: loeb',                'enforce', 'report',   false, '1 year'),
    ('NAS',      'sotsiaal_rw',     'sotsiaal: loeb ja kirjutab',    'enforce', 'put_back', false, '6 months'),
    ('NAS',      'sotsiaal_ro',     'sotsiaal: loeb',                'enforce', 'put_back', false, '6 months'),
    ('NAS',      'ehitus_rw',       'ehitus: loeb ja kirjutab',      'enforce', 'put_back', false, '1 year'),
    ('NAS',      'ehitus_ro',       'ehitus: loeb',                  'enforce', 'report',   false, '1 year'),
    ('NAS',      'haridus_rw',      'haridus: loeb ja kirjutab',     'enforce', 'put_back', false, '1 year'),
    ('NAS',      'haridus_ro',      'haridus: loeb',                 'enforce', 'report',   false, '1 year'),
    ('NAS',      'lasteaed_rw',     'lasteaed: loeb ja kirjutab',    'enforce', 'put_back', false, '1 year'),
    ('NAS',      'lasteaed_ro',     'lasteaed: loeb',                'enforce', 'report',   false, '1 year'),
    ('INTRANET', 'lugeja',          'lugeja',                        'enforce', 'report',   false, '1 year'),
    ('INTRANET', 'toimetaja',       'toimetaja',                     'enforce', 'report',   false, '1 year'),
    ('WD',       'kasutaja',        'kasutaja',                      'enforce', 'report',   false, '1 year'),
    ('WD',       'sotsiaal',        'sotsiaaltoimikud',              'enforce', 'report',   false, '6 months'),
    ('WD',       'haldur',          'töölaua administraator',        'enforce', 'report',   true,  '3 months'),
    ('XTEE',     'turvajuht',       'xroad-security-officer',        'enforce', 'report',   true,  '3 months'),
    ('XTEE',     'haldur',          'xroad-system-administrator',    'enforce', 'report',   true,  '3 months'),
    ('XTEE',     'teenusehaldur',   'xroad-service-administrator',   'enforce', 'report',   true,  '3 months'),
    ('XTEE',     'vaatleja',        'xroad-securityserver-observer', 'enforce', 'report',   false, '6 months'),
    ('VEEB',     'toimetaja',       'toimetaja',                     'observe', 'report',   false, '1 year'),
    ('PMEN',     'raamatupidaja',   'raamatupidaja',                 'enforce', 'report',   false, '6 months'),
    ('PMEN',     'vaataja',         'vaataja',                       'enforce', 'report',   false, '1 year'),
    ('STAR',     'administraator',  'administraator',                'enforce', 'report',   true,  '3 months'),
    ('STAR',     'sotsiaaltootaja', 'sotsiaaltöötaja',               'enforce', 'report',   false, '6 months'),
    ('STAR',     'arveldaja',       'arveldaja',                     'enforce', 'report',   false, '6 months'),
    ('SKAIS',    'kasutaja',        'kasutaja',                      'enforce', 'report',   false, '6 months'),
    ('ETAITUR',  'kasutaja',        'kasutaja',                      'enforce', 'report',   false, '6 months'),
    ('RR',       'kasutaja',        'ametnikuportaali kasutaja',     'enforce', 'report',   false, '6 months'),
    ('RR',       'administraator',  'ametnikuportaali administraator', 'enforce', 'report', true,  '3 months'),
    ('EHR',      'menetleja',       'menetleja',                     'enforce', 'report',   false, '6 months'),
    ('EHR',      'vaataja',         'vaataja',                       'enforce', 'report',   false, '1 year'),
    ('EHIS',     'kasutaja',        'kasutaja',                      'enforce', 'report',   false, '6 months'),
    ('EHIS',     'administraator',  'asutuse administraator',        'enforce', 'report',   true,  '3 months'),
    ('RIHA',     'kirjeldaja',      'kirjeldaja',                    'enforce', 'report',   false, '1 year'),
    ('EARI',     'kasutaja',        'kasutaja',                      'enforce', 'report',   false, '6 months'),
    ('EARI',     'administraator',  'administraatorkasutaja',        'enforce', 'report',   true,  '3 months'),
    ('PAASLA',   'personal',        'paasla_hr',                     'enforce', 'report',   false, '3 months'),
    ('PAASLA',   'haldur',          'paasla_admin, paasla_grantor',  'enforce', 'report',   true,  '3 months'),
    ('PAASLA',   'kinnitaja',       'paasla_approver',               'enforce', 'report',   true,  '3 months'),
    ('PAASLA',   'audiitor',        'paasla_auditor',                'enforce', 'report',   false, '3 months')
) AS v (register_code, role_code, name, mode, on_drift, privileged, review_every);

-- Which institution's directory has the group: in most towns there is one directory for both.
INSERT INTO paasla.role_group (role_id, directory, group_dn, purpose)
SELECT DISTINCT r.role_id, d.directory, 'cn=' || v.cn || ',' || d.group_base, v.purpose
FROM (VALUES
    ('KATALOOG', 'linnavalitsus', 'linnavalitsus',                 'personal', 'LV'),
    ('KATALOOG', 'lasteaed',      'lasteaed',                      'personal', 'LA'),
    ('KATALOOG', 'haldur',        'kataloogi_haldurid',            'admin',    'LV'),
    ('EPOST',    'kasutaja',      'epost_kasutajad',               'personal', 'LV LA'),
    ('EPOST',    'haldur',        'epost_haldurid',                'admin',    'LV'),
    ('FAIL',     'kasutaja',      'failiserver',                   'personal', 'LV'),
    ('NAS',      'kantselei_rw',  'NAS_kantselei_RW',              'personal', 'LV'),
    ('NAS',      'kantselei_ro',  'NAS_kantselei_RO',              'personal', 'LV'),
    ('NAS',      'rahandus_rw',   'NAS_rahandus_RW',               'personal', 'LV'),
    ('NAS',      'rahandus_ro',   'NAS_rahandus_RO',               'personal', 'LV'),
    ('NAS',      'sotsiaal_rw',   'NAS_sotsiaal_RW',               'personal', 'LV'),
    ('NAS',      'sotsiaal_ro',   'NAS_sotsiaal_RO',               'personal', 'LV'),
    ('NAS',      'ehitus_rw',     'NAS_ehitus_RW',                 'personal', 'LV'),
    ('NAS',      'ehitus_ro',     'NAS_ehitus_RO',                 'personal', 'LV'),
    ('NAS',      'haridus_rw',    'NAS_haridus_RW',                'personal', 'LV'),
    ('NAS',      'haridus_ro',    'NAS_haridus_RO',                'personal', 'LV'),
    ('NAS',      'lasteaed_rw',   'NAS_lasteaed_RW',               'personal', 'LA'),
    ('NAS',      'lasteaed_ro',   'NAS_lasteaed_RO',               'personal', 'LA'),
    ('INTRANET', 'lugeja',        'intranet_lugejad',              'personal', 'LV LA'),
    ('INTRANET', 'toimetaja',     'intranet_toimetajad',           'personal', 'LV'),
    ('WD',       'kasutaja',      'wd_kasutajad',                  'personal', 'LV'),
    ('WD',       'sotsiaal',      'wd_sotsiaal',                   'personal', 'LV'),
    ('WD',       'haldur',        'wd_haldurid',                   'personal', 'LV'),
    ('XTEE',     'turvajuht',     'xroad-security-officer',        'personal', 'LV'),
    ('XTEE',     'haldur',        'xroad-system-administrator',    'admin',    'LV'),
    ('XTEE',     'teenusehaldur', 'xroad-service-administrator',   'personal', 'LV'),
    ('XTEE',     'vaatleja',      'xroad-securityserver-observer', 'personal', 'LV'),
    ('VEEB',     'toimetaja',     'veeb_toimetajad',               'personal', 'LV')
) AS v (register_code, role_code, cn, purpose, institutions)
JOIN paasla.register_role r ON r.register_code = v.register_code AND r.role_code = v.role_code
JOIN (VALUES ('LV', :'lv', :'lv_groups'), ('LA', :'la', :'la_groups')) AS d (institution, directory, group_base)
  ON d.institution = ANY (string_to_array(v.institutions, ' '));

-- ---- requests: who asked for the rights, by document number ----
SELECT paasla.file_request(v.reference, v.requested_by_no, sha256(convert_to(v.reference || ' ' || v.note, 'UTF8')), v.note, v.institution)
FROM (VALUES
    ('KK-2026-001', '1005', 'LV', 'Linnavalitsuse teenistujate üldised õigused'),
    ('KK-2026-002', '2001', 'LA', 'Lasteaia töötajate üldised õigused'),
    ('KK-2026-011', '1012', 'LV', 'Rahandusosakonna õigused'),
    ('KK-2026-012', '1020', 'LV', 'Sotsiaalosakonna ja lastekaitse õigused'),
    ('KK-2026-013', '1028', 'LV', 'Haridus- ja kultuuriosakonna õigused'),
    ('KK-2026-014', '1032', 'LV', 'Ehituse, planeeringu ja linnavara õigused'),
    ('KK-2026-015', '1005', 'LV', 'Kantselei õigused'),
    ('KK-2026-021', '1005', 'LV', 'Eelisõigused: IT-spetsialist'),
    ('KK-2026-022', '1005', 'LV', 'Eelisõigused: registrite administraatorid'),
    ('KK-2026-023', '1001', 'LV', 'Eelisõigused: infoturbejuht')
) AS v (reference, requested_by_no, institution, note);

-- Privileged rights need somebody else's consent.
SET SESSION AUTHORIZATION turve_liina;
SELECT paasla.approve_request('KK-2026-021');
SELECT paasla.approve_request('KK-2026-022');
SET SESSION AUTHORIZATION sekretar_sarlotte;
SELECT paasla.approve_request('KK-2026-023');

-- ---- IT: the grants, on those requests ----
SET SESSION AUTHORIZATION it_jaan;

-- What everybody of a unit has. Unit NULL: the whole institution.
SELECT paasla.grant_access(s.employee_no, g.register, g.role, g.reference, 'ametikoht: ' || s.position,
                           institution => s.institution)
FROM (VALUES
    ('LV', NULL,                   'KATALOOG', 'linnavalitsus',   'KK-2026-001'),
    ('LV', NULL,                   'EPOST',    'kasutaja',        'KK-2026-001'),
    ('LV', NULL,                   'FAIL',     'kasutaja',        'KK-2026-001'),
    ('LV', NULL,                   'INTRANET', 'lugeja',          'KK-2026-001'),
    ('LV', NULL,                   'WD',       'kasutaja',        'KK-2026-001'),
    ('LV', 'Linnavalitsus',        'NAS',      'kantselei_ro',    'KK-2026-015'),
    ('LV', 'Kantselei',            'NAS',      'kantselei_rw',    'KK-2026-015'),
    ('LV', 'Rahandusosakond',      'NAS',      'rahandus_rw',     'KK-2026-011'),
    ('LV', 'Rahandusosakond',      'PMEN',     'raamatupidaja',   'KK-2026-011'),
    ('LV', 'Rahandusosakond',      'EARI',     'kasutaja',        'KK-2026-011'),
    ('LV', 'Sotsiaalosakond',      'NAS',      'sotsiaal_rw',     'KK-2026-012'),
    ('LV', 'Sotsiaalosakond',      'WD',       'sotsiaal',        'KK-2026-012'),
    ('LV', 'Sotsiaalosakond',      'STAR',     'sotsiaaltootaja', 'KK-2026-012'),
    ('LV', 'Sotsiaalosakond',      'SKAIS',    'kasutaja',        'KK-2026-012'),
    ('LV', 'Sotsiaalosakond',      'RR',       'kasutaja',        'KK-2026-012'),
    ('LV', 'Lastekaitse',          'NAS',      'sotsiaal_rw',     'KK-2026-012'),
    ('LV', 'Lastekaitse',          'WD',       'sotsiaal',        'KK-2026-012'),
    ('LV', 'Lastekaitse',          'STAR',     'sotsiaaltootaja', 'KK-2026-012'),
    ('LV', 'Lastekaitse',          'RR',       'kasutaja',        'KK-2026-012'),
    ('LV', 'Haridusosakond',       'NAS',      'haridus_rw',      'KK-2026-013'),
    ('LV', 'Haridusosakond',       'EHIS',     'kasutaja',        'KK-2026-013'),
    ('LV', 'Kultuuriosakond',      'NAS',      'haridus_ro',      'KK-2026-013'),
    ('LV', 'Ehitus ja planeering', 'NAS',      'ehitus_rw',       'KK-2026-014'),
    ('LV', 'Ehitus ja planeering', 'EHR',      'menetleja',       'KK-2026-014'),
    ('LV', 'Linnavarahaldus',      'NAS',      'ehitus_ro',       'KK-2026-014'),
    ('LV', 'Linnavarahaldus',      'EHR',      'vaataja',         'KK-2026-014'),
    ('LA', NULL,                   'KATALOOG', 'lasteaed',        'KK-2026-002'),
    ('LA', NULL,                   'INTRANET', 'lugeja',          'KK-2026-002'),
    ('LA', NULL,                   'EPOST',    'kasutaja',        'KK-2026-002'),
    ('LA', 'Juhtkond',             'NAS',      'lasteaed_rw',     'KK-2026-002'),
    ('LA', 'Juhtkond',             'EHIS',     'kasutaja',        'KK-2026-002'),
    ('LA', 'Pargi maja',           'NAS',      'lasteaed_ro',     'KK-2026-002'),
    ('LA', 'Jõe maja',             'NAS',      'lasteaed_ro',     'KK-2026-002')
) AS g (institution, unit, register, role, reference)
JOIN paasla.employment s ON s.institution = g.institution AND (g.unit IS NULL OR s.unit = g.unit)
WHERE (upper(s.period) IS NULL OR upper(s.period) > now())
  -- Tiiu Rebane has the mailbox and the intranet from her first employment
  AND NOT (s.employee_no = '2002' AND g.register IN ('EPOST', 'INTRANET'))
ORDER BY s.employee_no, g.register, g.role;

-- What single people have beside it.
SELECT paasla.grant_access(g.employee_no, g.register, g.role, g.reference, g.reason, now() + g.valid_for::interval)
FROM (VALUES
    ('1006', 'KATALOOG', 'haldur',         'KK-2026-021', 'IT-spetsialisti tööülesanded',       '1 year'),
    ('1006', 'EPOST',    'haldur',         'KK-2026-021', 'IT-spetsialisti tööülesanded',       '1 year'),
    ('1006', 'XTEE',     'haldur',         'KK-2026-021', 'turvaserveri hooldus',               '1 year'),
    ('1006', 'PAASLA',   'haldur',         'KK-2026-021', 'õiguste andmine taotluste alusel',   '1 year'),
    ('1006', 'RIHA',     'kirjeldaja',     'KK-2026-015', 'andmekogude kirjeldamine',           NULL),
    ('1044', 'XTEE',     'vaatleja',       'KK-2026-015', 'seire',                              NULL),
    ('1007', 'XTEE',     'turvajuht',      'KK-2026-023', 'turvaserveri sertifikaadid',         '1 year'),
    ('1007', 'PAASLA',   'kinnitaja',      'KK-2026-023', 'infoturbejuht kinnitab',             '1 year'),
    ('1004', 'PAASLA',   'personal',       'KK-2026-015', 'personalitöö',                       NULL),
    ('1050', 'PAASLA',   'audiitor',       'KK-2026-015', 'siseaudit',                          NULL),
    ('1020', 'STAR',     'administraator', 'KK-2026-022', 'asutuse STARi administraator',       '1 year'),
    ('1025', 'STAR',     'arveldaja',      'KK-2026-012', 'toetuste väljamaksmine',             NULL),
    ('1008', 'RR',       'administraator', 'KK-2026-022', 'ametnikuportaali administraator',    '1 year'),
    ('1012', 'EARI',     'administraator', 'KK-2026-022', 'lepinguline klient',                 '1 year'),
    ('1028', 'EHIS',     'administraator', 'KK-2026-022', 'asutuse administraator',             '1 year'),
    ('1009', 'WD',       'haldur',         'KK-2026-022', 'dokumendihaldur',                    '1 year'),
    ('1012', 'ETAITUR',  'kasutaja',       'KK-2026-011', 'nõuete esitamine',                   NULL),
    ('1045', 'ETAITUR',  'kasutaja',       'KK-2026-011', 'nõuete esitamine',                   NULL),
    ('1001', 'PMEN',     'vaataja',        'KK-2026-011', 'eelarve jälgimine',                  NULL),
    ('1011', 'INTRANET', 'toimetaja',      'KK-2026-015', 'kommunikatsioon',                    NULL),
    ('1011', 'VEEB',     'toimetaja',      'KK-2026-015', 'kommunikatsioon',                    NULL),
    ('1041', 'VEEB',     'toimetaja',      'KK-2026-013', 'sündmuste kalender',                 NULL)
) AS g (employee_no, register, role, reference, reason, valid_for);

-- The rights in registers without a directory exist already: their work orders are history, not work.
SELECT paasla.close_work_order(work_order_id, 'done', 'Õigus oli olemas enne Pääslat.')
FROM paasla.work_order WHERE state = 'open' ORDER BY work_order_id;

RESET SESSION AUTHORIZATION;
