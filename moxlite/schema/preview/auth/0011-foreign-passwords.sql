-- Accounts whose password is another server's hash (STORE-100b): mail ports ask whether there are any.
CREATE TABLE foreign_password (
    account TEXT PRIMARY KEY,
    since INTEGER NOT NULL,                 -- µs UTC
    warned INTEGER NOT NULL DEFAULT 0       -- the owner was told that the hash will go
) STRICT, WITHOUT ROWID;
