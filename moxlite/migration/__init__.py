"""Mail comes from other servers and files, and goes there.

- `pull`, `push`: the mailboxes of another IMAP server into an account, and the other way
- `listing`, `fetching`, `names`: what that server has, its messages as items of an import, its names of mailboxes
- `mailcopies`: ``moxlite import`` and ``export``: maildir, mbox and archives, with or without a server
- `orders`: what a copy is asked for; light, since the command line loads it
- `commands`: all of that on the control socket

The formats are in `proto`, the IMAP client in `net.imapclient`; adding messages to an account, and reading them out of
it, is `store.imports` and `store.exports`. Backups are `store.backup`.
"""
