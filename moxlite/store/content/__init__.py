"""The octets of messages, on their way into an account and out of it (STORE-7, STORE-180 to STORE-182).

- `spool`: octets that are being received
- `prepare`: all that is made of a message before the unit that adds it
- `chunks`: how bodies are cut, compressed and checked
- `body`: reading them again, by range
- `sound`: looking at a stored body that a new message is to share

Which rows a message has is not decided here but in `mail.adding`; MIME itself is `proto.mime`.
"""
