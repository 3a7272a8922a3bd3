"""Importing mail from files (docs/spec/store.md §11).

- `items`: what a source yields, and what an import is asked for
- `tarstream`, `zipmembers`: members of archives, as streams
- `folders`, `labels`: names of files and labels of Google to names of mailboxes
- `sources`: a file or archive to messages
- `reading`: messages to batches, in a worker thread
- `finish`: the one unit in which they appear
- `progress`: what listeners are told, and may join late
- `upload`: the octets of an upload as a file
- `adding`: one import from its beginning to its end
- `engine`: the imports of a server: which run, and how each ended

Until then its messages lie in the account where no session sees them (`mail.staging`).
"""
