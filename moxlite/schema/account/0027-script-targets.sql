-- Addresses of `redirect` need the agreement of their owners, as those of `forward_to` do (SMTP-160a). Those that the active script names
-- count as agreed: the Python step (store.file.steps) adds them, with 0 for the time of the question. `named`: µs UTC, when a script
-- that ran last named the address and found no agreement; NULL for never.
ALTER TABLE forward_target ADD COLUMN named INTEGER;
