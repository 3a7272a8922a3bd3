-- Sessions of the account app that the webmail has handed on: one log-in for both (WEB-51a, STORE-105c).
ALTER TABLE session ADD COLUMN parent INTEGER REFERENCES session ON DELETE CASCADE;  -- of the webmail; NULL: a log-in of its own
ALTER TABLE session ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;  -- when the user logged in; 0: handed on from a device that stays logged in
UPDATE session SET proven = created;
CREATE INDEX session_parent ON session (parent) WHERE parent IS NOT NULL;
