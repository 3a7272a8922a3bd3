-- The last time at which all bodies of an account were read and checked (STORE-181).
CREATE TABLE scrub (
    account TEXT PRIMARY KEY,
    started INTEGER NOT NULL,           -- µs UTC
    damaged INTEGER NOT NULL            -- chunks
) STRICT, WITHOUT ROWID;
