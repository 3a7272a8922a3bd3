-- Contacts of one's own, and templates of messages (STORE-96a).

-- `card`: the whole contact as JSON; `found`: name, addresses, organisation and groups in one case, for searches; `sorted`: the
-- name in one case, by which contacts are listed; `changed`: µs UTC of the last change, its entity tag.
CREATE TABLE contact (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    sorted TEXT NOT NULL,
    found TEXT NOT NULL,
    changed INTEGER NOT NULL,
    card TEXT NOT NULL
) STRICT;
CREATE INDEX contact_sorted ON contact (sorted, id);

CREATE TABLE contact_address (
    contact_id INTEGER NOT NULL,
    localpart TEXT NOT NULL,
    domain TEXT NOT NULL,                                   -- U-labels
    PRIMARY KEY (contact_id, domain, localpart)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_address_of ON contact_address (domain, localpart);

CREATE TABLE contact_group (
    name TEXT NOT NULL,
    contact_id INTEGER NOT NULL,
    PRIMARY KEY (name, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_group_of ON contact_group (contact_id);

-- `html`: "" for a template of plain text.
CREATE TABLE template (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL
) STRICT;
