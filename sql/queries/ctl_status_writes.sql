-- What was written to each directory in the last day, and what came of it. By the log, which has an index by time.
-- params: none
-- expect: rows: directory, operation, done, not_done (overtaken, or the connection was lost), refused
SELECT i.directory, i.op AS operation,
    pg_catalog.count(*) FILTER (WHERE i.outcome = 'done') AS done,
    pg_catalog.count(*) FILTER (WHERE i.outcome = 'not_done') AS not_done,
    pg_catalog.count(*) FILTER (WHERE i.outcome = 'failed') AS refused
FROM audit.event AS e JOIN paasla.intent AS i ON i.intent_id = e.intent_id
WHERE e.at > now() - interval '1 day' AND e.action = 'intent.outcome'
GROUP BY i.directory, i.op ORDER BY i.directory, i.op
