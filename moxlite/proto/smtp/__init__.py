"""SMTP without I/O (RFC 5321): `server` and `client` are the two codecs, the other modules what they are made of."""
