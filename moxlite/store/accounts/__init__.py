"""All accounts of a data directory.

- `accounts`: opened on demand, shared by their users, closed when idle; created, renamed, removed
- `opened`, `tasks`: an open account with its text index and its background tasks
- `folders`: where its files are
- `rounds`, `scrubbing`, `shares`: what is done with all of them, one after the other
- `gentestdata`: accounts with something of everything

The handle that lower rooms take is `changelog.account`.
"""
