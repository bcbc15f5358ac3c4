-- All institutions' codes.
-- params: none
-- expect: rows: institution
SELECT i.institution FROM paasla.institution AS i ORDER BY i.institution
