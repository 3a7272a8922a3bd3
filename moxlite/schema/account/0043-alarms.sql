-- Alarms of calendar entries (docs/spec/dav.md). `alarm` has each entry of the user's own calendars with an alarm that may still come. The migration
-- leaves out what would have come before it.
CREATE TABLE alarm (
    resource_id INTEGER PRIMARY KEY,
    since INTEGER NOT NULL,                                 -- µs UTC up to which its alarms are done
    due INTEGER NOT NULL                                    -- µs UTC of the next one, 0: it is to be found
) STRICT;
CREATE INDEX alarm_due ON alarm (due);
INSERT INTO alarm (resource_id, since, due)
SELECT r.id, CAST(strftime('%s', 'now') AS INTEGER) * 1000000, 0
FROM resource r JOIN collection c ON c.id = r.collection_id JOIN resource_data d ON d.resource_id = r.id
WHERE r.component IN ('VEVENT', 'VTODO') AND NOT c.inbox AND instr(d.data, CAST('BEGIN:VALARM' AS BLOB)) > 0
AND c.id NOT IN (SELECT collection_id FROM calendar_subscription);

-- Alarms that came, for devices that are to be told of them, and for the limits of an hour.
CREATE TABLE alarm_notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rung INTEGER NOT NULL,                                  -- µs UTC
    mailed INTEGER NOT NULL,                                -- it was a mail, no notice
    resource_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    place TEXT NOT NULL,
    starts INTEGER,                                         -- seconds UTC, NULL for an entry without a time
    day TEXT NOT NULL                                       -- of an entry of whole days, as YYYY-MM-DD, else ''
) STRICT;
CREATE INDEX alarm_notice_rung ON alarm_notice (rung);
ALTER TABLE notice_device ADD COLUMN alarmed INTEGER NOT NULL DEFAULT 0;    -- the last alarm_notice that it was told of
ALTER TABLE notice_choice ADD COLUMN alarms TEXT NOT NULL DEFAULT 'all' CHECK (alarms IN ('all', 'notices', 'none'));
