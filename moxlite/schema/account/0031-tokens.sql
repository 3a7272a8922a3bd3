-- Access tokens (JMAP-2a) are rows of app_password. The SHA-256 of a token is all that is kept: its secrets are empty.
ALTER TABLE app_password ADD COLUMN token BLOB;                -- NULL: an app password
CREATE UNIQUE INDEX app_password_token ON app_password (token) WHERE token IS NOT NULL;
