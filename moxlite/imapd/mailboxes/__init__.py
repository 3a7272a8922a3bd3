"""Commands on mailboxes as a whole.

- `select`: SELECT, EXAMINE, CLOSE, UNSELECT, with QRESYNC
- `listing`, `patterns`: LIST, LSUB, STATUS
- `mailboxes`: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE
- `acl`, `metadata`, `quota`: rights, annotations, space
- `notify`, `sources`: NOTIFY, and which mailboxes its groups (and those of ESEARCH) mean

Whose mailbox a name means, and what the user may do there, is `session.place` and `session.rights`. Messages are
changed in `changes`, told of in `telling`.
"""
