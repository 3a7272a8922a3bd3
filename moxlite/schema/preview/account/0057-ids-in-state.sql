-- Ids are counted in `state`, and missing references of an email are found by its header's row.
ALTER TABLE state ADD COLUMN last_message_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN last_body_id INTEGER NOT NULL DEFAULT 0;
UPDATE state SET last_message_id = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'message'), 0),
last_body_id = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'body'), 0);
ALTER TABLE message_header ADD COLUMN missing TEXT;
UPDATE message_header SET missing = t.missing
FROM (SELECT email_id, json_group_array(reference) AS missing FROM thread_missing GROUP BY email_id) t
WHERE t.email_id = message_header.email_id;
