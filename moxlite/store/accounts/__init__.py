"""All accounts of a data directory, each opened whole, shared by its users and closed again.

- `accounts`: the registry: open, create, remove, adopt, close the idle
- `slots`, `opening`, `accountupkeep`: state of one account name; making and opening its files; upkeep of the open ones
- `opened`: an open account: its handle with text index and background tasks
- `tasks`: the supervisor of these tasks
- `rounds`: the nightly round over all accounts, and the check of files that were not closed
- `folders`: names of accounts, and their folders
- `scrubbing`, `shares`: checking all stored octets weekly; publishing to auth.db which accounts share mailboxes
- `access`, `crossing`: rights to mailboxes of other users; copying messages between accounts
- `gentestdata`: accounts with one of everything, for fixtures of upgrades

The work of a task on its account does not belong here: it is in `upkeep`, `junk` and `search`.
"""
