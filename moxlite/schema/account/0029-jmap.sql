-- JMAP (docs/spec/jmap.md). A tombstone tells the email that a removed copy belonged to; NULL: its own id.
ALTER TABLE expunged ADD COLUMN email_id INTEGER;

-- What a user has set of an identity; identities themselves are the addresses of the account.
CREATE TABLE jmap_identity (
    address TEXT PRIMARY KEY,
    modseq INTEGER NOT NULL,
    data TEXT NOT NULL                                      -- JSON of the properties that were set
) STRICT, WITHOUT ROWID;

-- Submissions, kept for as long as the queue tells of their delivery; `gone`: destroyed by a client.
CREATE TABLE jmap_submission (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,
    email_id INTEGER NOT NULL,
    threadid INTEGER NOT NULL,
    identity TEXT NOT NULL,
    message_id TEXT NOT NULL,                               -- the Message-ID, by which the queue knows it
    envelope TEXT NOT NULL,                                 -- JSON
    send_at INTEGER NOT NULL,
    canceled INTEGER NOT NULL DEFAULT 0,
    key BLOB NOT NULL                                       -- of its row in the outbox
) STRICT;
CREATE INDEX jmap_submission_modseq ON jmap_submission (modseq);

-- Push subscriptions of JMAP (RFC 8620 §7.2); times in µs UTC.
CREATE TABLE jmap_push (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,                                   -- deviceClientId
    url TEXT NOT NULL,
    public BLOB,                                            -- keys that what is sent is encrypted with; NULL: it is not
    secret BLOB,
    types TEXT,                                             -- JSON; NULL: all
    expires INTEGER NOT NULL,
    login TEXT NOT NULL,                                    -- the app password that made it, '' for the account's own
    code TEXT NOT NULL,                                     -- the client proves by it that it gets what is sent
    verified INTEGER NOT NULL DEFAULT 0,
    told TEXT NOT NULL DEFAULT '{}',                        -- JSON: the states that were sent last
    failing INTEGER NOT NULL DEFAULT 0,                     -- since when nothing is taken, 0: the last one was
    next INTEGER NOT NULL DEFAULT 0                         -- not before
) STRICT;
