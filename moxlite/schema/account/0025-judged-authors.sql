-- A sender's history reads judged messages alone, however many others there are (STORE-91). All of an author's messages have an index of
-- their own, by which a reader sees how many there were before (WEBMAIL-77a).
DROP INDEX message_smtp_msgfrom_address;
CREATE INDEX message_smtp_msgfrom_address ON message_smtp (msgfrom_domain, msgfrom, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_author ON message_smtp (msgfrom_domain, msgfrom, received);
