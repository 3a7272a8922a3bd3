-- Second factors of web log-ins (WEB-151, STORE-109). `account` is the name of an account, or "(admin)". Each row counts: an app or
-- key that has not given a right first code yet is in memory only.
CREATE TABLE totp (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    name TEXT NOT NULL,                 -- by its owner, to tell the devices apart
    secret BLOB NOT NULL,               -- 20 octets; a code is computed of it, so it cannot be a hash
    last_step INTEGER NOT NULL,         -- time step of the last code that was taken: it serves once (RFC 6238 section 5.2)
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT;
CREATE TABLE security_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    host TEXT NOT NULL,                 -- the host name that the key is bound to (RP ID)
    credential BLOB NOT NULL UNIQUE,    -- credential id
    public_key BLOB NOT NULL,           -- COSE_Key
    sign_count INTEGER NOT NULL,        -- of the last assertion; 0 of keys that do not count
    transports TEXT NOT NULL,           -- as the browser named them, parted by spaces: usb nfc ble internal hybrid
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT;
CREATE TABLE recovery_code (
    account TEXT NOT NULL,
    hash BLOB NOT NULL,                 -- SHA-256; a code has 80 random bits
    created INTEGER NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

-- One-use links that the owner makes for a user who has lost the password (WEB-151a).
CREATE TABLE recovery_link (
    hash BLOB PRIMARY KEY,              -- SHA-256 of the token, which has 128 random bits
    account TEXT NOT NULL,
    reset_factors INTEGER NOT NULL,     -- 1: its use removes the second factors, too
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_link_account ON recovery_link (account);
