"""What has happened in an account, and telling it.

- `unit`: the transaction of a change: its modseq, its events, what it owes to other files
- `bus`: the events of committed units, and a cursor for each subscriber
- `catchup`: the same from the change log, for a subscriber that comes late
- `account`: the handle by which all other rooms read, write and subscribe

An account with its text index and background tasks is `accounts.opened`.
"""
