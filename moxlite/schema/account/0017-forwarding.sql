-- Addresses to which mail is forwarded (SMTP-159, QUEUE-179): the hash of the link in the last question, empty once it was
-- answered; times in µs UTC of the question, the confirmation, the first of the latest bounces, and the stop; what the
-- last bounce said; and the messages sent on in the period of 24 hours that began at `began`.
CREATE TABLE forward_target (
    address TEXT PRIMARY KEY,
    link BLOB NOT NULL,
    asked INTEGER NOT NULL,
    confirmed INTEGER,
    failing INTEGER,
    stopped INTEGER,
    error TEXT NOT NULL DEFAULT '',
    began INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
