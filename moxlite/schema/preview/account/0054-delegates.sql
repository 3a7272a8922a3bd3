-- Who else may write from the account's addresses (SMTP-189). A right of its own: the letters in `acl` never give it.
CREATE TABLE delegate (
    guest TEXT PRIMARY KEY,                                 -- name of an account
    sends TEXT NOT NULL CHECK (sends IN ('as', 'behalf')),  -- as the owner, or with a Sender field of the guest's
    ends INTEGER NOT NULL                                   -- µs UTC; 0: never
) STRICT, WITHOUT ROWID;
-- The account that has sent it: '' for the owner, else a delegate, who sees no submissions of others.
ALTER TABLE jmap_submission ADD COLUMN author TEXT NOT NULL DEFAULT '';
