-- What a COPY of many messages has added, unit by unit, until it ends: all or nothing of it stays, also after a crash (IMAP-117).
CREATE TABLE copy_part (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    copy BLOB NOT NULL,                                     -- random, one for each COPY
    mailbox_id INTEGER NOT NULL,
    first_uid INTEGER NOT NULL,
    last_uid INTEGER NOT NULL
) STRICT;
