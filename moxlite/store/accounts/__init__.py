"""All accounts of a data directory, each opened whole, shared by its users and closed again.

- `accounts`: the registry: open, create, remove, adopt, close the idle
- `opened`: an open account: its handle with text index and background tasks
- `tasks`: these tasks, run and kept running
- `rounds`: what is done with all accounts one after the other, as each night
- `folders`: names of accounts, and their folders
- `scrubbing`, `shares`: reading all octets again from time to time; who shares mailboxes with whom, for auth.db
- `access`, `crossing`: what users may do with mailboxes of each other; messages that go from one account to another
- `gentestdata`: an account with one of everything, for fixtures of upgrades

What a task does with its account is in `upkeep`, `junk` and `search`.
"""
