-- Sessions of browsers that stay logged in (WEBMAIL-22a, STORE-105b). The secret of such a session changes each day.
ALTER TABLE session ADD COLUMN device INTEGER NOT NULL DEFAULT 0;  -- 1: stays logged in
ALTER TABLE session ADD COLUMN turned INTEGER NOT NULL DEFAULT 0;  -- since when token_hash is the current one; 0 of other sessions
ALTER TABLE session ADD COLUMN stolen INTEGER NOT NULL DEFAULT 0;  -- 1: ended, because an earlier token was used
-- Tokens of device sessions beside the current one. All earlier ones stay as long as the session: their use tells of a theft.
CREATE TABLE session_token (
    token_hash BLOB PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
    nonce BLOB,                         -- of the next token, which is made of it and the current token; NULL of an earlier one
    since INTEGER NOT NULL              -- when the next token was made, or the earlier one replaced
) STRICT, WITHOUT ROWID;
CREATE INDEX session_token_session ON session_token (session);
