-- params: none
-- expect: nothing
LISTEN paasla_control
