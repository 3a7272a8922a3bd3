"""Commands that copy mail in and out: import, export, copies by IMAP. Parsing and writing of mail formats is not here
but in `store.imports` and `store.exports`.
"""
