-- How many accounts are in which state.
-- params: none
-- expect: rows: directory, purpose, state, accounts
SELECT a.directory, a.purpose, a.state, pg_catalog.count(*) AS accounts
FROM paasla.account AS a GROUP BY a.directory, a.purpose, a.state ORDER BY a.directory, a.purpose, a.state
