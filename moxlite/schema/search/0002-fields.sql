-- The folded texts of five header fields, "" without the field, for searches in these alone (STORE-110a). NULL: too long or not to be
-- told from the field alone, so look into the message itself.
CREATE TABLE field (
    message_id INTEGER PRIMARY KEY,
    subject TEXT,
    sender TEXT,
    recipient TEXT,                                         -- To
    cc TEXT,
    bcc TEXT
) STRICT;

-- Messages up to this id have no row there yet: it falls to 0 while older messages are read again, the newest first.
ALTER TABLE state ADD COLUMN unread INTEGER NOT NULL DEFAULT 0;
UPDATE state SET unread = watermark;
