-- Addresses that accounts and aliases have, or have had: none of them is given to a new person (WEB-186).
CREATE TABLE known_address (address TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
