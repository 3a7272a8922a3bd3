-- Files chosen for messages that are being written (WEBMAIL-28); they go 24 hours after they were last used.
CREATE TABLE upload (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE CHECK (length(key) = 16),      -- random; what the browser knows it by
    filename TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    eight_bit INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT;
CREATE INDEX upload_used ON upload (used);

CREATE TABLE upload_piece (
    id INTEGER PRIMARY KEY,                                 -- upload.id << 20 | number from 0
    data BLOB NOT NULL
) STRICT;

-- The message that saving a draft led to, so that a call that is repeated saves nothing twice (WEBMAIL-88).
CREATE TABLE draft_saved (
    key BLOB PRIMARY KEY,
    message_id INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
