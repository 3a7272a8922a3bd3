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
    text TEXT NOT NULL
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
