-- Each settle ends what was not found again of an account, and of a person who has none. Without this the latter were looked
-- for among all strangers of a directory: of thousands on the first day, for each person.
CREATE INDEX finding_person ON paasla.finding (person_id) WHERE state = 'open' AND account_id IS NULL;
