-- The modseq of the last change of the mailbox itself, such as its name; its counts and messages do not matter (JMAP-10).
ALTER TABLE mailbox ADD COLUMN ownseq INTEGER NOT NULL DEFAULT 0;
UPDATE mailbox SET ownseq = modseq;
