-- Whether a delegate may also read and change all mailboxes, calendars and address books, as long as the right lasts.
ALTER TABLE delegate ADD COLUMN whole INTEGER NOT NULL DEFAULT 0 CHECK (whole IN (0, 1));
