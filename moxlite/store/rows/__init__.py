"""Rows of an account as values. Plain functions on a `Reader`: nothing is written.

- `mailboxes`, `messages`: one or many, by id, UID or modseq
- `views`: pages of a mailbox, newest first
- `conditions`: what a search asks of rows, composed into one query
- `sorting`: what messages are sorted and threaded by
- `keywords`: which flags are bits and which are names

Changes are in `mail`; octets of messages in `content`.
"""
