-- The createseq of an entry's first making, where its id has come again since or has moved to another collection: who learned of it then is told
-- that it's gone (JMAP-60). NULL: that of the row.
ALTER TABLE resource ADD COLUMN firstseq INTEGER;
ALTER TABLE resource_gone ADD COLUMN firstseq INTEGER;
