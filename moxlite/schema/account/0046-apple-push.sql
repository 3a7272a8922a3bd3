-- Devices whose Mail is told of new mail by Apple's push service (XAPPLEPUSHSERVICE, IMAP-164b); times in µs UTC.
CREATE TABLE apple_push (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL,                               -- the device's name for the account
    token TEXT NOT NULL,                                    -- the device's address, in hex
    mailboxes TEXT NOT NULL,                                -- JSON: by name, the first UID that it was not told of
    login TEXT NOT NULL,                                    -- the app password that it came by, '' for the account's own
    used INTEGER NOT NULL,                                  -- when it has registered last
    failing INTEGER NOT NULL DEFAULT 0,                     -- since when nothing is taken, 0: the last push was
    next INTEGER NOT NULL DEFAULT 0,                        -- not before
    UNIQUE (account_id, token)
) STRICT;
