-- Log-in attempts name the app password that was used (STORE-191, SMTP-165): its name, '' for the account's own.
ALTER TABLE login_attempt ADD COLUMN app_password TEXT NOT NULL DEFAULT '';
