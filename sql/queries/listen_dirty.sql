-- params: none
-- expect: nothing
LISTEN paasla_dirty
