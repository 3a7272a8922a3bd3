-- account.db: everything of one account (docs/spec/store.md §2).
--
-- Times are integer microseconds UTC. Booleans are 0 and 1. Keyword lists are lower-case, sorted, joined by one space, '' when empty.
-- No foreign key where the child column has no index: deleting a parent would scan the child table.

-- The account --

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

CREATE TABLE settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    data TEXT NOT NULL,                                     -- JSON (STORE-107)
    modseq INTEGER NOT NULL
) STRICT;

CREATE TABLE credential (
    kind TEXT PRIMARY KEY,                                  -- argon2id, scram-sha-1, scram-sha-256, cram-md5
    data BLOB NOT NULL,                                     -- the hash as text; msgpack of the keys; the two states
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- App passwords (STORE-191): generated credentials of single devices and programs. Salt and iterations of SCRAM are the
-- same in all rows, and those of the account's own password.
CREATE TABLE app_password (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    scopes INTEGER NOT NULL,                                -- bits: 1 imap, 2 submission, 4 webapi
    read_only INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,                                        -- NULL: never
    last_used INTEGER,                                      -- NULL: not yet; written once an hour at most
    scram_sha_1 BLOB NOT NULL,                              -- msgpack of salt, iterations and keys, as in credential
    scram_sha_256 BLOB NOT NULL,
    cram_md5 BLOB NOT NULL,                                 -- the two states
    token BLOB                                              -- SHA-256 of an access token (JMAP-2a), whose other secrets are empty; NULL: an app password
) STRICT;
CREATE UNIQUE INDEX app_password_token ON app_password (token) WHERE token IS NOT NULL;

CREATE TABLE subjectpass (
    address TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who else may write from the account's addresses (SMTP-189). A right of its own: the letters in `acl` never give it.
CREATE TABLE delegate (
    guest TEXT PRIMARY KEY,                                 -- name of an account
    sends TEXT NOT NULL CHECK (sends IN ('as', 'behalf')),  -- as the owner, or with a Sender field of the guest's
    ends INTEGER NOT NULL,                                  -- µs UTC; 0: never
    whole INTEGER NOT NULL DEFAULT 0 CHECK (whole IN (0, 1))  -- 1: may also read and change all mailboxes, calendars and address books
) STRICT, WITHOUT ROWID;

-- Long changes that run in the background over many units (STORE-148).
CREATE TABLE upgrade (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,                              -- last id done
    total INTEGER NOT NULL,
    started INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Mailboxes --

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
    deleted_size INTEGER NOT NULL DEFAULT 0,
    system INTEGER NOT NULL DEFAULT 0,                      -- 1: shows what waits in the queue (IMAP-162); at most one
    ownseq INTEGER NOT NULL DEFAULT 0                       -- modseq of the last change of the mailbox itself, such as its name (JMAP-10)
) STRICT;
CREATE INDEX mailbox_parent ON mailbox (parent_id);
CREATE UNIQUE INDEX mailbox_system ON mailbox (system) WHERE system = 1;

CREATE TABLE mailbox_gone (
    mailbox_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL
) STRICT;
CREATE INDEX mailbox_gone_modseq ON mailbox_gone (modseq);

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

-- Who else may use a mailbox, and how (RFC 4314, IMAP-157). The account's owner has all rights without a row.
CREATE TABLE acl (
    mailbox_id INTEGER NOT NULL,
    identifier TEXT NOT NULL,                               -- name of an account, or 'anyone'
    rights TEXT NOT NULL CHECK (rights <> ''),              -- of lrswipkxtea, in that order
    PRIMARY KEY (mailbox_id, identifier)
) STRICT, WITHOUT ROWID;
CREATE INDEX acl_identifier ON acl (identifier);

-- Messages --

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
    thread_parents BLOB NOT NULL DEFAULT x'90',             -- msgpack array of message ids, nearest first
    UNIQUE (mailbox_id, uid)
) STRICT;
CREATE INDEX message_modseq ON message (mailbox_id, modseq);
CREATE INDEX message_mailbox_received ON message (mailbox_id, received);
CREATE INDEX message_threadseq ON message (threadseq) WHERE threadseq > createseq;
CREATE INDEX message_threadid ON message (threadid);
CREATE INDEX message_messageid ON message (messageid) WHERE messageid IS NOT NULL;
-- First unseen at SELECT, searches for unseen; what EXPUNGE removes. Both hold few rows. 1 is \Seen, 64 is \Deleted.
CREATE INDEX message_unseen ON message (mailbox_id, uid) WHERE flags & 1 = 0;
CREATE INDEX message_deleted ON message (mailbox_id, uid) WHERE flags & 64 <> 0;
-- What the trainer has to do (STORE-86): 16 is junk, 32 is notjunk.
CREATE INDEX message_training ON message (id)
WHERE (CASE flags & 48 WHEN 16 THEN 1 WHEN 32 THEN 0 END) IS NOT trained;
-- The copies of a message. Mail that was never copied is not in it.
CREATE INDEX message_copy ON message (email_id) WHERE email_id <> id;
CREATE INDEX message_subject ON message (id >> 14, subject_base, received) WHERE subject_base <> '';

CREATE TABLE message_keyword (
    keyword TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (keyword, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE keyword (
    lower TEXT PRIMARY KEY,
    spelling TEXT NOT NULL                                  -- as first used in the account (STORE-22)
) STRICT, WITHOUT ROWID;

-- What listings read of a message, kept once for all its copies, by email_id (docs/decisions/006-shared-content.md). What is long or rarely read
-- is in message_header: each table that a delivery changes costs a page in the log.
CREATE TABLE message_info (
    email_id INTEGER PRIMARY KEY,
    envelope BLOB NOT NULL,                                 -- ENVELOPE and BODYSTRUCTURE as IMAP sends them
    bodystructure BLOB NOT NULL,
    structure BLOB NOT NULL,
    preview TEXT,                                           -- NULL: not made yet (STORE-58)
    prefix BLOB NOT NULL,
    tls_version TEXT NOT NULL DEFAULT '',
    tls_cipher TEXT NOT NULL DEFAULT '',
    requiretls INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE message_header (
    email_id INTEGER PRIMARY KEY,
    why BLOB CHECK (length(why) <= 2048),                   -- why the message is where it is (ADMIN-77), msgpack (moxlite.acceptance.why)
    header BLOB NOT NULL                                    -- the header section, at most 64 KiB of it
) STRICT;

-- What SMTP knew of a message that came in.
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
    orig_dkim TEXT NOT NULL DEFAULT '',                     -- joined by one space
    dkim TEXT NOT NULL DEFAULT '[]'                         -- JSON: domains with a passing signature
) STRICT;
CREATE INDEX message_smtp_ip1 ON message_smtp (ip1, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_ip2 ON message_smtp (ip2, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_ip3 ON message_smtp (ip3, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_ehlo ON message_smtp (ehlo_domain, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_mailfrom ON message_smtp (mailfrom_domain, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_msgfrom ON message_smtp (msgfrom_domain, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_msgfrom_org ON message_smtp (msgfrom_orgdomain, received) WHERE verdict IS NOT NULL;
-- What SMTP asks of a sender, however much mail there is of a large provider: the history of one address (STORE-92) went
-- through all judged mail of its domain, and when one wrote to a domain (STORE-95) through all its recipients. What came
-- lately (STORE-93) is counted in the index alone.
CREATE INDEX message_smtp_mailfrom_address ON message_smtp (mailfrom_domain, mailfrom, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_received ON message_smtp (received, ip1, ip2, ip3, size);
CREATE INDEX message_smtp_msgfrom_address ON message_smtp (msgfrom_domain, msgfrom, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_author ON message_smtp (msgfrom_domain, msgfrom, received);
CREATE TRIGGER message_smtp_new AFTER INSERT ON message_smtp WHEN NEW.verdict IS NOT NULL BEGIN
    INSERT INTO message_dkim (domain, received, message_id) SELECT value, NEW.received, NEW.message_id FROM json_each(NEW.dkim);
END;
CREATE TRIGGER message_smtp_judged AFTER UPDATE OF verdict ON message_smtp WHEN OLD.verdict IS NULL AND NEW.verdict IS NOT NULL BEGIN
    INSERT INTO message_dkim (domain, received, message_id) SELECT value, NEW.received, NEW.message_id FROM json_each(NEW.dkim);
END;
CREATE TRIGGER message_smtp_unjudged AFTER UPDATE OF verdict ON message_smtp WHEN OLD.verdict IS NOT NULL AND NEW.verdict IS NULL BEGIN
    DELETE FROM message_dkim
    WHERE domain IN (SELECT value FROM json_each(OLD.dkim)) AND received = OLD.received AND message_id = OLD.message_id;
END;
CREATE TRIGGER message_smtp_gone AFTER DELETE ON message_smtp WHEN OLD.verdict IS NOT NULL BEGIN
    DELETE FROM message_dkim
    WHERE domain IN (SELECT value FROM json_each(OLD.dkim)) AND received = OLD.received AND message_id = OLD.message_id;
END;

-- Signatures of judged mail, for its history (STORE-92); triggers of message_smtp keep it.
CREATE TABLE message_dkim (
    domain TEXT NOT NULL,
    received INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (domain, received, message_id)
) STRICT, WITHOUT ROWID;

-- Recipients of what the account sent (STORE-95).
CREATE TABLE recipient (
    id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL,
    localpart TEXT NOT NULL,
    domain TEXT NOT NULL,
    orgdomain TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    sent INTEGER NOT NULL
) STRICT;
CREATE INDEX recipient_sent ON recipient (sent);
CREATE INDEX recipient_message ON recipient (message_id);
CREATE INDEX recipient_address ON recipient (domain, localpart, sent);
CREATE INDEX recipient_orgdomain ON recipient (orgdomain, sent);
CREATE INDEX recipient_domain ON recipient (domain, sent);

-- Octets of messages behind their prefix, each once (STORE-10).
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
    enc INTEGER NOT NULL,                                   -- compression and kind of check (moxlite.store.content.body.Encoding)
    digest INTEGER NOT NULL,                                -- check of `data` (STORE-181)
    data BLOB NOT NULL
) STRICT;

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
    email_id INTEGER,                                       -- of the email that a removed copy belonged to; NULL: its own id
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX expunged_mailbox_modseq ON expunged (mailbox_id, modseq);
CREATE INDEX expunged_modseq ON expunged (modseq);

-- Removed messages whose content is still to be erased (STORE-36). The row of a moved one tells its email_id; one that is gone keeps the content
-- that it has had for itself.
CREATE TABLE erase_queue (
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    email_id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,                                -- of the removal
    expunged_at INTEGER NOT NULL,
    trained INTEGER,                                        -- as message.trained; NULL for a moved message, whose row carries it on
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX erase_queue_modseq ON erase_queue (modseq);
CREATE INDEX erase_queue_message ON erase_queue (message_id);
CREATE INDEX erase_queue_copy ON erase_queue (email_id) WHERE email_id <> message_id;
CREATE INDEX erase_queue_training ON erase_queue (message_id) WHERE trained IS NOT NULL;

-- References that a message has and that were not there when it was placed; the nearest ones only (STORE-195).
CREATE TABLE thread_missing (
    reference TEXT NOT NULL,
    email_id INTEGER NOT NULL,
    distance INTEGER NOT NULL,                              -- 0 for the last reference of the message, which names its parent
    PRIMARY KEY (reference, email_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_missing_email ON thread_missing (email_id);

-- Changes that take more than one unit --

-- What units owe to other files (STORE-189a).
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    message_id INTEGER,
    data BLOB NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER NOT NULL DEFAULT 0                          -- until when its unit may be taken back (WEBMAIL-123); 0: it goes at once
) STRICT;
CREATE INDEX outbox_message ON outbox (message_id) WHERE message_id IS NOT NULL;

-- Idempotency keys, kept for 7 days (STORE-189).
CREATE TABLE unit_key (
    key BLOB PRIMARY KEY,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a COPY of many messages has added, unit by unit, until it ends: all or nothing of it stays, also after a crash (IMAP-117).
CREATE TABLE copy_part (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    copy BLOB NOT NULL,                                     -- random, one for each COPY
    mailbox_id INTEGER NOT NULL,
    first_uid INTEGER NOT NULL,
    last_uid INTEGER NOT NULL
) STRICT;

-- An import, staged until one final unit (docs/spec/store.md §11); at most one (STORE-130). One that is here at open belongs to
-- a process that is gone: it is removed with all it staged.
CREATE TABLE import_job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token BLOB NOT NULL,
    started INTEGER NOT NULL
) STRICT;

-- Messages to be. `id` is the message id that each will have, above all that deliveries can take meanwhile; their rows in
-- message_info and message_header are there already. Each counts as one user of its body in body.refs.
CREATE TABLE import_message (
    id INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL,                               -- import_mailbox.id
    place INTEGER NOT NULL,                                 -- 1, 2, … in the order of the mailbox: its UID is that much above the last
    folder INTEGER NOT NULL,                                -- whose file of keywords explains the letters
    letters TEXT NOT NULL,                                  -- of keywords, '' when there are none or they are known
    body_id INTEGER NOT NULL,
    size INTEGER NOT NULL,
    received INTEGER NOT NULL,
    received_offset INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    dsn INTEGER NOT NULL,
    messageid TEXT,
    subject_base TEXT NOT NULL,
    is_response INTEGER NOT NULL,
    refs BLOB NOT NULL                                      -- msgpack array of the canonical ids of References
) STRICT;

-- Filled by the final unit alone, for its joins.
CREATE TABLE import_mailbox (
    id INTEGER PRIMARY KEY,
    mailbox_id INTEGER NOT NULL,
    last_uid INTEGER NOT NULL,                              -- before the import
    flags_kept INTEGER NOT NULL,                            -- bits that the mailbox leaves alone (STORE-84)
    flags_set INTEGER NOT NULL                              -- and those that it sets
) STRICT;

-- Junk --

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

-- Sorting, answers and forwarding --

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

-- Sieve scripts (IMAP-141, IMAP-142): their text, and the checked form of it (moxlite.proto.sieve.script). At most one is active.
CREATE TABLE sieve_script (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    script BLOB NOT NULL CHECK (length(script) <= 65536),
    compiled BLOB NOT NULL,
    active INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sieve_script_active ON sieve_script (active) WHERE active;

-- Ids of messages for the test `duplicate` (RFC 7352), each until a time in µs UTC.
CREATE TABLE sieve_seen (
    key BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sieve_seen_until ON sieve_seen (until);

-- Failures of scripts while they ran, for the owner: the newest ones.
CREATE TABLE sieve_failure (
    id INTEGER PRIMARY KEY,
    moment INTEGER NOT NULL,
    script TEXT NOT NULL,
    line INTEGER NOT NULL,
    text TEXT NOT NULL,
    words TEXT NOT NULL DEFAULT ''                          -- JSON: what `text` is made of, to be said in a page's language; '' for a text as it is
) STRICT;

-- The vacation form (WEBMAIL-131), as JSON (moxlite.store.delivery.vacation).
CREATE TABLE vacation_form (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    data TEXT NOT NULL
) STRICT;

-- Senders that got an answer (RFC 5230 §4.2), each once for a handle.
CREATE TABLE vacation_sent (
    handle BLOB NOT NULL,
    address TEXT NOT NULL,
    sent INTEGER NOT NULL,
    PRIMARY KEY (handle, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX vacation_sent_sent ON vacation_sent (sent);

-- Addresses to which mail is forwarded (SMTP-159, QUEUE-179): the hash of the link in the last question, empty once it was
-- answered; times of the question, the confirmation, the first of the latest bounces, and the stop; what the last bounce
-- said; and the messages sent on in the period of 24 hours that began at `began`. Addresses of `redirect` need the same
-- agreement (SMTP-160a).
CREATE TABLE forward_target (
    address TEXT PRIMARY KEY,
    link BLOB NOT NULL,
    asked INTEGER NOT NULL,
    confirmed INTEGER,
    failing INTEGER,
    stopped INTEGER,
    error TEXT NOT NULL DEFAULT '',
    began INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL DEFAULT 0,
    named INTEGER                                           -- when a script that ran last named it and found no agreement (SMTP-160a); NULL: never
) STRICT, WITHOUT ROWID;

-- Messages that come back later (WEBMAIL-125): at `due`, µs UTC. `away_id`: the mailbox in which the message waits, and
-- `origin_id` the one to which it returns; both NULL: it stays where it is, and a copy comes to the Inbox unless the
-- message was answered by then. A row whose message is gone, or was taken elsewhere, ends without effect.
CREATE TABLE snooze (
    message_id INTEGER PRIMARY KEY,
    due INTEGER NOT NULL,
    created INTEGER NOT NULL,
    away_id INTEGER,
    origin_id INTEGER
) STRICT;
CREATE INDEX snooze_due ON snooze (due);

-- Writing and sending --

-- What a user has set of an identity, for JMAP programs and for the webmail.
CREATE TABLE identity (
    address TEXT PRIMARY KEY,                               -- '' for all addresses that have none of their own
    modseq INTEGER NOT NULL,
    data TEXT NOT NULL                                      -- JSON of the fields that were set (moxlite.store.forms)
) STRICT, WITHOUT ROWID;

-- `html`: "" for a template of plain text.
CREATE TABLE template (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL
) STRICT;

CREATE TABLE from_address_setting (
    address TEXT PRIMARY KEY,
    view TEXT NOT NULL CHECK (view IN ('text', 'html', 'html_ext'))
) STRICT, WITHOUT ROWID;

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

-- Recipients of the last 24 hours and more, for the limits of submission (STORE-98).
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

-- Submissions that the mailbox `Queue` has shown, and that the queue has not done with (IMAP-162).
CREATE TABLE queued (
    key BLOB PRIMARY KEY,                                   -- the queue's name for it
    message_id INTEGER UNIQUE                               -- NULL once its owner has canceled it
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
    key BLOB NOT NULL,                                      -- of its row in the outbox
    author TEXT NOT NULL DEFAULT ''                         -- account that has sent it: '' for the owner, else a delegate, who sees no submissions of others
) STRICT;
CREATE INDEX jmap_submission_modseq ON jmap_submission (modseq);

-- People --

-- Addresses that the account wrote to or had mail from, outside of Junk (STORE-96). `heard`, `wrote`: the latest times, 0 for
-- never; `messages`: how many of `gathered` are from it; `found`: "name <address>" in one case, for searches.
CREATE TABLE correspondent (
    id INTEGER PRIMARY KEY,
    localpart TEXT NOT NULL,
    domain TEXT NOT NULL,                                   -- U-labels
    name TEXT NOT NULL,
    found TEXT NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0,
    heard INTEGER NOT NULL DEFAULT 0,
    wrote INTEGER NOT NULL DEFAULT 0,
    rank INTEGER NOT NULL,
    folded TEXT,                                            -- the name as names are compared (STORE-96d), "" for one that no other address can claim; NULL: to be made
    UNIQUE (domain, localpart)
) STRICT;
CREATE INDEX correspondent_rank ON correspondent (rank);
CREATE INDEX correspondent_unused ON correspondent (id) WHERE messages <= 0 AND wrote = 0;
CREATE INDEX correspondent_folded ON correspondent (folded);

CREATE TABLE correspondent_word (
    word TEXT NOT NULL,
    correspondent_id INTEGER NOT NULL,
    PRIMARY KEY (word, correspondent_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX correspondent_word_of ON correspondent_word (correspondent_id);

-- Mailing lists and newsletters: `key` is the id of the list, else the From address; `messages` and `size` of those that are there.
CREATE TABLE bulk_sender (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX bulk_sender_messages ON bulk_sender (messages);
CREATE INDEX bulk_sender_size ON bulk_sender (size);

CREATE TABLE gathered (
    message_id INTEGER PRIMARY KEY,
    correspondent_id INTEGER NOT NULL,                      -- 0: none
    bulk_id INTEGER NOT NULL,                               -- 0: none
    received INTEGER NOT NULL,
    size INTEGER NOT NULL
) STRICT;
CREATE INDEX gathered_bulk ON gathered (bulk_id, received, message_id) WHERE bulk_id > 0;
-- How many messages of an address came before one: of those that did not come by SMTP, what was gathered tells.
CREATE INDEX gathered_correspondent ON gathered (correspondent_id, received) WHERE correspondent_id > 0;

-- How far the gathering is: the highest id of messages, and of recipients that were there when it began.
CREATE TABLE gathering (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    message_id INTEGER NOT NULL,
    recipient_id INTEGER NOT NULL
) STRICT;
INSERT INTO gathering (id, message_id, recipient_id) VALUES (1, 0, 0);

-- Contacts as lists and searches show them, made of their cards. `folded`: the name as names are compared (STORE-96d).
CREATE TABLE contact (
    id INTEGER PRIMARY KEY,
    sorted TEXT NOT NULL,
    found TEXT NOT NULL,
    folded TEXT NOT NULL,
    listed TEXT NOT NULL,
    uid TEXT NOT NULL DEFAULT ''                            -- in lower case, without `urn:uuid:`; "" of a contact without a card
) STRICT;
CREATE INDEX contact_sorted ON contact (sorted, id);
CREATE INDEX contact_folded ON contact (folded);
CREATE INDEX contact_uid ON contact (uid);

CREATE TABLE contact_address (
    contact_id INTEGER NOT NULL,
    localpart TEXT NOT NULL,
    domain TEXT NOT NULL,                                   -- U-labels
    PRIMARY KEY (contact_id, domain, localpart)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_address_of ON contact_address (domain, localpart);

CREATE TABLE contact_group (
    name TEXT NOT NULL,
    contact_id INTEGER NOT NULL,
    PRIMARY KEY (name, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_group_of ON contact_group (contact_id);

-- Groups that are cards (KIND:group, RFC 6350 §6.1.4; WEBMAIL-128g), by the ids of their resources, which are no rows of `contact`.
CREATE TABLE group_card (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;
CREATE INDEX group_card_name ON group_card (name);

CREATE TABLE group_member (
    group_id INTEGER NOT NULL,
    uid TEXT NOT NULL,
    PRIMARY KEY (group_id, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_uid ON group_member (uid);

-- Cards whose rows in `contact` and its tables are to be made anew, after a recovery.
CREATE TABLE contact_due (
    id INTEGER PRIMARY KEY,
    changed INTEGER NOT NULL,                               -- µs UTC
    card TEXT,                                              -- only before 0.1.0: a contact that is no card yet
    problem TEXT                                            -- why the card cannot be read
) STRICT;

-- Masked addresses --

-- Addresses to give away (docs/spec/masked.md). Times in µs UTC.
CREATE TABLE masked (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE,           -- lower case, domain in U-labels
    active INTEGER NOT NULL DEFAULT 1,      -- 0: mail is refused
    created INTEGER NOT NULL,
    given_to TEXT NOT NULL DEFAULT '',      -- host name of the site, lower case
    note TEXT NOT NULL DEFAULT '',
    only_from TEXT NOT NULL DEFAULT '',     -- addresses and domains, separated by spaces; '': everybody
    expires INTEGER,
    last_mail INTEGER,
    messages INTEGER NOT NULL DEFAULT 0,
    unlisted INTEGER NOT NULL DEFAULT 0     -- messages of senders beyond those in masked_sender
) STRICT;

-- Who wrote to one of them: organizational domains of authors, the first few.
CREATE TABLE masked_sender (
    masked_id INTEGER NOT NULL REFERENCES masked ON DELETE CASCADE,
    domain TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (masked_id, domain)
) STRICT, WITHOUT ROWID;

-- How many were made on a day, removed ones too: days since 1970.
CREATE TABLE masked_day (
    day INTEGER PRIMARY KEY,
    made INTEGER NOT NULL
) STRICT;

-- Calendars and address books --

-- Calendars and address books (docs/spec/dav.md). Rows of their resources have modseqs, removed ones leave tombstones, as those of messages.
-- `name`: the last element of its address. `components`: kinds of components that a calendar takes, sorted, joined by one space. `dead`: JSON of
-- properties that clients have set, XML by name. `purged`: the highest modseq whose tombstones are gone: older sync tokens are refused.
CREATE TABLE collection (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('calendar', 'contact')),
    name TEXT NOT NULL,
    display_name TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    colour TEXT NOT NULL DEFAULT '',
    position INTEGER,
    time_zone TEXT NOT NULL DEFAULT '',                     -- a VCALENDAR with one VTIMEZONE, as it came
    components TEXT NOT NULL DEFAULT '',
    transparent INTEGER NOT NULL DEFAULT 0,
    dead TEXT NOT NULL DEFAULT '{}',
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,                                -- rises with each change of its properties and resources
    purged INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,                        -- octets of its resources, which count for the quota
    inbox INTEGER NOT NULL DEFAULT 0,                       -- 1: holds messages about events, and is no calendar (docs/spec/dav.md §6)
    UNIQUE (kind, name)
) STRICT;

CREATE TABLE collection_gone (
    collection_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL
) STRICT;
CREATE INDEX collection_gone_modseq ON collection_gone (modseq);

-- Rights of other users on calendars and address books (DAV-41): letters of RFC 4314 as in `acl`; "lr" to read, "lrwit" to change entries, too.
CREATE TABLE collection_acl (
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    identifier TEXT NOT NULL,                               -- name of an account, or 'anyone'
    rights TEXT NOT NULL,
    PRIMARY KEY (collection_id, identifier)
) STRICT, WITHOUT ROWID;
CREATE INDEX collection_acl_identifier ON collection_acl (identifier);

-- `starts`, `ends`: seconds UTC of the first and last moment, NULL for no bound. `expanded_from`, `expanded_to`: the stretch of seconds of which
-- `instance` has all instances, NULL for a resource without rules.
CREATE TABLE resource (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    component TEXT NOT NULL,                                -- VEVENT, VTODO, …, VCARD
    hash BLOB NOT NULL,                                     -- SHA-256 of data
    size INTEGER NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    created INTEGER NOT NULL,                               -- µs UTC
    changed INTEGER NOT NULL,
    starts INTEGER,
    ends INTEGER,
    expanded_from INTEGER,
    expanded_to INTEGER,
    title TEXT NOT NULL,                                    -- SUMMARY or FN
    tag INTEGER,                                            -- modseq of the last change that matters to the people it is scheduled with; NULL: an entry without them
    UNIQUE (collection_id, name),
    UNIQUE (collection_id, uid)
) STRICT;
CREATE INDEX resource_modseq ON resource (collection_id, modseq);
CREATE INDEX resource_expanded ON resource (expanded_to) WHERE expanded_to IS NOT NULL;
-- Entries of a collection are listed in pages by id (DAV-16): the index has the rowid, so that a page costs its own rows only.
CREATE INDEX resource_of ON resource (collection_id);
CREATE INDEX resource_uid ON resource (uid);

CREATE TABLE resource_data (
    resource_id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

-- Addresses of organisers and attendees, or of the person of a card.
CREATE TABLE resource_address (
    resource_id INTEGER NOT NULL,
    address TEXT NOT NULL,                                  -- in lower case
    PRIMARY KEY (resource_id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX resource_address_of ON resource_address (address);

CREATE TABLE instance (
    resource_id INTEGER NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    recurrence TEXT NOT NULL,                               -- its time by the rule, as RECURRENCE-ID has it
    part INTEGER NOT NULL,                                  -- number of the component that describes it
    PRIMARY KEY (resource_id, starts, recurrence)
) STRICT, WITHOUT ROWID;

-- Facts of entries of calendars, by which views show them without reading them (DAV-9b). Rows of another version are made anew from the octets.
CREATE TABLE entry_facts (
    resource_id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,                               -- proto.cards.entryfacts.FACTS_VERSION; 0: not computed yet
    data BLOB NOT NULL                                      -- msgpack; empty for an entry that can't be read
) STRICT;
CREATE INDEX entry_facts_version ON entry_facts (version);

-- Tombstones of resources.
CREATE TABLE resource_gone (
    collection_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    gone INTEGER NOT NULL,                                                       -- µs UTC
    resource_id INTEGER,                                                         -- by which JMAP knew it (JMAP-60)
    PRIMARY KEY (collection_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX resource_gone_modseq ON resource_gone (collection_id, modseq);
CREATE INDEX resource_gone_at ON resource_gone (gone);

-- Entries that people deleted, which can come back for a time (DAV-46).
CREATE TABLE resource_kept (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,                                     -- as of its collection
    collection_id INTEGER NOT NULL,                         -- which may be gone
    collection_name TEXT NOT NULL,                          -- as it was shown
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    component TEXT NOT NULL,
    title TEXT NOT NULL,
    starts INTEGER,                                         -- seconds UTC
    size INTEGER NOT NULL,                                  -- octets of data
    data BLOB NOT NULL,
    removed INTEGER NOT NULL                                -- µs UTC
) STRICT;
CREATE INDEX resource_kept_removed ON resource_kept (removed);
CREATE INDEX resource_kept_uid ON resource_kept (uid);

-- Secret links of calendars (DAV-42): those who have the address read the calendar.
CREATE TABLE calendar_link (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    token_hash BLOB NOT NULL UNIQUE,                        -- SHA-256
    busy INTEGER NOT NULL,                                  -- 1: tells when the owner is busy, and no more
    note TEXT NOT NULL,
    made INTEGER NOT NULL                                   -- µs UTC
) STRICT;

-- Calendars that are read from an address again and again (DAV-44). The collection has what was read last.
CREATE TABLE calendar_subscription (
    collection_id INTEGER PRIMARY KEY REFERENCES collection (id),
    url TEXT NOT NULL,
    etag TEXT NOT NULL,                                     -- of the last file, "" for none
    modified TEXT NOT NULL,                                 -- Last-Modified of the last file, "" for none
    hash BLOB NOT NULL,                                     -- SHA-256 of the last file
    tried INTEGER NOT NULL,                                 -- µs UTC
    succeeded INTEGER NOT NULL,                             -- µs UTC
    error TEXT NOT NULL,                                    -- why the last attempt failed, "" for success
    failures INTEGER NOT NULL,                              -- attempts that failed since
    due INTEGER NOT NULL                                    -- µs UTC of the next attempt
) STRICT;
CREATE INDEX calendar_subscription_due ON calendar_subscription (due);

-- How the user sees calendars that others share (DAV-47).
CREATE TABLE shared_view (
    owner TEXT NOT NULL,
    collection_id INTEGER NOT NULL,                         -- in the owner's file
    colour TEXT NOT NULL,
    hidden INTEGER NOT NULL,
    PRIMARY KEY (owner, collection_id)
) STRICT, WITHOUT ROWID;

-- Invitations that were shown (STORE-96b): the newest version of each event, by UID and RECURRENCE-ID ("" for all of a repeated one), its
-- author, and the user's answer. `message_id`: the message with that version; `answer`: yes, no, maybe, "" for none; `answered`: the
-- sequence number that it was given to; `seen`: when.
CREATE TABLE invitation (
    uid TEXT NOT NULL,
    recurrence TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    organizer TEXT NOT NULL,
    cancelled INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    answer TEXT NOT NULL DEFAULT '',
    answered INTEGER NOT NULL DEFAULT 0,
    seen INTEGER NOT NULL,
    author TEXT NOT NULL DEFAULT '',                        -- From address of the message, "" for one that has not just one
    proven INTEGER NOT NULL DEFAULT 0,                      -- 1: the From domain was validated
    PRIMARY KEY (uid, recurrence)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitation_seen ON invitation (seen);

-- Notices --

-- Entries of the user's own calendars with an alarm that may still come (docs/spec/dav.md).
CREATE TABLE alarm (
    resource_id INTEGER PRIMARY KEY,
    since INTEGER NOT NULL,                                 -- µs UTC up to which its alarms are done
    due INTEGER NOT NULL                                    -- µs UTC of the next one, 0: it is to be found
) STRICT;
CREATE INDEX alarm_due ON alarm (due);

-- Alarms that came, for devices that are to be told of them, and for the limits of an hour.
CREATE TABLE alarm_notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rung INTEGER NOT NULL,                                  -- µs UTC
    mailed INTEGER NOT NULL,                                -- it was a mail, no notice
    resource_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    place TEXT NOT NULL,
    starts INTEGER,                                         -- seconds UTC, NULL for an entry without a time
    day TEXT NOT NULL,                                      -- of an entry of whole days, as YYYY-MM-DD, else ''
    news INTEGER NOT NULL DEFAULT 0                         -- 1: an invitation, a change or an answer, which is silent in quiet hours and in open pages
) STRICT;
CREATE INDEX alarm_notice_rung ON alarm_notice (rung);

-- Devices that are told of new mail by Web Push, and for which mail (STORE-96c).
-- `public`, `secret`: keys of the browser; `session`: id of the web session that subscribed, 0: not known; `told`: the highest id of
-- messages that it was told of. µs UTC: `created`; `used`, the last notice that was taken, 0 for never; `failing`, the first failure since
-- then; `next`, before which it is not tried. `failures`: in a row; `error`: the last one in words.
CREATE TABLE notice_device (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint TEXT NOT NULL UNIQUE,
    public BLOB NOT NULL,
    secret BLOB NOT NULL,
    name TEXT NOT NULL,
    session INTEGER NOT NULL,
    told INTEGER NOT NULL,
    created INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    failing INTEGER NOT NULL DEFAULT 0,
    next INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    told_at INTEGER NOT NULL DEFAULT 0,                     -- mail received until then was told of, or passed over: what comes back has an old id
    alarmed INTEGER NOT NULL DEFAULT 0                      -- the last alarm_notice that it was told of
) STRICT;
CREATE INDEX notice_device_session ON notice_device (session);

-- `known`: 1: only mail of people whom the account knows. Quiet hours: minutes since midnight in `zone`, the same for none.
CREATE TABLE notice_choice (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    known INTEGER NOT NULL,
    quiet_from INTEGER NOT NULL,
    quiet_until INTEGER NOT NULL,
    zone TEXT NOT NULL,
    alarms TEXT NOT NULL DEFAULT 'all' CHECK (alarms IN ('all', 'notices', 'none'))
) STRICT;

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

-- Mailboxes on other servers --

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
    protocol TEXT NOT NULL DEFAULT 'imap' CHECK (protocol IN ('imap', 'pop3')),
    keep_days INTEGER,                      -- POP3: days until mail is removed there; NULL: never
    smtp_host TEXT NOT NULL DEFAULT '',     -- its submission server; '': nothing is sent through the provider
    smtp_port INTEGER NOT NULL DEFAULT 0,   -- 0: the usual one
    smtp_tls TEXT NOT NULL DEFAULT 'implicit' CHECK (smtp_tls IN ('implicit', 'starttls')),
    smtp_user TEXT NOT NULL DEFAULT '',     -- '': as username
    keeps_copy INTEGER NOT NULL DEFAULT 0,  -- 1: the provider puts what is sent into its Sent itself
    sorts INTEGER NOT NULL DEFAULT 0,       -- 1: the account's junk filter, rules and script sort its new mail (LINK-31)
    UNIQUE (host, username)
) STRICT;

-- Mailboxes on other servers that mail is copied from or to, or that are linked (IMAP-138).
CREATE TABLE imap_remote (
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

-- Messages copied between such mailboxes and here. The message here may be gone or elsewhere by now: that changes nothing, so that it isn't copied again.
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

-- Messages of a mailbox read by POP3 that have been fetched, or were left out for good, as long as they are there.
CREATE TABLE pop3_seen (
    link_id INTEGER NOT NULL REFERENCES link ON DELETE CASCADE,
    uidl TEXT NOT NULL,
    since INTEGER NOT NULL,                                     -- µs UTC
    PRIMARY KEY (link_id, uidl)
) STRICT, WITHOUT ROWID;
