"""The store: all stored data of accounts, in SQLite files (docs/spec/store.md).

Subpackages, each of which imports only subpackages below it; a contract in pyproject.toml keeps the order:

- `recover`, `backup`: files as a whole, damaged or sound
- `imports`, `exports`: mail from and to archives
- `accounts`: all accounts of a data directory, opened and shared
- `upkeep`: maintenance and repair of an account
- `junk`, `search`, `auth`, `delivery`: junk filter, text index, authentication data, delivery; none imports another
- `mail`: changing mailboxes and messages; `content`: the octets of messages
- `changelog`: the log of changes, their subscribers, and the handle of an account
- `rows`: reading rows as values; `file`: one SQLite file

All of them use `types`, `errors`, `options`, `names`, `junkflags`, `junkparams` and `metrics`. Network, configuration
files and protocols do not belong here; the schemas are in `moxlite/schema`.
"""
