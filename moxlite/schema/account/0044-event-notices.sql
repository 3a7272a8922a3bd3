-- Changes of the user's events by other people (docs/spec/jmap.md, JMAP-79), for programs that show them.
CREATE TABLE event_notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,                        -- destroyed, by the user or for newer ones
    created INTEGER NOT NULL,                               -- µs UTC
    account TEXT NOT NULL,                                  -- a guest of the calendar, '' for a message about the event
    address TEXT NOT NULL,                                  -- of the author of the message, '' for a guest
    name TEXT NOT NULL,
    comment TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    before BLOB,                                            -- octets of the entry, NULL for a new one
    after BLOB                                              -- NULL for one that was removed
) STRICT;
CREATE INDEX event_notice_modseq ON event_notice (modseq);
