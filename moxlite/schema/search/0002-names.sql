-- The text of a message has the names of its parts now. Texts from before get them in the background, the newest first (STORE-112b).
ALTER TABLE state ADD COLUMN unnamed INTEGER NOT NULL DEFAULT 0;  -- texts up to this id may lack names; 0: none
UPDATE state SET unnamed = watermark;
