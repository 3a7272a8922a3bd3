-- Mail goes out through a linked mailbox's own provider, and POP3 for providers without IMAP (docs/spec/linked.md).
ALTER TABLE link ADD COLUMN protocol TEXT NOT NULL DEFAULT 'imap' CHECK (protocol IN ('imap', 'pop3'));
ALTER TABLE link ADD COLUMN keep_days INTEGER;                  -- POP3: days until mail is removed there; NULL: never
ALTER TABLE link ADD COLUMN smtp_host TEXT NOT NULL DEFAULT ''; -- its submission server; '': nothing is sent
ALTER TABLE link ADD COLUMN smtp_port INTEGER NOT NULL DEFAULT 0; -- 0: the usual one
ALTER TABLE link ADD COLUMN smtp_tls TEXT NOT NULL DEFAULT 'implicit' CHECK (smtp_tls IN ('implicit', 'starttls'));
ALTER TABLE link ADD COLUMN smtp_user TEXT NOT NULL DEFAULT ''; -- '': as username
ALTER TABLE link ADD COLUMN keeps_copy INTEGER NOT NULL DEFAULT 0; -- the provider puts what is sent into its Sent itself

-- Messages of a mailbox read by POP3 that have been fetched, or were left out for good, as long as they are there.
CREATE TABLE pop3_seen (
    link_id INTEGER NOT NULL REFERENCES link ON DELETE CASCADE,
    uidl TEXT NOT NULL,
    since INTEGER NOT NULL,                                     -- µs UTC
    PRIMARY KEY (link_id, uidl)
) STRICT, WITHOUT ROWID;
