-- Messages that come back later (WEBMAIL-125): at `due`, µs UTC. `away_id`: the mailbox in which the message waits, and
-- `origin_id` the one to which it returns; both NULL: it stays where it is, and a copy comes to the Inbox unless the
-- message was answered by then. A row whose message is gone, or was taken elsewhere, ends without effect.
CREATE TABLE snooze (
    message_id INTEGER PRIMARY KEY,
    due INTEGER NOT NULL,
    created INTEGER NOT NULL,
    away_id INTEGER,
    origin_id INTEGER
) STRICT;
CREATE INDEX snooze_due ON snooze (due);
