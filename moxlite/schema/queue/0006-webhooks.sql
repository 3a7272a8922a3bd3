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
