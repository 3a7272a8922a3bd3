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
