-- All messages of a From address, judged or not, so that a reader sees how many there were before (WEBMAIL-77a).
-- With the verdict, the judged ones are found by the index alone (STORE-92).
DROP INDEX message_smtp_msgfrom_address;
CREATE INDEX message_smtp_msgfrom_address ON message_smtp (msgfrom_domain, msgfrom, received, verdict);
