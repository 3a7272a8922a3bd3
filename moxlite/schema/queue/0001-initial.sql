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
    dsn_utf8 BLOB NOT NULL,
    require_tls INTEGER,                -- NULL, 0 (TLS-Required: No), 1 (REQUIRETLS)
    extra TEXT NOT NULL,                -- JSON: text by key (QUEUE-5)
    priority INTEGER NOT NULL,
    deliver_by TEXT NOT NULL,
    -- RFC 3461
    dsn_notify INTEGER NOT NULL,
    dsn_ret TEXT NOT NULL,
    dsn_envid TEXT NOT NULL,
    dsn_orcpt TEXT NOT NULL,
    -- What the sender must still be told: '', 'delayed', or 'failed'. A failed row has made its last attempt, and is retired once
    -- its DSN lies in the sender's account.
    dsn_due TEXT NOT NULL,
    dsn_next INTEGER NOT NULL           -- when to try to store it (again)
) STRICT;
-- Work selection reads nothing but these two indices, however many rows are held: by time, and where the first thousand
-- are all of busy domains, domain by domain (QUEUE-14).
CREATE INDEX msg_due ON msg (next_attempt, id, rcpt_domain, attempts) WHERE hold = 0 AND dsn_due <> 'failed';
CREATE INDEX msg_due_domain ON msg (rcpt_domain, next_attempt, id, attempts) WHERE hold = 0 AND dsn_due <> 'failed';
CREATE INDEX msg_dsn ON msg (dsn_next, id) WHERE dsn_due <> '';
CREATE INDEX msg_next ON msg (next_attempt, id);
CREATE INDEX msg_base ON msg (base_id) WHERE base_id <> 0;
CREATE INDEX msg_queued ON msg (queued, id);
CREATE INDEX msg_account ON msg (account, size);
CREATE INDEX msg_content ON msg (content_id);
CREATE INDEX msg_hold ON msg (id) WHERE hold = 1;
CREATE UNIQUE INDEX msg_from_id ON msg (from_id) WHERE from_id <> '';

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
    live INTEGER NOT NULL               -- when a row was last seen in msg
) STRICT, WITHOUT ROWID;
CREATE INDEX unit_key_live ON unit_key (live);
