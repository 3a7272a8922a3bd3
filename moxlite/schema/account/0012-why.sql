-- Why a message is where it is (ADMIN-77): facts, proposals and plan of its delivery. Copies share the row, and it goes with the content.
CREATE TABLE message_why (
    email_id INTEGER PRIMARY KEY,
    why BLOB NOT NULL CHECK (length(why) <= 2048)           -- msgpack (moxlite.acceptance.why)
) STRICT;
