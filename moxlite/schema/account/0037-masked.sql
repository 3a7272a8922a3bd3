-- Addresses to give away (docs/spec/masked.md). Times in µs UTC.
CREATE TABLE masked (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE,           -- lower case, domain in U-labels
    active INTEGER NOT NULL DEFAULT 1,      -- 0: mail is refused
    created INTEGER NOT NULL,
    given_to TEXT NOT NULL DEFAULT '',      -- host name of the site, lower case
    note TEXT NOT NULL DEFAULT '',
    only_from TEXT NOT NULL DEFAULT '',     -- addresses and domains, separated by spaces; '': everybody
    expires INTEGER,
    last_mail INTEGER,
    messages INTEGER NOT NULL DEFAULT 0,
    unlisted INTEGER NOT NULL DEFAULT 0     -- messages of senders beyond those in masked_sender
) STRICT;

-- Who wrote to one of them: organizational domains of authors, the first few.
CREATE TABLE masked_sender (
    masked_id INTEGER NOT NULL REFERENCES masked ON DELETE CASCADE,
    domain TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (masked_id, domain)
) STRICT, WITHOUT ROWID;

-- How many were made on a day, removed ones too: days since 1970.
CREATE TABLE masked_day (
    day INTEGER PRIMARY KEY,
    made INTEGER NOT NULL
) STRICT;
