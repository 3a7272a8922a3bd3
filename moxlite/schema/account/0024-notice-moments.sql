-- A message that comes back is told of again (WEBMAIL-125): its id is an old one, so devices also have the moment of their last notice.

-- µs UTC: mail received until then was told of, or passed over.
ALTER TABLE notice_device ADD COLUMN told_at INTEGER NOT NULL DEFAULT 0;
UPDATE notice_device SET told_at = unixepoch() * 1000000;
