-- Calls of the web apps that make or send something, by the ids that their callers chose, for a day (WEB-61b): a repetition gets the first
-- answer.
CREATE TABLE kept_answer (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,               -- SHA-256 of the app, the actor and the id
    account TEXT NOT NULL,                  -- the actor: account, "(admin)" or "(token NAME)"
    begun INTEGER NOT NULL,                 -- µs UTC
    request BLOB NOT NULL,                  -- SHA-256 of the call with its parameters
    result BLOB                             -- JSON; NULL: the call runs, was cut off by the end of the server, or its result is a secret
) STRICT;
CREATE INDEX kept_answer_account ON kept_answer (account, id);
CREATE INDEX kept_answer_begun ON kept_answer (begun);
