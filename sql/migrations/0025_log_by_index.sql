-- The rows of audit.opening name their event. A session plans that check once, and where the log was analysed while it was
-- short the plan reads all of it: whoever enters ten thousand people in one transaction then reads the log ten thousand
-- times. Inside the only writer there is always an index to go by.
ALTER FUNCTION audit.append(text, jsonb, jsonb, jsonb) SET enable_seqscan = off;
