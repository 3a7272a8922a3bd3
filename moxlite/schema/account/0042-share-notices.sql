-- What the user has been told of rights on mailboxes, calendars and address books of others (RFC 9670 §3; JMAP-80). Rights are letters of RFC
-- 4314, '' for none.
CREATE TABLE share_notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,                        -- destroyed, by the user or for newer ones
    created INTEGER NOT NULL,                               -- µs UTC
    owner TEXT NOT NULL,                                    -- account that has the object
    author TEXT NOT NULL,                                   -- account that has changed the rights
    kind TEXT NOT NULL CHECK (kind IN ('mailbox', 'calendar', 'contact')),
    object_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
) STRICT;
CREATE INDEX share_notice_modseq ON share_notice (modseq);
