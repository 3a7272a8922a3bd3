-- Which account a person of a login provider logs in to (WEB-180): issuer and subject of its ID tokens.
CREATE TABLE provider_binding (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    bound INTEGER NOT NULL,       -- µs UTC
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_binding_account ON provider_binding (account);
