-- The mailbox that shows what waits in the queue (IMAP-162): at most one mailbox is the system's own.
ALTER TABLE mailbox ADD COLUMN system INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX mailbox_system ON mailbox (system) WHERE system = 1;

-- One row for each submission that it has shown, and that the queue has not done with.
CREATE TABLE queued (
    key BLOB PRIMARY KEY,                                   -- the queue's name for it
    message_id INTEGER UNIQUE                               -- NULL once its owner has canceled it
) STRICT, WITHOUT ROWID;
