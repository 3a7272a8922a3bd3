"""SEARCH, SORT, THREAD and ESEARCH in several mailboxes.

- `search`, `sort`, `multisearch`: the commands; `results`: ESEARCH responses in any order
- `searchkeys`: which part of a program rows decide, and which needs the message
- `searchindex`: what the account's text index leaves to be looked into

Search programs as values are `proto.imap.search`, conditions on rows `store.rows.conditions`, the index itself is
`store.search`. Which mailboxes a search means is `mailboxes.sources`.
"""
