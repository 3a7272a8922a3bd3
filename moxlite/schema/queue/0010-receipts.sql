-- What the web API answered to a submission with this key, so that a repeated call gets the same answer (WEB-154).
ALTER TABLE unit_key ADD COLUMN note BLOB NOT NULL DEFAULT x'';
