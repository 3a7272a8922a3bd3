"""One conversation with another server: the route, the connection, TLS and the SMTP session (QUEUE-30..74). The
schedule and what is recorded of an attempt are not here."""
