-- Everything of one account (docs/spec/store.md §2).
--
-- Times are integer microseconds UTC. Booleans are 0 and 1. Keyword lists are lower-case, sorted, joined by one space, '' when empty.
-- No foreign key where the child column has no index: deleting a parent would scan the child table.

CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    file_id BLOB NOT NULL,                                  -- random; search.db names it (STORE-110)
    modseq INTEGER NOT NULL,                                -- highest modseq given out; the first is 1
    highest_purged_modseq INTEGER NOT NULL,
    next_uidvalidity INTEGER NOT NULL CHECK (next_uidvalidity BETWEEN 1 AND 4294967295),
    total_size INTEGER NOT NULL,                            -- sum of message.size, what the quota counts (STORE-62)
    parse_version INTEGER NOT NULL,
    threads_step INTEGER NOT NULL,                          -- 0, 1: steps of STORE-83 to do; 2: threads are complete
    created INTEGER NOT NULL
) STRICT;

INSERT INTO state (id, file_id, modseq, highest_purged_modseq, next_uidvalidity, total_size, parse_version, threads_step, created)
VALUES (1, randomblob(16), 0, 0, unixepoch() >> 1, 0, 1, 2, unixepoch() * 1000000);

CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    parent_id INTEGER REFERENCES mailbox (id),              -- NULL at the top
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL DEFAULT 1,
    recent_uid INTEGER NOT NULL DEFAULT 1,                  -- first UID that no IMAP4rev1 session has claimed as recent
    special_use INTEGER NOT NULL DEFAULT 0,                 -- bits of types.SpecialUse
    keywords TEXT NOT NULL DEFAULT '',
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    total INTEGER NOT NULL DEFAULT 0,                       -- without \Deleted; EXISTS = total + deleted (STORE-19)
    deleted INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0,                      -- neither \Seen nor \Deleted
    unseen INTEGER NOT NULL DEFAULT 0,                      -- without \Seen
    size INTEGER NOT NULL DEFAULT 0,                        -- octets of the messages counted in total and deleted
    deleted_size INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX mailbox_parent ON mailbox (parent_id);

CREATE TABLE mailbox_gone (
    mailbox_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL
) STRICT;
CREATE INDEX mailbox_gone_modseq ON mailbox_gone (modseq);

-- Narrow: what listings, flags, threads and synchronisation need (STORE-20).
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id),
    uid INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    threadseq INTEGER NOT NULL,                             -- modseq of the last change of the thread's flags, else createseq
    body_id INTEGER NOT NULL,
    email_id INTEGER NOT NULL,                              -- own id; a copy keeps that of its source
    size INTEGER NOT NULL,                                  -- prefix + body
    received INTEGER NOT NULL,
    received_offset INTEGER NOT NULL DEFAULT 0,             -- minutes east of UTC
    savedate INTEGER NOT NULL,
    flags INTEGER NOT NULL,                                 -- bits of types.Flag
    keywords TEXT NOT NULL DEFAULT '',
    is_reject INTEGER NOT NULL DEFAULT 0,
    is_forward INTEGER NOT NULL DEFAULT 0,
    is_mailinglist INTEGER NOT NULL DEFAULT 0,
    dsn INTEGER NOT NULL DEFAULT 0,
    mailbox_orig_id INTEGER NOT NULL,                       -- where first delivered
    mailbox_destined_id INTEGER,
    messageid TEXT,                                         -- canonical (STORE-76)
    subject_base TEXT NOT NULL DEFAULT '',
    threadid INTEGER NOT NULL,
    thread_missing_link INTEGER NOT NULL DEFAULT 0,
    thread_muted INTEGER NOT NULL DEFAULT 0,
    thread_collapsed INTEGER NOT NULL DEFAULT 0,
    trained INTEGER,                                        -- NULL: no, 0: as ham, 1: as spam
    UNIQUE (mailbox_id, uid)
) STRICT;
CREATE INDEX message_modseq ON message (mailbox_id, modseq);
CREATE INDEX message_mailbox_received ON message (mailbox_id, received);
CREATE INDEX message_threadseq ON message (threadseq) WHERE threadseq > createseq;
CREATE INDEX message_threadid ON message (threadid);
CREATE INDEX message_messageid ON message (messageid) WHERE messageid IS NOT NULL;
CREATE INDEX message_subject ON message (subject_base, received) WHERE subject_base <> '';
CREATE INDEX message_received ON message (received);
-- First unseen at SELECT, searches for unseen; what EXPUNGE removes. Both hold few rows. 1 is \Seen, 64 is \Deleted.
CREATE INDEX message_unseen ON message (mailbox_id, uid) WHERE flags & 1 = 0;
CREATE INDEX message_deleted ON message (mailbox_id, uid) WHERE flags & 64 <> 0;
-- What the trainer has to do (STORE-86): 16 is junk, 32 is notjunk.
CREATE INDEX message_training ON message (id)
WHERE (CASE flags & 48 WHEN 16 THEN 1 WHEN 32 THEN 0 END) IS NOT trained;

-- These three stay until neither a message nor a tombstone with content has the message_id (STORE-25).
CREATE TABLE message_info (
    message_id INTEGER PRIMARY KEY,
    prefix BLOB NOT NULL,
    structure BLOB NOT NULL,
    preview TEXT,                                           -- NULL: not made yet (STORE-58)
    thread_parents BLOB NOT NULL DEFAULT x'90',             -- msgpack array of message ids, nearest first
    tls_version TEXT NOT NULL DEFAULT '',
    tls_cipher TEXT NOT NULL DEFAULT '',
    requiretls INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE message_wire (
    message_id INTEGER PRIMARY KEY,
    envelope BLOB NOT NULL,
    bodystructure BLOB NOT NULL
) STRICT;

CREATE TABLE message_header (
    message_id INTEGER PRIMARY KEY,
    header BLOB NOT NULL                                    -- the header section, at most 64 KiB of it
) STRICT;

CREATE TABLE message_smtp (
    message_id INTEGER PRIMARY KEY,
    received INTEGER NOT NULL,
    size INTEGER NOT NULL,
    verdict INTEGER,                                        -- 0 ham, 1 spam, NULL neither (STORE-91)
    remote_ip TEXT NOT NULL DEFAULT '',
    ip1 TEXT NOT NULL DEFAULT '',
    ip2 TEXT NOT NULL DEFAULT '',
    ip3 TEXT NOT NULL DEFAULT '',
    ehlo_domain TEXT NOT NULL DEFAULT '',
    mailfrom TEXT NOT NULL DEFAULT '',                      -- localpart
    mailfrom_domain TEXT NOT NULL DEFAULT '',
    rcptto TEXT NOT NULL DEFAULT '',                        -- localpart
    rcptto_domain TEXT NOT NULL DEFAULT '',
    msgfrom TEXT NOT NULL DEFAULT '',                       -- localpart
    msgfrom_domain TEXT NOT NULL DEFAULT '',
    msgfrom_orgdomain TEXT NOT NULL DEFAULT '',
    ehlo_ok INTEGER NOT NULL DEFAULT 0,
    mailfrom_ok INTEGER NOT NULL DEFAULT 0,
    msgfrom_ok INTEGER NOT NULL DEFAULT 0,
    ehlo_validation TEXT NOT NULL DEFAULT 'unknown',
    mailfrom_validation TEXT NOT NULL DEFAULT 'unknown',
    msgfrom_validation TEXT NOT NULL DEFAULT 'unknown',
    orig_ehlo TEXT NOT NULL DEFAULT '',                     -- of forwarded mail (STORE-66)
    orig_dkim TEXT NOT NULL DEFAULT ''                      -- joined by one space
) STRICT;
CREATE INDEX message_smtp_received ON message_smtp (received);
CREATE INDEX message_smtp_ip1 ON message_smtp (ip1, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_ip2 ON message_smtp (ip2, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_ip3 ON message_smtp (ip3, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_ehlo ON message_smtp (ehlo_domain, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_mailfrom ON message_smtp (mailfrom_domain, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_msgfrom ON message_smtp (msgfrom_domain, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_msgfrom_org ON message_smtp (msgfrom_orgdomain, received) WHERE verdict IS NOT NULL;

CREATE TABLE message_dkim (
    domain TEXT NOT NULL,
    received INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (domain, received, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_dkim_message ON message_dkim (message_id);

CREATE TABLE message_keyword (
    keyword TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (keyword, message_id)
) STRICT, WITHOUT ROWID;

-- Tombstones (STORE-25, 26). The content columns are NULL once the content is erased (STORE-36).
CREATE TABLE expunged (
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    threadid INTEGER NOT NULL,
    expunged_at INTEGER NOT NULL,
    body_id INTEGER,
    flags INTEGER,
    keywords TEXT,
    received INTEGER,
    received_offset INTEGER,
    size INTEGER,
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX expunged_mailbox_modseq ON expunged (mailbox_id, modseq);
CREATE INDEX expunged_modseq ON expunged (modseq);

-- One row for each tombstone with content; it is the work of the eraser (STORE-36, 37) and, while `trained` is not NULL, of the trainer.
CREATE TABLE erase_queue (
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,                                -- of the removal
    expunged_at INTEGER NOT NULL,
    trained INTEGER,                                        -- as message.trained; NULL for a moved message, whose row carries it on
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX erase_queue_modseq ON erase_queue (modseq);
CREATE INDEX erase_queue_message ON erase_queue (message_id);
CREATE INDEX erase_queue_training ON erase_queue (message_id) WHERE trained IS NOT NULL;

CREATE TABLE body (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),    -- SHA-256 of the plain octets
    size INTEGER NOT NULL,                                  -- plain octets
    refs INTEGER NOT NULL CHECK (refs >= 0)                 -- messages and tombstones with content
) STRICT;
-- Bodies written before the unit that will use them; those that are here at open have lost it.
CREATE INDEX body_unused ON body (id) WHERE refs = 0;

-- 256 KiB of plain octets each. The key is body_id << 16 | seq (types.chunk_id): one B-tree, and blob I/O by rowid.
CREATE TABLE body_chunk (
    id INTEGER PRIMARY KEY,
    enc INTEGER NOT NULL,                                   -- 0 raw, 1 zstd, 2 zlib
    digest INTEGER NOT NULL,                                -- 64-bit BLAKE2b of `data`, signed (STORE-181)
    data BLOB NOT NULL
) STRICT;

CREATE TABLE recipient (
    id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL,
    localpart TEXT NOT NULL,
    domain TEXT NOT NULL,
    orgdomain TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    sent INTEGER NOT NULL
) STRICT;
CREATE INDEX recipient_address ON recipient (domain, localpart);
CREATE INDEX recipient_orgdomain ON recipient (orgdomain);
CREATE INDEX recipient_sent ON recipient (sent);
CREATE INDEX recipient_message ON recipient (message_id);

CREATE TABLE subscription (
    name TEXT PRIMARY KEY,
    present INTEGER NOT NULL,
    modseq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE annotation (
    id INTEGER PRIMARY KEY,
    mailbox_id INTEGER NOT NULL,                            -- 0: of the account
    key TEXT NOT NULL,                                      -- lower-case /private/... or /shared/...
    is_string INTEGER NOT NULL,
    value BLOB NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    present INTEGER NOT NULL,
    UNIQUE (mailbox_id, key)
) STRICT;

CREATE TABLE keyword (
    lower TEXT PRIMARY KEY,
    spelling TEXT NOT NULL                                  -- as first used in the account (STORE-22)
) STRICT, WITHOUT ROWID;

CREATE TABLE outgoing (
    id INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL,
    submitted INTEGER NOT NULL
) STRICT;
CREATE INDEX outgoing_recipient ON outgoing (recipient, submitted);
CREATE INDEX outgoing_submitted ON outgoing (submitted);

CREATE TABLE recipient_domain_tls (
    domain TEXT PRIMARY KEY,
    updated INTEGER NOT NULL,
    starttls INTEGER NOT NULL,
    requiretls INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The junk filter (STORE-85..89). Words are in one of two tables: `junk_word_N` of the generation N that is in use, and of
-- the other one while a retraining fills it (STORE-87). Only hashes are kept: 64-bit BLAKE2b keyed with junk_meta.salt, as
-- signed numbers.
CREATE TABLE junk_word_0 (
    hash INTEGER PRIMARY KEY,
    ham INTEGER NOT NULL,
    spam INTEGER NOT NULL,
    day INTEGER NOT NULL                                    -- of the last training with it, days since 1970 (STORE-193)
) STRICT;

CREATE TABLE junk_word_1 (
    hash INTEGER PRIMARY KEY,
    ham INTEGER NOT NULL,
    spam INTEGER NOT NULL,
    day INTEGER NOT NULL
) STRICT;

-- Without a row in use, message.trained has no meaning.
CREATE TABLE junk_meta (
    generation INTEGER PRIMARY KEY CHECK (generation IN (0, 1)),
    position INTEGER,                                       -- NULL: in use; else the last message id that a retraining has done
    hams INTEGER NOT NULL,
    spams INTEGER NOT NULL,
    salt BLOB NOT NULL,
    params TEXT NOT NULL,                                   -- JSON: what the words were made with
    tokenizer_version INTEGER NOT NULL,
    pruned INTEGER NOT NULL DEFAULT 0                       -- 1: words were pruned, so counts may be too low
) STRICT;

-- What the generation that is being filled has learnt. Erasure leaves the content of these messages alone.
CREATE TABLE junk_retrain (
    message_id INTEGER PRIMARY KEY,
    trained INTEGER NOT NULL
) STRICT;

CREATE TABLE credential (
    kind TEXT PRIMARY KEY,                                  -- argon2id, scram-sha-1, scram-sha-256, cram-md5
    data BLOB NOT NULL,                                     -- the hash as text; msgpack of the keys; the two states
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE subjectpass (
    address TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    data TEXT NOT NULL,                                     -- JSON (STORE-107)
    modseq INTEGER NOT NULL
) STRICT;

CREATE TABLE from_address_setting (
    address TEXT PRIMARY KEY,
    view TEXT NOT NULL CHECK (view IN ('text', 'html', 'html_ext'))
) STRICT, WITHOUT ROWID;

-- Proposals of rulesets that were answered with no (STORE-108).
CREATE TABLE ruleset_no_listid (
    rcptto TEXT NOT NULL,
    listid TEXT NOT NULL,
    to_inbox INTEGER NOT NULL,
    PRIMARY KEY (rcptto, listid, to_inbox)
) STRICT, WITHOUT ROWID;

CREATE TABLE ruleset_no_msgfrom (
    rcptto TEXT NOT NULL,
    msgfrom TEXT NOT NULL,
    to_inbox INTEGER NOT NULL,
    PRIMARY KEY (rcptto, msgfrom, to_inbox)
) STRICT, WITHOUT ROWID;

CREATE TABLE ruleset_no_mailbox (
    mailbox_id INTEGER NOT NULL,
    to_mailbox INTEGER NOT NULL,                            -- 1: for moves to it, 0: for moves from it
    PRIMARY KEY (mailbox_id, to_mailbox)
) STRICT, WITHOUT ROWID;

-- What units owe to other files (STORE-189a).
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    message_id INTEGER,
    data BLOB NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_message ON outbox (message_id) WHERE message_id IS NOT NULL;

-- Idempotency keys, kept for 7 days (STORE-189).
CREATE TABLE unit_key (
    key BLOB PRIMARY KEY,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX unit_key_created ON unit_key (created);

-- Long changes that run in the background over many units (STORE-148).
CREATE TABLE upgrade (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,                              -- last id done
    total INTEGER NOT NULL,
    started INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
