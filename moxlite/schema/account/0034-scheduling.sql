-- Scheduling (docs/spec/dav.md §6). `tag`: modseq of the last change of an entry that matters to the people whom it is scheduled with, NULL for an
-- entry without them. `inbox`: the collection holds messages about events, and is no calendar. An older calendar of a name that the server
-- takes now gets another.
ALTER TABLE resource ADD COLUMN tag INTEGER;
ALTER TABLE collection ADD COLUMN inbox INTEGER NOT NULL DEFAULT 0;
UPDATE collection SET name = name || '-' || id WHERE kind = 'calendar' AND name IN ('inbox', 'outbox');
CREATE INDEX resource_uid ON resource (uid);
