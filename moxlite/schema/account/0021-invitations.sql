-- Invitations that were shown (STORE-96b): the newest version of each event, by UID and RECURRENCE-ID ("" for all of a repeated one), and
-- the user's answer. `message_id`: the message with that version; `answer`: yes, no, maybe, "" for none; `answered`: the sequence number
-- that it was given to; `seen`: µs UTC.
CREATE TABLE invitation (
    uid TEXT NOT NULL,
    recurrence TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    organizer TEXT NOT NULL,
    cancelled INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    answer TEXT NOT NULL DEFAULT '',
    answered INTEGER NOT NULL DEFAULT 0,
    seen INTEGER NOT NULL,
    PRIMARY KEY (uid, recurrence)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitation_seen ON invitation (seen);
