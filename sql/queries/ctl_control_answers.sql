-- What each directory answered to a sync; at and complete are NULL where it has not.
-- params: $1 control_id
-- expect: rows: directory, at, complete, result, entries, accounts, groups, differ (persons), strangers, why, findings
--         (that are open there)
SELECT a.directory, a.at, a.complete, a.result, a.entries, a.accounts, a.groups, a.differ, a.strangers, a.why,
    (SELECT pg_catalog.count(*) FROM paasla.finding AS f WHERE f.directory = a.directory AND f.state = 'open') AS findings
FROM paasla.control_answer AS a
WHERE a.control_id = $1::bigint ORDER BY a.directory
