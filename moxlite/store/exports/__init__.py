"""Exporting mail to files (docs/spec/store.md §12).

- `items`: the order of an export; file names for mailboxes
- `containers`: tar, tar.gz and zip files, or a file by itself, as streams; the zip file
- `engine`: messages of a snapshot, in their file format; a whole export

Formats of files do not belong here: they are in `proto` (`mbox`, `maildir`, `tar`). A whole account as one file is
`backup.restore`.
"""
