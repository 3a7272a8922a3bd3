-- The recipients of a submission about which its sender must still be told: each attempt asks for them.
CREATE INDEX msg_owed ON msg (content_id) WHERE dsn_due <> '';
