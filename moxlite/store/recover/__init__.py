"""Salvaging mail from a damaged account file (STORE-188).

- `pages`: the page format of SQLite, read where SQLite itself refuses
- `rows`: which table a page belongs to, and which rows can be believed
- `salvage`: what can be saved, ordered in a scratch database
- `copies`: what imports and exports by IMAP know
- `rebuild`: the new account file, and the command

The damaged file is only read. Damage that SQLite can live with is `upkeep.check` and `upkeep.repairs`.
"""
