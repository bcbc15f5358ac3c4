-- params: none
-- expect: one row: microseconds since 1970 of the next change in time, 0 for none
SELECT paasla.mark_due()
