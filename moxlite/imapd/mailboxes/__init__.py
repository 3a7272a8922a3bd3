"""Commands on mailboxes as a whole.

- `select`: SELECT, EXAMINE, CLOSE, UNSELECT, with QRESYNC
- `listing`, `patterns`: LIST, LSUB, STATUS
- `mailboxes`: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE
- `acl`, `metadata`, `quota`: rights, annotations, space
- `notify`, `sources`: NOTIFY, and which mailboxes its groups (and those of ESEARCH) mean

Whose mailbox a name means is `session.place`; what the user may do there, `store.accounts.access`. Messages are changed
in `changes`, told of in `telling`.
"""
