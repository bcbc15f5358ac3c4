-- params: none
-- expect: one row
SELECT paasla.recover()
