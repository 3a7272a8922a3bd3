-- rewrites tables
-- Each table and index that a delivery changes costs a page in the log. What listings read is one row now; what is long or rarely read is another.
-- Signatures serve the history of judged mail (STORE-92), so those of other mail are in no index.
CREATE TABLE message_info_new (
    email_id INTEGER PRIMARY KEY,
    envelope BLOB NOT NULL,                                 -- ENVELOPE and BODYSTRUCTURE as IMAP sends them
    bodystructure BLOB NOT NULL,
    structure BLOB NOT NULL,
    preview TEXT,                                           -- NULL: not made yet (STORE-58)
    prefix BLOB NOT NULL,
    tls_version TEXT NOT NULL DEFAULT '',
    tls_cipher TEXT NOT NULL DEFAULT '',
    requiretls INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE message_header_new (
    email_id INTEGER PRIMARY KEY,
    why BLOB CHECK (length(why) <= 2048),                   -- why the message is where it is (ADMIN-77), msgpack (moxlite.acceptance.why)
    header BLOB NOT NULL                                    -- the header section, at most 64 KiB of it
) STRICT;

-- Only a damaged file has no wire forms of a message: they are made anew (STORE-148).
UPDATE state SET parse_version = 0
WHERE EXISTS (SELECT 1 FROM message_info WHERE email_id NOT IN (SELECT email_id FROM message_wire));

INSERT INTO message_info_new (email_id, envelope, bodystructure, structure, preview, prefix, tls_version, tls_cipher, requiretls)
SELECT i.email_id, coalesce(w.envelope, CAST('(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)' AS BLOB)),
coalesce(w.bodystructure, CAST('("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0)' AS BLOB)), i.structure, i.preview, i.prefix, i.tls_version, i.tls_cipher,
i.requiretls
FROM message_info i LEFT JOIN message_wire w ON w.email_id = i.email_id ORDER BY i.email_id;
INSERT INTO message_header_new (email_id, why, header) SELECT h.email_id, y.why, h.header
FROM message_header h LEFT JOIN message_why y ON y.email_id = h.email_id ORDER BY h.email_id;
DROP TABLE message_info;
DROP TABLE message_wire;
DROP TABLE message_header;
DROP TABLE message_why;
ALTER TABLE message_header_new RENAME TO message_header;
ALTER TABLE message_info_new RENAME TO message_info;

ALTER TABLE message_smtp ADD COLUMN dkim TEXT NOT NULL DEFAULT '[]'; -- JSON: domains with a passing signature
UPDATE message_smtp SET dkim = d.domains
FROM (SELECT message_id, json_group_array(domain ORDER BY domain) AS domains FROM message_dkim GROUP BY message_id) d
WHERE d.message_id = message_smtp.message_id;
DROP INDEX message_dkim_message;
DELETE FROM message_dkim;
INSERT INTO message_dkim (domain, received, message_id) SELECT j.value, s.received, s.message_id FROM message_smtp s CROSS JOIN json_each(s.dkim) j
WHERE s.verdict IS NOT NULL ORDER BY 1, 2, 3;

-- message_dkim has the signatures of judged mail, as the other indices of message_smtp have its senders.
CREATE TRIGGER message_smtp_new AFTER INSERT ON message_smtp WHEN NEW.verdict IS NOT NULL BEGIN
    INSERT INTO message_dkim (domain, received, message_id) SELECT value, NEW.received, NEW.message_id FROM json_each(NEW.dkim);
END;
CREATE TRIGGER message_smtp_judged AFTER UPDATE OF verdict ON message_smtp WHEN OLD.verdict IS NULL AND NEW.verdict IS NOT NULL BEGIN
    INSERT INTO message_dkim (domain, received, message_id) SELECT value, NEW.received, NEW.message_id FROM json_each(NEW.dkim);
END;
CREATE TRIGGER message_smtp_unjudged AFTER UPDATE OF verdict ON message_smtp WHEN OLD.verdict IS NOT NULL AND NEW.verdict IS NULL BEGIN
    DELETE FROM message_dkim
    WHERE domain IN (SELECT value FROM json_each(OLD.dkim)) AND received = OLD.received AND message_id = OLD.message_id;
END;
CREATE TRIGGER message_smtp_gone AFTER DELETE ON message_smtp WHEN OLD.verdict IS NOT NULL BEGIN
    DELETE FROM message_dkim
    WHERE domain IN (SELECT value FROM json_each(OLD.dkim)) AND received = OLD.received AND message_id = OLD.message_id;
END;
