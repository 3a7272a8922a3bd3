-- Calendars that are read from an address again and again (DAV-44). The collection has what was read last.
CREATE TABLE calendar_subscription (
    collection_id INTEGER PRIMARY KEY REFERENCES collection (id),
    url TEXT NOT NULL,
    etag TEXT NOT NULL,                                     -- of the last file, "" for none
    modified TEXT NOT NULL,                                 -- Last-Modified of the last file, "" for none
    hash BLOB NOT NULL,                                     -- SHA-256 of the last file
    tried INTEGER NOT NULL,                                 -- µs UTC
    succeeded INTEGER NOT NULL,                             -- µs UTC
    error TEXT NOT NULL,                                    -- why the last attempt failed, "" for success
    failures INTEGER NOT NULL,                              -- attempts that failed since
    due INTEGER NOT NULL                                    -- µs UTC of the next attempt
) STRICT;
CREATE INDEX calendar_subscription_due ON calendar_subscription (due);

-- Entries that people deleted, which can come back for a time (DAV-46).
CREATE TABLE resource_kept (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,                                     -- as of its collection
    collection_id INTEGER NOT NULL,                         -- which may be gone
    collection_name TEXT NOT NULL,                          -- as it was shown
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    component TEXT NOT NULL,
    title TEXT NOT NULL,
    starts INTEGER,                                         -- seconds UTC
    size INTEGER NOT NULL,                                  -- octets of data
    data BLOB NOT NULL,
    removed INTEGER NOT NULL                                -- µs UTC
) STRICT;
CREATE INDEX resource_kept_removed ON resource_kept (removed);
CREATE INDEX resource_kept_uid ON resource_kept (uid);

-- How the user sees calendars that others share (DAV-47).
CREATE TABLE shared_view (
    owner TEXT NOT NULL,
    collection_id INTEGER NOT NULL,                         -- in the owner's file
    colour TEXT NOT NULL,
    hidden INTEGER NOT NULL,
    PRIMARY KEY (owner, collection_id)
) STRICT, WITHOUT ROWID;
