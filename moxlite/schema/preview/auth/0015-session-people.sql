-- Whose log-in at the provider began a session (WEB-183): '' without one, NULL where it began before this was kept.
ALTER TABLE session ADD COLUMN subject TEXT;
