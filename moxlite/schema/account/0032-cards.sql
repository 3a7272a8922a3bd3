-- Contacts are cards of address books (DAV-22). `contact` has what is looked up of each, by the id of its resource; `sorted` and `found` are
-- as before, `listed` is what lists show. `contact_due` has what the background task has to do: a contact from before whose card is to be
-- written, with its JSON, or a card of which nothing is looked up yet. `problem`: why a contact cannot be written; it stays as it is.
--
-- Contacts keep their ids, but in an account that has resources already: there all are raised by the same number.

CREATE TABLE contact_raise AS
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'resource'), 0) AS by;
CREATE TABLE contact_due (
    id INTEGER PRIMARY KEY,
    changed INTEGER NOT NULL,                               -- µs UTC
    card TEXT,
    problem TEXT
) STRICT;
INSERT INTO contact_due (id, changed, card) SELECT id + by, changed, card FROM contact, contact_raise;

ALTER TABLE contact RENAME TO contact_before;
DROP INDEX contact_sorted;
DROP INDEX contact_folded;
CREATE TABLE contact (
    id INTEGER PRIMARY KEY,
    sorted TEXT NOT NULL,
    found TEXT NOT NULL,
    folded TEXT NOT NULL,
    listed TEXT NOT NULL
) STRICT;
CREATE INDEX contact_sorted ON contact (sorted, id);
CREATE INDEX contact_folded ON contact (folded);
INSERT INTO contact (id, sorted, found, folded, listed)
SELECT id + by, sorted, found, coalesce(folded, ''), json_object('name', card ->> '$.name', 'emails',
    json((SELECT json_group_array(value ->> '$.value') FROM json_each(card, '$.emails'))),
    'organization', card ->> '$.organization')
FROM contact_before, contact_raise;
DROP TABLE contact_before;

UPDATE contact_address SET contact_id = -(contact_id + (SELECT by FROM contact_raise));
UPDATE contact_address SET contact_id = -contact_id;
UPDATE contact_group SET contact_id = -(contact_id + (SELECT by FROM contact_raise));
UPDATE contact_group SET contact_id = -contact_id;
DROP TABLE contact_raise;

INSERT INTO contact_due (id, changed) SELECT id, changed FROM resource WHERE component = 'VCARD';
UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT max(id) FROM contact), 0)) WHERE name = 'resource';
INSERT INTO sqlite_sequence (name, seq) SELECT 'resource', max(id) FROM contact
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'resource') HAVING max(id) IS NOT NULL;
