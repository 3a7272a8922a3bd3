-- The messages with parts that may be files, for lists of these and searches by their names (STORE-110b). Messages from before are added in
-- the background, the newest first (STORE-112b).
CREATE TABLE file (
    message_id INTEGER PRIMARY KEY,
    names TEXT,                                             -- folded, one a line; NULL: look into the message itself
    beside INTEGER NOT NULL                                 -- 0: nothing but pictures in the text
) STRICT;
ALTER TABLE state ADD COLUMN unlisted INTEGER NOT NULL DEFAULT 0;  -- messages up to this id may lack a row; 0: none
UPDATE state SET unlisted = watermark;
