"""Commands on mailboxes as a whole.

- `select`: SELECT, EXAMINE, CLOSE, UNSELECT, with QRESYNC
- `listing`: LIST, LSUB, STATUS
- `mailboxes`: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, and QUOTA
- `acl`, `metadata`: rights, annotations
- `notify`: NOTIFY, and the mailboxes that event groups and ESEARCH's source options mean

The account behind a mailbox name is found by `session.place`, the user's rights by `store.accounts.access`. Changes of
messages (`changes`) and their responses (`updates`) do not belong here.
"""
