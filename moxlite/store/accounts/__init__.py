"""All accounts of a data directory, each opened whole, shared by its users and closed again.

- `accounts`: the registry: open, create, remove, adopt, close the idle; making and opening the files of an account
- `slots`: the state of each account name, places for accounts that are opened, upkeep of the open ones
- `opened`: an open account: its handle with text index and background tasks; the supervisor of these tasks
- `folders`: the folders of accounts
- `rounds`: the nightly round over all accounts, and opening accounts in time
- `scrubbing`: checking all stored octets weekly
- `access`: rights to mailboxes of other users; publishing to auth.db which accounts share mailboxes
- `crossing`: copying messages between accounts
- `gentestdata`: accounts for tests of upgrades

The work of a task on its account does not belong here: it is in `upkeep`, `junk` and `search`.
"""
