-- The account's junk filter, rules and script may sort new mail of a linked mailbox (docs/spec/linked.md, LINK-31).
ALTER TABLE link ADD COLUMN sorts INTEGER NOT NULL DEFAULT 0;
