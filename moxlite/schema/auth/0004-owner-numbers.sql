-- Numbers of accounts that have shared mailboxes: the webmail makes ids of them that no two accounts have in common
-- (WEBMAIL-62). A number is never given twice.
CREATE TABLE owner_number (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO owner_number (owner) SELECT DISTINCT owner FROM shared ORDER BY owner;
