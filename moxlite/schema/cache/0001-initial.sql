-- cache.db: what is known of others, and can be asked for again. Times are µs UTC.

-- MTA-STS policies of recipients' domains (docs/spec/queue.md §10).
CREATE TABLE sts_policy (
    domain TEXT PRIMARY KEY,            -- A-labels
    inserted INTEGER NOT NULL,
    valid_end INTEGER NOT NULL,         -- when the policy ends; of a failed fetch, when it is made again
    last_update INTEGER NOT NULL,       -- when it was last confirmed
    last_use INTEGER NOT NULL,          -- to the day
    backoff INTEGER NOT NULL,           -- no fetch before this time; 0 after one that went well
    failure TEXT NOT NULL,              -- why the last fetch failed (RFC 8460 §4.3), '' if it did not
    record_id TEXT NOT NULL,            -- of the TXT record under which it was fetched
    mode TEXT NOT NULL,                 -- enforce, testing, none; '' without a policy
    max_age INTEGER NOT NULL,           -- seconds
    mx TEXT NOT NULL                    -- patterns, JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX sts_policy_use ON sts_policy (last_use);
CREATE INDEX sts_policy_update ON sts_policy (last_update);
