-- Ids of messages and bodies are counted in `state`, which each message changes anyway, and no more in sqlite_sequence; missing references of an
-- email are found by its row in message_header, in place of an index.

-- The highest ids given out: none comes again (STORE-20).
ALTER TABLE state ADD COLUMN last_message_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN last_body_id INTEGER NOT NULL DEFAULT 0;
UPDATE state SET last_message_id = max(
    (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message'),
    (SELECT coalesce(max(id), 0) FROM message),
    (SELECT coalesce(max(message_id), 0) FROM expunged)
), last_body_id = max(
    (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'body'),
    (SELECT coalesce(max(id), 0) FROM body)
);

-- JSON: references that the email's rows in thread_missing may have; NULL: it has none.
ALTER TABLE message_header ADD COLUMN missing TEXT;
UPDATE message_header SET missing = t.missing
FROM (SELECT email_id, json_group_array(reference) AS missing FROM thread_missing GROUP BY email_id) t
WHERE t.email_id = message_header.email_id;
DROP INDEX thread_missing_email;

-- Pages of a table do not depend on the word, so that no row is written anew (https://www.sqlite.org/lang_altertable.html §7). Other connections
-- read the schema again, as the statements above have changed its number; RESET has this one do so.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'id INTEGER PRIMARY KEY AUTOINCREMENT', 'id INTEGER PRIMARY KEY')
WHERE type = 'table' AND name IN ('message', 'body');
PRAGMA writable_schema = RESET;
DELETE FROM sqlite_sequence WHERE name IN ('message', 'body');
