"""SEARCH, SORT, THREAD and ESEARCH in several mailboxes.

- `search`, `sort`: the commands, ESEARCH among them; `results`: ESEARCH responses in any order
- `searchkeys`: a search program split into a condition on rows, and a test of messages
- `searchindex`: messages to test, narrowed down by the account's text index

These do not belong here: search programs as values (`proto.imap.search`), conditions on rows (`store.rows.conditions`),
the index itself (`store.search`), and the mailboxes that a search means (`mailboxes.notify`).
"""
