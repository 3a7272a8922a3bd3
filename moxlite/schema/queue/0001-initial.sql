-- queue.db: messages on their way out, and what became of them (docs/spec/queue.md §1). Times are integer microseconds UTC.
-- Ids are never used again (QUEUE-1a): a finished message keeps its id in msg_retired.

-- The octets of a submission behind the prefix, shared by all its recipients. A row of chunks counts its references apart
-- from the chunks: an update beside a large blob would rewrite it.
CREATE TABLE content (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL,
    refs INTEGER NOT NULL
) STRICT;

-- Chunk n of content c has id c * 65536 + n, so a message lies together and is read in order; 256 KiB each, encoded as in account.db.
CREATE TABLE content_chunk (
    id INTEGER PRIMARY KEY,
    enc INTEGER NOT NULL,
    check64 INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

-- Messages on their way out, a row for each recipient.
CREATE TABLE msg (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    base_id INTEGER NOT NULL,           -- id of the first row of this submission, 0 when this row goes alone (QUEUE-3)
    content_id INTEGER NOT NULL REFERENCES content (id),
    queued INTEGER NOT NULL,
    hold INTEGER NOT NULL,
    account TEXT NOT NULL,
    login_address TEXT NOT NULL,
    sender_localpart TEXT NOT NULL,     -- both empty for the null path
    sender_domain TEXT NOT NULL,        -- lower-case U-labels, as all domains here (QUEUE-2)
    from_id TEXT NOT NULL,
    rcpt_localpart TEXT NOT NULL,
    rcpt_domain TEXT NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- schedule
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,      -- 0: as configured
    next_attempt INTEGER NOT NULL,
    last_attempt INTEGER,
    dialed_ips TEXT NOT NULL,           -- JSON: addresses connected to, by host (QUEUE-47)
    results TEXT NOT NULL,              -- JSON: one entry per attempt (QUEUE-7)
    transport TEXT NOT NULL,            -- empty: by the routes
    future_release_request TEXT NOT NULL,
    -- content
    has8bit INTEGER NOT NULL,
    smtputf8 INTEGER NOT NULL,
    is_dmarc_report INTEGER NOT NULL,
    is_tls_report INTEGER NOT NULL,
    size INTEGER NOT NULL,              -- of the whole message, prefix included
    prefix BLOB NOT NULL,
    require_tls INTEGER,                -- NULL, 0 (TLS-Required: No), 1 (REQUIRETLS)
    extra TEXT NOT NULL,                -- JSON: text by key (QUEUE-5)
    priority INTEGER NOT NULL,
    deliver_by TEXT NOT NULL,
    -- RFC 3461
    dsn_notify INTEGER NOT NULL,
    dsn_ret TEXT NOT NULL,
    dsn_envid TEXT NOT NULL,
    dsn_orcpt TEXT NOT NULL,
    -- What the sender must still be told: '', 'delayed', or the end of a row that has made its last attempt, and is retired once
    -- its DSN lies in the sender's account.
    dsn_due TEXT NOT NULL,
    dsn_next INTEGER NOT NULL,          -- when to try to store it (again)
    guarded INTEGER NOT NULL DEFAULT 0  -- 1: the guard holds it, until its account is released (SMTP-170)
) STRICT;
CREATE INDEX msg_dsn ON msg (dsn_next, id) WHERE dsn_due <> '';
CREATE INDEX msg_next ON msg (next_attempt, id);
CREATE INDEX msg_base ON msg (base_id) WHERE base_id <> 0;
CREATE INDEX msg_queued ON msg (queued, id);
CREATE INDEX msg_account ON msg (account, size);
CREATE INDEX msg_content ON msg (content_id);
CREATE INDEX msg_hold ON msg (id) WHERE hold = 1;
CREATE UNIQUE INDEX msg_from_id ON msg (from_id) WHERE from_id <> '';
CREATE INDEX msg_message ON msg (account, message_id);
-- Work selection reads nothing but these two indices, however many rows are held: by time, and where the first thousand
-- are all of busy domains, domain by domain (QUEUE-14). A row that is done waits here until its sender was told: those that
-- have failed, and those that were delivered, or relayed, for a sender who asked for that (RFC 3461 NOTIFY=SUCCESS).
CREATE INDEX msg_due ON msg (next_attempt, id, rcpt_domain, attempts) WHERE hold = 0 AND dsn_due IN ('', 'delayed');
CREATE INDEX msg_due_domain ON msg (rcpt_domain, next_attempt, id, attempts)
    WHERE hold = 0 AND dsn_due IN ('', 'delayed');
CREATE INDEX msg_guarded ON msg (account) WHERE guarded = 1;
-- The recipients of a submission about which its sender must still be told: each attempt asks for them.
CREATE INDEX msg_owed ON msg (content_id) WHERE dsn_due <> '';
CREATE TRIGGER room_of_new_msg AFTER INSERT ON msg BEGIN
    INSERT INTO room SELECT new.account, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM room WHERE account = new.account);
    UPDATE room SET messages = messages + 1, message_octets = message_octets + new.size WHERE account = new.account;
END;
CREATE TRIGGER room_of_changed_msg AFTER UPDATE OF size ON msg BEGIN
    UPDATE room SET message_octets = message_octets + new.size - old.size WHERE account = new.account;
END;
CREATE TRIGGER room_of_gone_msg AFTER DELETE ON msg BEGIN
    UPDATE room SET messages = messages - 1, message_octets = message_octets - old.size WHERE account = old.account;
END;

-- Finished ones, for as long as their account keeps them; same ids.
CREATE TABLE msg_retired (
    id INTEGER PRIMARY KEY,             -- as in msg
    base_id INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    account TEXT NOT NULL,
    login_address TEXT NOT NULL,
    sender_localpart TEXT NOT NULL,
    sender_domain TEXT NOT NULL,
    from_id TEXT NOT NULL,
    rcpt_localpart TEXT NOT NULL,
    rcpt_domain TEXT NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    last_attempt INTEGER,
    dialed_ips TEXT NOT NULL,
    results TEXT NOT NULL,
    transport TEXT NOT NULL,
    future_release_request TEXT NOT NULL,
    has8bit INTEGER NOT NULL,
    smtputf8 INTEGER NOT NULL,
    is_dmarc_report INTEGER NOT NULL,
    is_tls_report INTEGER NOT NULL,
    size INTEGER NOT NULL,
    require_tls INTEGER,
    extra TEXT NOT NULL,
    dsn_notify INTEGER NOT NULL,
    dsn_ret TEXT NOT NULL,
    dsn_envid TEXT NOT NULL,
    dsn_orcpt TEXT NOT NULL,
    success INTEGER NOT NULL,
    last_activity INTEGER NOT NULL,
    keep_until INTEGER NOT NULL,
    recipient_address TEXT NOT NULL     -- for suppression (QUEUE-82)
) STRICT;
CREATE INDEX retired_activity ON msg_retired (last_activity, id);
CREATE INDEX retired_queued ON msg_retired (queued, id);
CREATE INDEX retired_account ON msg_retired (account, last_activity, id);
CREATE INDEX retired_domain ON msg_retired (rcpt_domain, last_activity, id);
CREATE INDEX retired_recipient ON msg_retired (recipient_address, last_activity);
CREATE INDEX retired_keep ON msg_retired (keep_until);
CREATE INDEX retired_from_id ON msg_retired (from_id) WHERE from_id <> '';

-- Newly queued messages that match are held (QUEUE-20). Empty columns match all.
CREATE TABLE hold_rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    sender_localpart TEXT NOT NULL,
    sender_domain TEXT NOT NULL,
    recipient_localpart TEXT NOT NULL,
    recipient_domain TEXT NOT NULL
) STRICT;

-- Addresses to which an account sends nothing more (QUEUE-80..83).
CREATE TABLE suppression (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    base_address TEXT NOT NULL,
    original_address TEXT NOT NULL,
    manual INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    UNIQUE (account, base_address)
) STRICT;

-- Submissions with a key are taken once (STORE-189): their rows are first_id to last_id.
CREATE TABLE unit_key (
    key BLOB PRIMARY KEY,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    live INTEGER NOT NULL,              -- when a row was last seen in msg
    note BLOB NOT NULL DEFAULT x''      -- what the web API answered to it: a repeated call gets the same answer (WEB-154)
) STRICT, WITHOUT ROWID;
CREATE INDEX unit_key_live ON unit_key (live);

-- Submissions that their account's mailbox `Queue` shows (IMAP-162): a row lives as long as a recipient waits, and then until
-- the message has left the mailbox.
CREATE TABLE mirror (
    content_id INTEGER PRIMARY KEY,     -- what all recipients of a submission share
    account TEXT NOT NULL,
    queued INTEGER NOT NULL,            -- with content_id the key: ids come again where queue.db was restored from a backup
    state TEXT NOT NULL,                -- 'new': no attempt to add it was made; 'add', 'there', 'remove'
    next INTEGER NOT NULL               -- when to do what the state says (again)
) STRICT;
CREATE INDEX mirror_due ON mirror (next, content_id) WHERE state <> 'there';
CREATE INDEX mirror_account ON mirror (account, content_id);

-- Deliveries that wait for an account of this server, which could not take a message when others of it could (QUEUE-28).
-- The octets, the schedule and the envelope are those of the row in msg.
CREATE TABLE local (
    msg_id INTEGER PRIMARY KEY REFERENCES msg (id) ON DELETE CASCADE,
    key BLOB NOT NULL,                  -- of the transaction: the account performs the delivery once under it
    account TEXT NOT NULL,
    delivery BLOB NOT NULL,             -- msgpack (moxlite.store.delivery.actions.Delivery)
    UNIQUE (key, account)
) STRICT;

-- What became of messages, for their senders (QUEUE-175): one row per recipient, whatever the account's retention of
-- finished messages is.
CREATE TABLE outcome (
    id INTEGER PRIMARY KEY,             -- as in msg
    account TEXT NOT NULL,
    message_id TEXT NOT NULL,
    recipient TEXT NOT NULL,            -- address, for people
    state TEXT NOT NULL,                -- delivered, relayed, failed, canceled
    queued INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last_attempt INTEGER,
    result TEXT NOT NULL                -- JSON: the last attempt, as in msg.results
) STRICT;
CREATE INDEX outcome_message ON outcome (account, message_id);
CREATE INDEX outcome_ended ON outcome (ended);

-- Calls to the web servers of accounts, about what became of sent messages and about messages that came in (QUEUE-90..96).
CREATE TABLE hook (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    msg_id INTEGER NOT NULL,            -- in msg or msg_retired; 0: about a message that came in
    from_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    url TEXT NOT NULL,
    authorization TEXT NOT NULL,
    secret TEXT NOT NULL,               -- signs the calls; empty: none
    event TEXT NOT NULL,                -- of QUEUE-94, or 'incoming'
    submitted INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt INTEGER NOT NULL,
    results TEXT NOT NULL,              -- JSON: one entry per call
    size INTEGER NOT NULL,              -- octets of the payload
    payload BLOB NOT NULL               -- JSON (WEB-105, WEB-107)
) STRICT;
CREATE INDEX hook_due ON hook (next_attempt, id, url, msg_id, attempts);
CREATE INDEX hook_msg ON hook (msg_id) WHERE msg_id <> 0;
CREATE INDEX hook_account ON hook (account, size);
CREATE TRIGGER room_of_new_hook AFTER INSERT ON hook BEGIN
    INSERT INTO room SELECT new.account, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM room WHERE account = new.account);
    UPDATE room SET hooks = hooks + 1, hook_octets = hook_octets + new.size WHERE account = new.account;
END;
CREATE TRIGGER room_of_gone_hook AFTER DELETE ON hook BEGIN
    UPDATE room SET hooks = hooks - 1, hook_octets = hook_octets - old.size WHERE account = old.account;
END;

-- Finished ones, without what they prove themselves with; same ids.
CREATE TABLE hook_retired (
    id INTEGER PRIMARY KEY,
    msg_id INTEGER NOT NULL,
    from_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    url TEXT NOT NULL,
    event TEXT NOT NULL,
    submitted INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    results TEXT NOT NULL,
    size INTEGER NOT NULL,
    payload BLOB NOT NULL,
    superseded_by INTEGER,              -- the hook with the newer event of the same message (QUEUE-93)
    success INTEGER NOT NULL,
    last_activity INTEGER NOT NULL,
    keep_until INTEGER NOT NULL
) STRICT;
CREATE INDEX hook_retired_activity ON hook_retired (last_activity, id);
CREATE INDEX hook_retired_account ON hook_retired (account, last_activity, id);
CREATE INDEX hook_retired_keep ON hook_retired (keep_until);

-- What each account has waiting (SMTP-115, QUEUE-90). Kept by triggers: to count it anew takes as many steps as there are
-- rows, 1 ms for each event of an account whose web server is away.
CREATE TABLE room (
    account TEXT PRIMARY KEY,           -- as in msg and hook
    messages INTEGER NOT NULL,          -- rows of msg
    message_octets INTEGER NOT NULL,
    hooks INTEGER NOT NULL,             -- rows of hook
    hook_octets INTEGER NOT NULL        -- of the payloads
) STRICT, WITHOUT ROWID;

-- What each account sends, in minutes since 1970; kept for a day.
CREATE TABLE sending (
    account TEXT NOT NULL,
    minute INTEGER NOT NULL,
    recipients INTEGER NOT NULL,        -- of the messages that it handed in
    failed INTEGER NOT NULL,            -- recipients that were refused for good
    PRIMARY KEY (account, minute)
) STRICT, WITHOUT ROWID;

-- From where each account has sent lately; kept for a day.
CREATE TABLE sending_from (
    account TEXT NOT NULL,
    network TEXT NOT NULL,              -- empty: loopback, private and other addresses without a network to count
    address TEXT NOT NULL,              -- the latest of that network
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (account, network)
) STRICT, WITHOUT ROWID;

-- Accounts whose sending is stopped, and those that were released, for what was queued before.
CREATE TABLE stop (
    account TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    sign TEXT NOT NULL,                 -- failures, networks, recipients
    why TEXT NOT NULL,                  -- for people
    told INTEGER NOT NULL,              -- 1: the administrator and the user have mail about it
    released INTEGER                    -- NULL: it is stopped
) STRICT, WITHOUT ROWID;
