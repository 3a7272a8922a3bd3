-- The text of a message leaves out long words in the source of HTML now. Texts from before are replaced in the background, the newest first
-- (STORE-112b).
ALTER TABLE state RENAME COLUMN unnamed TO outdated;        -- texts up to this id may be from before; 0: none
UPDATE state SET outdated = watermark;
