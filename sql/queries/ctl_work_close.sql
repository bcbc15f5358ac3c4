-- A work order is done, or need not be.
-- params: $1 number of the order, $2 done or cancelled, $3 note or NULL
-- expect: one row: work_order_id, state
SELECT $1::bigint AS work_order_id, $2::text AS state
FROM paasla.close_work_order(id => $1::bigint, new_state => $2::text, new_note => $3::text)
