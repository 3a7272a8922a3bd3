-- Until when a row stays here, so that its unit may be taken back (WEBMAIL-123), µs UTC; 0: it goes at once, and cannot be taken back.
ALTER TABLE outbox ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
