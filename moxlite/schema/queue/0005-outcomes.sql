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
CREATE INDEX msg_message ON msg (account, message_id);
-- A row that is done waits in msg until its sender was told: besides those that have failed also those that were
-- delivered, or relayed, for a sender who asked for that (RFC 3461 NOTIFY=SUCCESS). Work selection passes them by.
DROP INDEX msg_due;
DROP INDEX msg_due_domain;
CREATE INDEX msg_due ON msg (next_attempt, id, rcpt_domain, attempts) WHERE hold = 0 AND dsn_due IN ('', 'delayed');
CREATE INDEX msg_due_domain ON msg (rcpt_domain, next_attempt, id, attempts)
    WHERE hold = 0 AND dsn_due IN ('', 'delayed');
