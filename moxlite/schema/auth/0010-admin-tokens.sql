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
