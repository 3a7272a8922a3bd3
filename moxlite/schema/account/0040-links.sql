-- Mailboxes of this user at other providers (docs/spec/linked.md). Times in µs UTC.
CREATE TABLE link (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,              -- the mailbox here below which its mailboxes are
    address TEXT NOT NULL,                  -- its mail address
    host TEXT NOT NULL,
    port INTEGER NOT NULL,                  -- 0: the usual one
    tls TEXT NOT NULL CHECK (tls IN ('implicit', 'starttls', 'none')),
    username TEXT NOT NULL,
    secret BLOB NOT NULL,                   -- the password there, encrypted by a key that is not in this file
    created INTEGER NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    refused INTEGER,                        -- when the other server last refused the password; NULL: it is good
    refusals INTEGER NOT NULL DEFAULT 0,    -- how often in a row
    sent INTEGER NOT NULL DEFAULT 0,        -- modseq up to which changes here are there
    UNIQUE (host, username)
) STRICT;

-- Its mailboxes have rows of their own, beside those of imports and exports.
CREATE TABLE imap_remote_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    role TEXT NOT NULL CHECK (role IN ('source', 'target', 'link')),
    host TEXT NOT NULL,
    username TEXT NOT NULL,
    mailbox TEXT NOT NULL,                                  -- its name there, decoded
    uidvalidity INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL,                            -- the mailbox here, at the last run
    messages INTEGER NOT NULL DEFAULT -1,                   -- these three: state there at the end of the last complete run
    uidnext INTEGER NOT NULL DEFAULT 0,
    modseq INTEGER NOT NULL DEFAULT 0,                      -- 0: no CONDSTORE there, or no complete run yet
    UNIQUE (role, host, username, mailbox)
) STRICT;
INSERT INTO imap_remote_new SELECT id, role, host, username, mailbox, uidvalidity, mailbox_id, messages, uidnext, modseq FROM imap_remote;
DROP TABLE imap_remote;
ALTER TABLE imap_remote_new RENAME TO imap_remote;
