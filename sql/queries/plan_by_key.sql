-- Said ahead of load_work, in its transaction. Planning that takes ten times as long as running it for one person, so it is
-- planned once for all parameters. And by the indexes of its keys whatever the tables hold: a plan made while a table was
-- empty would read it from end to end, and stay until somebody analyses the table. A first import would be done by then, at a
-- hundred times its price.
-- params: none
-- expect: one row
SELECT pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true), pg_catalog.set_config('enable_seqscan', 'off', true)
