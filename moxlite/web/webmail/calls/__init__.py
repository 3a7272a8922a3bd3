"""The calls of the webmail by subject; `web.webmail.api` puts them together. What they do to mail is done by the
store."""
