-- Rights of other users on calendars and address books (DAV-41): letters of RFC 4314 as in `acl`; "lr" to read, "lrwit" to change entries, too.
CREATE TABLE collection_acl (
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    identifier TEXT NOT NULL,                               -- name of an account, or 'anyone'
    rights TEXT NOT NULL,
    PRIMARY KEY (collection_id, identifier)
) STRICT, WITHOUT ROWID;
CREATE INDEX collection_acl_identifier ON collection_acl (identifier);
