"""The octets of messages: on their way in, at rest, and read again.

- `spool`: a message while it comes, in memory or in an unlinked file
- `prepare`: all that is made of the octets before the unit that adds them: structure, header, chunks, hashes
- `chunks`, `body`: how bodies lie in the database, and reading any range of one
- `sound`: stored bodies that a new message shares

Rows of messages are added by `mail.adding`; MIME itself is `proto.mime`.
"""
