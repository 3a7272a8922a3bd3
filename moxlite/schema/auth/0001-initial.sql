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
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX session_account ON session (account, expires);
CREATE INDEX session_expires ON session (expires);

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
    count INTEGER NOT NULL
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

-- Accounts under removal (STORE-140): the row stands until their files are gone.
CREATE TABLE account_removal (
    account TEXT PRIMARY KEY,
    requested INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Changes made by administrators and users, append-only, kept one year (WEB-160).
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,                -- account, "(admin)" or "(cli)"
    remote_ip TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL                -- JSON: old and new values, without secrets
) STRICT;
CREATE INDEX audit_at ON audit (at);
