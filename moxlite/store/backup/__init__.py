"""Backups of a data directory, and restoring them (docs/spec/store.md §13).

- `layout`: what of a data directory and a configuration is copied
- `copying`, `restore`: one database as it is at one moment, while it goes on; a copy that is a data directory itself,
  and back; mail of one account out of a backup into a running server; one account as one file
- `repository`: snapshots that share what they have in common: `blocks`, `packs`, `keys`; `storage` is where they are
- `verify`: whether a backup, or a stopped server's directory, is sound
- `preview`: data of versions before 0.1.0

When backups are made is for `moxlite.admin`. A backup knows files and accounts, not what is in messages.
"""
