"""Importing mail from files (docs/spec/store.md §11).

- `items`: the order of an import, and the items that a source yields
- `tarstream`, `zipmembers`: members of archives, as streams
- `folders`, `labels`: names of files and labels of Google to names of mailboxes
- `sources`: a file or archive to messages
- `reading`: messages to batches, in a worker thread
- `finish`: the unit in which all messages of an import appear
- `progress`: the state of an import, and its listeners, which may join late
- `upload`: the octets of an upload as a file
- `adding`: one import from its beginning to its end
- `takeback`: the messages of an import removed again
- `engine`: the running imports of a server, and their results

Staged messages, which no session sees before the final unit, do not belong here: they are in `mail.staging`.
"""
