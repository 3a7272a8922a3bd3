-- Secret links of calendars (DAV-42): those who have the address read the calendar.
CREATE TABLE calendar_link (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    token_hash BLOB NOT NULL UNIQUE,                        -- SHA-256
    busy INTEGER NOT NULL,                                  -- 1: tells when the owner is busy, and no more
    note TEXT NOT NULL,
    made INTEGER NOT NULL                                   -- µs UTC
) STRICT;
