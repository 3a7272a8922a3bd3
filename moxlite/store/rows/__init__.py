"""Reading the rows of an account as values; nothing is written here.

- `mailboxes`: the account and its mailboxes
- `messages`: message rows, and what lies beside them
- `conditions`: which messages meet the condition of a search
- `sorting`: what messages are sorted and threaded by, and any columns of many
- `views`: pages of messages in the order of a list
- `keywords`: the column of keywords, to names and back

All functions take a `Reader`, for `Account.read` and `Account.scan`. The octets of messages are read by `content`; the
rows that FETCH shows also hold removed messages, and are read by `mail.fetching`.
"""
