-- App passwords (STORE-191): generated credentials of single devices and programs. Salt and iterations of SCRAM are the
-- same in all rows, and those of the account's own password.
CREATE TABLE app_password (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    scopes INTEGER NOT NULL,                                -- bits: 1 imap, 2 submission, 4 webapi
    read_only INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,                                        -- NULL: never
    last_used INTEGER,                                      -- NULL: not yet; written once an hour at most
    scram_sha_1 BLOB NOT NULL,                              -- msgpack of salt, iterations and keys, as in credential
    scram_sha_256 BLOB NOT NULL,
    cram_md5 BLOB NOT NULL                                  -- the two states
) STRICT;
