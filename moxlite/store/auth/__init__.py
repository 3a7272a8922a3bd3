"""Authentication data: credentials of accounts, and auth.db (STORE-100 to STORE-106, STORE-191).

- `credentials`: the password of an account, in its file; hashing and verifying
- `foreignhashes`: password hashes of other servers; `foreignpasswords`: which accounts have one
- `apppasswords`: generated passwords, one for each device
- `authdb`: auth.db, the data about log-ins that is not in the accounts' own files; which accounts share mailboxes with
  which users
- `sessions`, `loginattempts`, `tlskeys`, `factors`, `websessions`: its tables; sessions and second factors as the rest
  of the program uses them

Nothing here decides whether a user may log in: that is `moxlite.logins`.
"""
