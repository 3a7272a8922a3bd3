-- A tombstone tells the id of what was removed, by which JMAP knows it (JMAP-60). NULL: removed by an older version.
ALTER TABLE resource_gone ADD COLUMN resource_id INTEGER;
