"""Mail from other servers and files, and to them.

- `pull`, `push`: the mailboxes of another IMAP server into an account, and the other way
- `listing`, `fetching`, `names`: reading that server's mailboxes, its messages, and its names of mailboxes
- `mailcopies`: ``moxlite import`` and ``export``: maildir, mbox and archives, with or without a server
- `links`: mailboxes at other providers, mirrored both ways; `mirror` is a connected one, `incoming` what
  comes, `upstream` what goes; `linkstate`: what a page shows of it
- `copies`: running copies by IMAP, one of an account at a time; `background`: those that the account app starts
- `commands`: all of that on the control socket

Not here: the formats are in `proto`, the IMAP client in `net.imapclient`; adding messages to an account, and reading
them out of it, is `store.imports` and `store.exports`. Backups are `store.backup`.
"""
