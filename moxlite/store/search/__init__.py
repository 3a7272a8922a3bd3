"""The text index of an account: `search.db` beside `account.db` (STORE-110 to STORE-114, IMAP-156).

- `terms`: what is looked for
- `texts`: what is looked into, and how it is stored
- `index`: the file and the questions to it; `IndexedAccount`, an account that has one
- `builder`: the background task that follows the account
- `check`: whether the index agrees with the account
- `finding`: searches for words, newest messages first
- `metrics`

An answer of the index only makes a search faster. Conditions on rows are `rows.conditions`; IMAP's SEARCH puts both
together in `imapd.search`.
"""
