-- What the text of a failure was made of, as JSON, so that a page can say it in its language; '' for a text as it is.
ALTER TABLE sieve_failure ADD COLUMN words TEXT NOT NULL DEFAULT '';
