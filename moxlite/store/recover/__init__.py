"""Salvaging mail from a damaged account file (STORE-188).

- `pages`: the page format of SQLite, read where SQLite itself refuses; finding the rows of each table, and checking
  that they are plausible
- `salvage`: the rows that can be saved, indexed in a scratch database; the state of imports and exports by IMAP
- `rebuild`: the new account file, and the command
- `tables`: the same for auth.db, queue.db and reports.db

The damaged file is only read. Damage with which SQLite still opens a file does not belong here: `upkeep.check` and
`upkeep.repairs`.
"""
