"""The text index of an account: `search.db` beside `account.db` (STORE-110 to STORE-114, IMAP-156).

`terms.py` is what is looked for, `texts.py` what is looked into, `index.py` the file and the questions to it,
`builder.py` the background task that follows the account, `finding.py` searches for words.
"""
