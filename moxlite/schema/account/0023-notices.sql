-- Devices that are told of new mail by Web Push, and for which mail (STORE-96c).

-- `public`, `secret`: keys of the browser; `session`: id of the web session that subscribed, 0: not known; `told`: the highest id of
-- messages that it was told of. µs UTC: `created`; `used`, the last notice that was taken, 0 for never; `failing`, the first failure since
-- then; `next`, before which it is not tried. `failures`: in a row; `error`: the last one in words.
CREATE TABLE notice_device (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint TEXT NOT NULL UNIQUE,
    public BLOB NOT NULL,
    secret BLOB NOT NULL,
    name TEXT NOT NULL,
    session INTEGER NOT NULL,
    told INTEGER NOT NULL,
    created INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    failing INTEGER NOT NULL DEFAULT 0,
    next INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX notice_device_session ON notice_device (session);

-- `known`: 1: only mail of people whom the account knows. Quiet hours: minutes since midnight in `zone`, the same for none.
CREATE TABLE notice_choice (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    known INTEGER NOT NULL,
    quiet_from INTEGER NOT NULL,
    quiet_until INTEGER NOT NULL,
    zone TEXT NOT NULL
) STRICT;
