-- PostgreSQL took this constraint's index to be cheap for all grants of one role, and it is not: the index is laid out by
-- person, so each role read the whole of it. Beyond some hundred thousand grants paasla.entitlement was planned that way,
-- once for each group (34 s for a million grants instead of one second). By an expression the constraint is the same, and its
-- index answers only questions that name the person; those of a role have grant_role.
ALTER TABLE paasla.access_grant DROP CONSTRAINT grant_once;
ALTER TABLE paasla.access_grant ADD CONSTRAINT grant_once
    EXCLUDE USING gist (person_id WITH =, (role_id + 0) WITH =, valid WITH &&);
