"""Octets of messages on their way into an account and out of it (STORE-7, STORE-180 to STORE-182).

- `spool`: octets that are being received
- `spoolspace`, `octetlimiter`: bounds for disk space of spools, and for octets prepared at once
- `header`: the header section of a spool
- `prepare`: everything derived from a message before the unit that adds it
- `chunks`: bodies cut, compressed and checked
- `body`: reading messages, by range
- `sound`: checking a stored body that a new message is to share
- `uploads`: attachments of messages that are being written

The rows of a message are not written here but in `mail.adding`; MIME itself is `proto.mime`.
"""
