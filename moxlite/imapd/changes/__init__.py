"""Commands that change messages of the selected mailbox: STORE, COPY, MOVE, EXPUNGE.

- `store`: flags and keywords; `copy`: COPY, MOVE, EXPUNGE
- `copy`: between the files of two accounts
- `bulk`: many messages in slices, each a unit of its own

The transactions themselves are in `store.mail`. A command's own changes come back over the change bus, and `updates`
sends them like the changes of other sessions. APPEND and REPLACE do not belong here but in `fetch`.
"""
