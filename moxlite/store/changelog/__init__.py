"""Change log of an account, and the account's handle (STORE-23, STORE-30 to STORE-38).

- `account`: `Account`, with which all packages above read, write and subscribe
- `unit`: the transaction of a unit, which takes a modseq and emits events
- `bus`: the change bus: the end of the log in memory, and the cursors of subscribers; units that a subscriber made
  itself
- `catchup`: the log itself, read from the database for subscribers that are far behind

The log doesn't have its own table. It consists of the modseqs of existing rows and the tombstones of removed ones.
Operations on mailboxes and messages are not here but in `mail`; an account that is open with text index and background
tasks is `accounts.opened.OpenAccount`.
"""
