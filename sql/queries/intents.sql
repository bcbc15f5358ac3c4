-- params: $1 JSON array of intents
-- expect: rows: intent_id, in the order given
SELECT i FROM paasla.intend($1::jsonb) WITH ORDINALITY AS t (i, n) ORDER BY n
