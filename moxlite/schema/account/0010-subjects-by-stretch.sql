-- Subjects are in no order that messages are changed in: a change of many wrote nearly the whole index with each commit.
-- Stretches of ids have each a part of it (STORE-20, STORE-79).
DROP INDEX message_subject;
CREATE INDEX message_subject ON message (id >> 14, subject_base, received) WHERE subject_base <> '';
