-- What SMTP asks of a sender, however much mail there is of a large provider: the history of one address (STORE-92) went
-- through all judged mail of its domain, and when one wrote to a domain (STORE-95) through all its recipients. What came
-- lately (STORE-93) is counted in the index alone.
CREATE INDEX message_smtp_mailfrom_address ON message_smtp (mailfrom_domain, mailfrom, received) WHERE verdict IS NOT NULL;
CREATE INDEX message_smtp_msgfrom_address ON message_smtp (msgfrom_domain, msgfrom, received) WHERE verdict IS NOT NULL;
DROP INDEX message_smtp_received;
CREATE INDEX message_smtp_received ON message_smtp (received, ip1, ip2, ip3, size);
DROP INDEX recipient_address;
CREATE INDEX recipient_address ON recipient (domain, localpart, sent);
DROP INDEX recipient_orgdomain;
CREATE INDEX recipient_orgdomain ON recipient (orgdomain, sent);
CREATE INDEX recipient_domain ON recipient (domain, sent);
