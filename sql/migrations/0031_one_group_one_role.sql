-- Two sessions that each wrote the same DN in another way did not see each other in group_is_new(), which asks beforehand and
-- says it in better words; the index sees to it.
CREATE UNIQUE INDEX role_group_is_one ON paasla.role_group (directory, paasla.dn_key(group_dn));
