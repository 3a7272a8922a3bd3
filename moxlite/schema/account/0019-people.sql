-- People and senders of bulk mail, gathered from messages (STORE-96).

-- Addresses that the account wrote to or had mail from, outside of Junk. `heard`, `wrote`: the latest times, µs UTC, 0 for never;
-- `messages`: how many of `gathered` are from it; `found`: "name <address>" in one case, for searches.
CREATE TABLE correspondent (
    id INTEGER PRIMARY KEY,
    localpart TEXT NOT NULL,
    domain TEXT NOT NULL,                                   -- U-labels
    name TEXT NOT NULL,
    found TEXT NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0,
    heard INTEGER NOT NULL DEFAULT 0,
    wrote INTEGER NOT NULL DEFAULT 0,
    rank INTEGER NOT NULL,
    UNIQUE (domain, localpart)
) STRICT;
CREATE INDEX correspondent_rank ON correspondent (rank);
CREATE INDEX correspondent_unused ON correspondent (id) WHERE messages <= 0 AND wrote = 0;

CREATE TABLE correspondent_word (
    word TEXT NOT NULL,
    correspondent_id INTEGER NOT NULL,
    PRIMARY KEY (word, correspondent_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX correspondent_word_of ON correspondent_word (correspondent_id);

-- Mailing lists and newsletters: `key` is the id of the list, else the From address; `messages` and `size` of those that are there.
CREATE TABLE bulk_sender (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX bulk_sender_messages ON bulk_sender (messages);
CREATE INDEX bulk_sender_size ON bulk_sender (size);

CREATE TABLE gathered (
    message_id INTEGER PRIMARY KEY,
    correspondent_id INTEGER NOT NULL,                      -- 0: none
    bulk_id INTEGER NOT NULL,                               -- 0: none
    received INTEGER NOT NULL,
    size INTEGER NOT NULL
) STRICT;
CREATE INDEX gathered_bulk ON gathered (bulk_id, received, message_id) WHERE bulk_id > 0;

-- How far it is: the highest id of messages, and of recipients that were there before this version.
CREATE TABLE gathering (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    message_id INTEGER NOT NULL,
    recipient_id INTEGER NOT NULL
) STRICT;
INSERT INTO gathering (id, message_id, recipient_id) VALUES (1, 0, 0);
