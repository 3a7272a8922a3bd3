"""The text index of an account: `search.db` beside `account.db` (STORE-110 to STORE-114, IMAP-156).

- `queries`: the text conditions of a search
- `texts`: the searchable text of a message, and its stored form
- `index`: the file and its queries; `IndexedAccount`, an account that has one
- `builder`: the background task that updates the index
- `check`: comparing the index with the account
- `finding`: searches over several mailboxes, in the order of reception
- `metrics`

The index only makes searches faster. Conditions on rows do not belong here, but in `rows.conditions`; IMAP's SEARCH
combines both in `imapd.search`.
"""
