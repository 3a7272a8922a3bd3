"""The calls of the webmail by subject; `web.webmail.api` combines them. Operations on mail are in the store."""
