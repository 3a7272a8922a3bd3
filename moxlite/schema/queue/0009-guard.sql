-- The guard against accounts that strangers send with (SMTP-170).
ALTER TABLE msg ADD COLUMN guarded INTEGER NOT NULL DEFAULT 0;  -- 1: the guard holds it, until its account is released
CREATE INDEX msg_guarded ON msg (account) WHERE guarded = 1;

-- What each account sends, in minutes since 1970; kept for a day.
CREATE TABLE sending (
    account TEXT NOT NULL,
    minute INTEGER NOT NULL,
    recipients INTEGER NOT NULL,        -- of the messages that it handed in
    failed INTEGER NOT NULL,            -- recipients that were refused for good
    PRIMARY KEY (account, minute)
) STRICT, WITHOUT ROWID;

-- From where each account has sent lately; kept for a day.
CREATE TABLE sending_from (
    account TEXT NOT NULL,
    network TEXT NOT NULL,              -- empty: loopback, private and other addresses without a network to count
    address TEXT NOT NULL,              -- the latest of that network
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (account, network)
) STRICT, WITHOUT ROWID;

-- Accounts whose sending is stopped, and those that were released, for what was queued before.
CREATE TABLE stop (
    account TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    sign TEXT NOT NULL,                 -- failures, networks, recipients
    why TEXT NOT NULL,                  -- for people
    told INTEGER NOT NULL,              -- 1: the administrator and the user have mail about it
    released INTEGER                    -- NULL: it is stopped
) STRICT, WITHOUT ROWID;
