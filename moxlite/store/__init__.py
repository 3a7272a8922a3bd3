"""The store: all that is kept of accounts, in SQLite files (docs/spec/store.md).

Sub-rooms, each of which imports only those below it; a contract in pyproject.toml keeps the order:

- `recover`, `backup`: files as a whole, damaged or sound
- `imports`, `exports`: mail from and to archives
- `accounts`: all accounts of a data directory, opened and shared
- `upkeep`: what is done to an account without being asked
- `junk`, `search`, `auth`, `delivery`: four things done with mail and its owner, which do not know each other
- `mail`: mailboxes and messages change here; `content`: their octets
- `changelog`: what has changed, who is told, and the handle of an account
- `rows`: reading rows as values; `file`: one SQLite file

The words of all of them are `types`, `errors`, `options`, `names`, `junkflags`, `junkparams` and `metrics`. The store
knows no network, no configuration file and no protocol; the schemas are in `moxlite/schema`.
"""
