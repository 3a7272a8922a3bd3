-- auth.db: who may enter, and who tried (STORE-104..106, STORE-140, WEB-160). Times are integer microseconds UTC.

-- Web sessions of accounts (STORE-105). Tokens are stored as SHA-256: who reads this file cannot enter with it.
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    csrf_hash BLOB NOT NULL,
    app TEXT NOT NULL,                  -- webmail or account: a session is valid for its own app only (WEB-52)
    account TEXT NOT NULL,
    address TEXT NOT NULL,              -- as given at log-in
    remote_ip TEXT NOT NULL,            -- of the log-in, for the list of active sessions (WEB-70)
    user_agent TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,         -- written at most every 5 minutes
    expires INTEGER NOT NULL,
    device INTEGER NOT NULL DEFAULT 0,  -- 1: stays logged in (WEBMAIL-22a, STORE-105b)
    turned INTEGER NOT NULL DEFAULT 0,  -- since when token_hash is the current one, which changes each day; 0 of other sessions
    stolen INTEGER NOT NULL DEFAULT 0,  -- 1: ended, because an earlier token was used
    parent INTEGER REFERENCES session ON DELETE CASCADE,  -- of the webmail, which has handed it on (WEB-51a, STORE-105c); NULL: a log-in of its own
    proven INTEGER NOT NULL DEFAULT 0,  -- when the user logged in; 0: handed on from a device that stays logged in
    subject TEXT                        -- whose log-in at the provider began it (WEB-183): '' without one, NULL: not known
) STRICT;
CREATE INDEX session_account ON session (account, expires);
CREATE INDEX session_expires ON session (expires);
CREATE INDEX session_parent ON session (parent) WHERE parent IS NOT NULL;

-- Tokens of device sessions beside the current one. All earlier ones stay as long as the session: their use tells of a theft.
CREATE TABLE session_token (
    token_hash BLOB PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
    nonce BLOB,                         -- of the next token, which is made of it and the current token; NULL of an earlier one
    since INTEGER NOT NULL              -- when the next token was made, or the earlier one replaced
) STRICT, WITHOUT ROWID;
CREATE INDEX session_token_session ON session_token (session);

-- Log-in attempts (STORE-106). Equal attempts share a row; `fingerprint` is a hash over all columns that must be equal.
CREATE TABLE login_attempt (
    id INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL UNIQUE,
    account TEXT NOT NULL,              -- "-" unknown, "(admin)"
    address TEXT NOT NULL,
    remote_ip TEXT NOT NULL,
    local_ip TEXT NOT NULL,
    tls TEXT NOT NULL,
    tls_key TEXT NOT NULL,              -- fingerprint of the client's key, as tls_public_key.fingerprint
    protocol TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    mechanism TEXT NOT NULL,
    result TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    app_password TEXT NOT NULL DEFAULT ''  -- name of the app password that was used (STORE-191, SMTP-165), '' for the account's own
) STRICT;
CREATE INDEX login_attempt_account ON login_attempt (account, last);
CREATE INDEX login_attempt_failed ON login_attempt (account, last) WHERE result <> 'ok';
CREATE INDEX login_attempt_last ON login_attempt (last);

-- Keys of client certificates that stand for an account (STORE-104).
CREATE TABLE tls_public_key (
    fingerprint TEXT PRIMARY KEY,       -- SHA-256 of SubjectPublicKeyInfo, base64url without padding
    created INTEGER NOT NULL,
    type TEXT NOT NULL,                 -- rsa-2048, ecdsa-p256, ed25519, ...
    name TEXT NOT NULL,
    no_imap_preauth INTEGER NOT NULL,
    certificate BLOB NOT NULL,          -- DER
    account TEXT NOT NULL,
    login_address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tls_public_key_account ON tls_public_key (account);

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

-- Accounts whose password is another server's hash (STORE-100b): mail ports ask whether there are any.
CREATE TABLE foreign_password (
    account TEXT PRIMARY KEY,
    since INTEGER NOT NULL,                 -- µs UTC
    warned INTEGER NOT NULL DEFAULT 0       -- the owner was told that the hash will go
) STRICT, WITHOUT ROWID;

-- Which account a person of a login provider logs in to (WEB-180): issuer and subject of its ID tokens.
CREATE TABLE provider_binding (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL,
    bound INTEGER NOT NULL,                                              -- µs UTC
    last_login INTEGER NOT NULL DEFAULT 0,                               -- µs UTC
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_binding_account ON provider_binding (account);

-- Accounts that a person of a provider has ever been connected to: only the first connection may be made by an address (WEB-185).
CREATE TABLE provider_account (
    account TEXT NOT NULL,
    issuer TEXT NOT NULL,
    PRIMARY KEY (account, issuer)
) STRICT, WITHOUT ROWID;

-- Tokens of programs that use the admin API (WEB-168). A token has 128 random bits, so a plain hash is enough.
CREATE TABLE admin_token (
    name TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,  -- SHA-256
    scopes TEXT NOT NULL,             -- words with spaces between
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    last_used INTEGER,                -- to the hour; NULL: never
    last_ip TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- Accounts under removal (STORE-140): the row stands until their files are gone.
CREATE TABLE account_removal (
    account TEXT PRIMARY KEY,
    requested INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Addresses that accounts and aliases have, or have had: none of them is given to a new person (WEB-186).
CREATE TABLE known_address (address TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Accounts of the addresses to give away (docs/spec/masked.md): an index of the rows in the accounts' own files, for RCPT TO.
CREATE TABLE masked (
    address TEXT PRIMARY KEY,
    account TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX masked_account ON masked (account);

-- Which accounts share mailboxes with whom (IMAP-157): made from the tables `acl` of the accounts, which are what counts.
CREATE TABLE shared (
    owner TEXT NOT NULL,
    guest TEXT NOT NULL,                                    -- name of an account, or 'anyone'
    PRIMARY KEY (owner, guest)
) STRICT, WITHOUT ROWID;
CREATE INDEX shared_guest ON shared (guest);

-- Numbers of accounts that have shared mailboxes: the webmail makes ids of them that no two accounts have in common
-- (WEBMAIL-62). A number is never given twice.
CREATE TABLE owner_number (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL UNIQUE
) STRICT;

-- Changes made by administrators and users, append-only, kept one year (WEB-160).
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,                -- account, "(admin)" or "(cli)"
    remote_ip TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,               -- JSON: old and new values, without secrets
    via TEXT NOT NULL DEFAULT '',       -- "cli", "webadmin", "webaccount", "webmail", "file"
    outcome TEXT NOT NULL DEFAULT 'done'  -- "begun" before the change; then "done", "refused" or "failed"
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_object ON audit (object, id);
CREATE INDEX audit_via ON audit (via, id);
