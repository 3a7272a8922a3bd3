-- Who else may use a mailbox, and how (RFC 4314, IMAP-157). The account's owner has all rights without a row.
CREATE TABLE acl (
    mailbox_id INTEGER NOT NULL,
    identifier TEXT NOT NULL,                               -- name of an account, or 'anyone'
    rights TEXT NOT NULL CHECK (rights <> ''),              -- of lrswipkxtea, in that order
    PRIMARY KEY (mailbox_id, identifier)
) STRICT, WITHOUT ROWID;
CREATE INDEX acl_identifier ON acl (identifier);
