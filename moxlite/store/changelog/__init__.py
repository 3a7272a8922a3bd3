"""What happened in an account, and its handle (STORE-23, STORE-30 to STORE-38).

- `account`: `Account`, by which all rooms above read, write and subscribe
- `unit`: the transaction of a unit, which takes a modseq and tells events
- `bus`: the change bus: the end of the log in memory, and the cursors of subscribers
- `catchup`: the log itself, read from the database by those who are far behind

The log is no table of its own: it is the modseq of what exists, and tombstones of what does not. An account that is
open with text index and background tasks is `accounts.opened.OpenAccount`.
"""
