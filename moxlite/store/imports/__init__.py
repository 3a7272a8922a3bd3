"""Importing mail from files (docs/spec/store.md §11).

- `items`: the order of an import, the items that a source yields, the state of an import for listeners, uploads as
  files
- `archives`: members of archives, as streams
- `forms`: names of files in archives to kinds of files, and names of mailboxes
- `sources`: a file or archive to messages
- `reading`: messages to batches, in a worker thread; labels of Google to mailboxes
- `adding`: a whole import, with the unit in which all its messages appear
- `engine`: a server's running imports, their results, and undoing one

Staged messages, which no session sees before the import ends, do not belong here: they are in `mail.staging`.
"""
