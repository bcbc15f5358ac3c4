-- When a document was made of the database, and by whom: the snapshot's moment, the log-in and the person behind it.
-- params: none
-- expect: one row: moment (DD.MM.YYYY HH24:MI:SS, Tallinn), day, login, person (NULL: nobody knows), database
SELECT pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'Europe/Tallinn', 'DD.MM.YYYY HH24:MI:SS') AS moment,
    pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'Europe/Tallinn', 'DD.MM.YYYY') AS day, SESSION_USER::text AS login,
    (SELECT p.given_name || ' ' || p.family_name FROM paasla.db_login AS d
        JOIN paasla.person AS p ON p.person_id = d.person_id WHERE d.role_name = SESSION_USER) AS person,
    pg_catalog.current_database()::text AS database
