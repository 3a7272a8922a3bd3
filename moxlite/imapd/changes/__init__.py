"""Commands that change messages of the selected mailbox: STORE, COPY, MOVE, EXPUNGE.

- `store`: flags and keywords; `copy`: COPY, MOVE, EXPUNGE
- `across`: between the files of two accounts
- `bulk`: many messages in slices, each a unit of its own

The units themselves are `store.mail`. What a command changed comes back over the change bus and is told by `telling`,
like the changes of others; APPEND and REPLACE are in `fetch`.
"""
