-- The author of each version of an invitation (STORE-96b): the From address of its message, "" for one that has not just one and for
-- versions of before; `proven`: 1 if the From domain was validated.
ALTER TABLE invitation ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE invitation ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
