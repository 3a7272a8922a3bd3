-- rewrites tables
-- Copies share what does not change (docs/decisions/006-shared-content.md): what lies beside a message is kept once, by its email_id.
-- Where a message stands in its thread is its own: it goes into its row.
ALTER TABLE message ADD COLUMN thread_parents BLOB NOT NULL DEFAULT x'90'; -- msgpack array of message ids, nearest first
UPDATE message SET thread_parents = i.thread_parents FROM message_info i
WHERE i.message_id = message.id AND i.thread_parents <> x'90';
ALTER TABLE message_info DROP COLUMN thread_parents;

-- The copies of a message. Mail that was never copied is not in it.
CREATE INDEX message_copy ON message (email_id) WHERE email_id <> id;

-- These four stay until neither a message nor a tombstone with content has the email_id (STORE-25).
ALTER TABLE message_info RENAME COLUMN message_id TO email_id;
ALTER TABLE message_wire RENAME COLUMN message_id TO email_id;
ALTER TABLE message_header RENAME COLUMN message_id TO email_id;
ALTER TABLE thread_missing RENAME COLUMN message_id TO email_id;
DROP INDEX thread_missing_message;
CREATE INDEX thread_missing_email ON thread_missing (email_id);

-- Where the row of the first message is gone, that of one of its copies takes its place; those of the others go.
UPDATE OR IGNORE message_info SET email_id = (SELECT m.email_id FROM message m WHERE m.id = message_info.email_id)
WHERE email_id IN (SELECT id FROM message WHERE email_id <> id);
DELETE FROM message_info WHERE email_id IN (SELECT id FROM message WHERE email_id <> id);
UPDATE OR IGNORE message_wire SET email_id = (SELECT m.email_id FROM message m WHERE m.id = message_wire.email_id)
WHERE email_id IN (SELECT id FROM message WHERE email_id <> id);
DELETE FROM message_wire WHERE email_id IN (SELECT id FROM message WHERE email_id <> id);
UPDATE OR IGNORE message_header SET email_id = (SELECT m.email_id FROM message m WHERE m.id = message_header.email_id)
WHERE email_id IN (SELECT id FROM message WHERE email_id <> id);
DELETE FROM message_header WHERE email_id IN (SELECT id FROM message WHERE email_id <> id);
UPDATE OR IGNORE thread_missing SET email_id = (SELECT m.email_id FROM message m WHERE m.id = thread_missing.email_id)
WHERE email_id IN (SELECT id FROM message WHERE email_id <> id);
DELETE FROM thread_missing WHERE email_id IN (SELECT id FROM message WHERE email_id <> id);

-- Of a message that was moved, the row tells its email_id. One that is gone keeps the content that it has had for itself.
CREATE TABLE erase_queue_new (
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    email_id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,                                -- of the removal
    expunged_at INTEGER NOT NULL,
    trained INTEGER,                                        -- as message.trained; NULL for a moved message, whose row carries it on
    PRIMARY KEY (mailbox_id, uid)
) STRICT, WITHOUT ROWID;
INSERT INTO erase_queue_new (mailbox_id, uid, message_id, email_id, modseq, expunged_at, trained)
SELECT q.mailbox_id, q.uid, q.message_id, coalesce(m.email_id, q.message_id), q.modseq, q.expunged_at, q.trained
FROM erase_queue q LEFT JOIN message m ON m.id = q.message_id;
DROP TABLE erase_queue;
ALTER TABLE erase_queue_new RENAME TO erase_queue;
CREATE INDEX erase_queue_modseq ON erase_queue (modseq);
CREATE INDEX erase_queue_message ON erase_queue (message_id);
CREATE INDEX erase_queue_copy ON erase_queue (email_id) WHERE email_id <> message_id;
CREATE INDEX erase_queue_training ON erase_queue (message_id) WHERE trained IS NOT NULL;
