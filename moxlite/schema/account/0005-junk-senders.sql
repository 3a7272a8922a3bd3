-- What the junk filter knows of the mail that it has learned, beside its words: how many senders it came from, and which of it
-- the owner wrote (STORE-89, STORE-89a). Accounts that exist learn again in the background (STORE-87).

CREATE TABLE junk_sender (
    generation INTEGER NOT NULL,
    spam INTEGER NOT NULL,                                  -- 0: of ham, 1: of spam
    hash INTEGER NOT NULL,                                  -- of the address in From, as the words are hashed
    messages INTEGER NOT NULL,
    PRIMARY KEY (generation, spam, hash)
) STRICT, WITHOUT ROWID;

-- Messages whose `trained` is 0, but which the owner wrote: no words of theirs are learned.
CREATE TABLE junk_own (
    generation INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (generation, message_id)
) STRICT, WITHOUT ROWID;
