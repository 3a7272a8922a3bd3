-- The form of a DSN that leaves is chosen when it is made (QUEUE-104): no second one waits beside it.
ALTER TABLE msg DROP COLUMN dsn_utf8;
