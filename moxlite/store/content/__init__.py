"""Octets of messages on their way into an account and out of it (STORE-7, STORE-180 to STORE-182).

- `spool`: octets that are being received, the header section of a spool, and bounds for the disk space of all spools
- `prepare`: everything derived from a message before the unit that adds it; a bound for the octets prepared at once
- `body`: bodies cut, compressed and checked; reading messages, by range
- `uploads`: files attached to messages that are being written

The rows of a message are not written here but in `mail.adding`; MIME itself is `proto.mime`.
"""
