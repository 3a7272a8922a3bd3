-- Which accounts share mailboxes with whom (IMAP-157): made from the tables `acl` of the accounts, which are what counts.
CREATE TABLE shared (
    owner TEXT NOT NULL,
    guest TEXT NOT NULL,                                    -- name of an account, or 'anyone'
    PRIMARY KEY (owner, guest)
) STRICT, WITHOUT ROWID;
CREATE INDEX shared_guest ON shared (guest);
