"""Mail from and to other IMAP servers: ``moxlite imap import`` and ``moxlite imap export`` (docs/spec/imap.md §16).

- `orders`: what is asked for, what is told meanwhile and in the end
- `names`: names of mailboxes there and here
- `listing`: the mailboxes of a server, and the messages of a mailbox
- `fetching`: messages of a server to items of an import
- `pull`: an import
- `push`: an export
- `commands`: both as commands of the control socket, with what they share: connections, and trying again
"""
