-- How far the daemon is with what was asked.
-- params: $1 control_id
-- expect: one row: control_id, started, done, plan_id, result
SELECT c.control_id, c.started_at IS NOT NULL AS started, c.done_at IS NOT NULL AS done, c.plan_id, c.result
FROM paasla.control AS c WHERE c.control_id = $1::bigint
