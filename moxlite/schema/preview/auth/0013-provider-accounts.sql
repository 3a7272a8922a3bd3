-- When each person has logged in last, and the accounts that somebody of a provider has ever been connected to: only
-- the first connection may be made by an address (WEB-185).
ALTER TABLE provider_binding ADD COLUMN last_login INTEGER NOT NULL DEFAULT 0;  -- µs UTC
UPDATE provider_binding SET last_login = unixepoch() * 1000000;
CREATE TABLE provider_account (
    account TEXT NOT NULL,
    issuer TEXT NOT NULL,
    PRIMARY KEY (account, issuer)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO provider_account (account, issuer) SELECT account, issuer FROM provider_binding;
