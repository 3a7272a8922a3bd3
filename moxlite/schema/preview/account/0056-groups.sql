-- Groups that are cards (KIND:group, RFC 6350 §6.1.4), by the ids of their resources, which are no rows of `contact`; and their members
-- (WEBMAIL-128g). `uid`: in lower case, without `urn:uuid:`; "" of a contact without a card.
ALTER TABLE contact ADD COLUMN uid TEXT NOT NULL DEFAULT '';
UPDATE contact SET uid = coalesce((SELECT replace(lower(uid), 'urn:uuid:', '') FROM resource WHERE resource.id = contact.id), '');
CREATE INDEX contact_uid ON contact (uid);
CREATE TABLE group_card (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;
CREATE INDEX group_card_name ON group_card (name);
CREATE TABLE group_member (
    group_id INTEGER NOT NULL,
    uid TEXT NOT NULL,
    PRIMARY KEY (group_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_uid ON group_member (uid);

-- The background task notes the groups that are there.
INSERT OR IGNORE INTO contact_due (id, changed) SELECT r.id, r.changed FROM resource r JOIN resource_data d ON d.resource_id = r.id
WHERE r.component = 'VCARD' AND CAST(d.data AS TEXT) LIKE '%KIND%:group%';

-- Favorites are found by one spelling of their category.
UPDATE OR REPLACE contact_group SET name = 'starred' WHERE lower(name) = 'starred' AND name <> 'starred';
