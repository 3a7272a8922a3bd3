-- What the login provider has told of the sessions that it began (WEB-183).
CREATE TABLE provider_session (
    session INTEGER PRIMARY KEY REFERENCES session ON DELETE CASCADE,
    sid TEXT NOT NULL,                      -- the session there, which its log-out may name alone; '' if it has none
    id_token TEXT NOT NULL                  -- the hint for a log-out there; '' if it's too long for an address
) STRICT;
CREATE INDEX provider_session_sid ON provider_session (sid) WHERE sid <> '';
