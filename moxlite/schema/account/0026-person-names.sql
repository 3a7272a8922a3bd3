-- People are found by their names (STORE-96d). `folded`: the name as names are compared, "" for one that no other address can claim; NULL
-- until the background task has looked at the row.
ALTER TABLE correspondent ADD COLUMN folded TEXT;
CREATE INDEX correspondent_folded ON correspondent (folded);
ALTER TABLE contact ADD COLUMN folded TEXT;
CREATE INDEX contact_folded ON contact (folded);
