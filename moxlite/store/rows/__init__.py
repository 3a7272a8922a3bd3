"""Reading the rows of an account as values; only `mailboxes.learn_spellings` writes.

- `mailboxes`: the account and its mailboxes; names of flags and keywords, and the column of keywords
- `messages`: message rows, and data stored beside them
- `conditions`: messages that meet the condition of a search
- `sorting`: sort and thread keys of messages, and any columns of many messages
- `views`: pages of messages in the order of a list; the messages of a thread

All functions take a `Reader`, for `Account.read` and `Account.scan`. Reading the octets of messages does not belong
here, but in `content`; the rows for FETCH also include removed messages, and are read by `mail.fetching`.
"""
