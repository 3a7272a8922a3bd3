-- Mailboxes of other IMAP servers that were imported or exported to, and which message there is which here (IMAP-138).
CREATE TABLE imap_remote (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    role TEXT NOT NULL CHECK (role IN ('source', 'target')),
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

-- The message here may be gone or elsewhere by now: that changes nothing, so that it isn't copied again.
CREATE TABLE imap_copy (
    remote_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,                                   -- there; below 0: not known (again), -message_id
    message_id INTEGER NOT NULL,
    key BLOB NOT NULL,                                      -- what both have in common, 16 octets (IMAP-138)
    flags TEXT,                                             -- there when last seen: sorted, joined by a space; NULL: not seen
    gm_msgid INTEGER,                                       -- Google's X-GM-MSGID, signed
    PRIMARY KEY (remote_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX imap_copy_message ON imap_copy (message_id);
CREATE INDEX imap_copy_lost ON imap_copy (remote_id, key) WHERE uid < 0;
CREATE INDEX imap_copy_gm_msgid ON imap_copy (gm_msgid) WHERE gm_msgid IS NOT NULL;
