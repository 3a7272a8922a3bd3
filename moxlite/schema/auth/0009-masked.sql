-- Accounts of the addresses to give away (docs/spec/masked.md): an index of the rows in the accounts' own files, for RCPT TO.
CREATE TABLE masked (
    address TEXT PRIMARY KEY,
    account TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX masked_account ON masked (account);
