-- What was written to each directory in the last day, and what came of it. The log has an index by time, and the intents
-- that it names are the youngest: what was written before costs nothing.
-- params: none
-- expect: rows: directory, operation, done, not_done (overtaken, or the connection was lost), refused
WITH day AS MATERIALIZED (
    SELECT e.intent_id FROM audit.event AS e WHERE e.at > now() - interval '1 day' AND e.action = 'intent.outcome'
)
SELECT i.directory, i.op AS operation,
    pg_catalog.count(*) FILTER (WHERE i.outcome = 'done') AS done,
    pg_catalog.count(*) FILTER (WHERE i.outcome = 'not_done') AS not_done,
    pg_catalog.count(*) FILTER (WHERE i.outcome = 'failed') AS refused
FROM day AS d JOIN paasla.intent AS i ON i.intent_id = d.intent_id
WHERE i.intent_id >= (SELECT pg_catalog.min(x.intent_id) FROM day AS x)
GROUP BY i.directory, i.op ORDER BY i.directory, i.op
