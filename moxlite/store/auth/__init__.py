"""Who an account's owner is: stored credentials, and auth.db (STORE-100 to STORE-106, STORE-191).

- `credentials`: the password of an account, in its file; hashing and verifying
- `apppasswords`: generated passwords, one for each device
- `authdb`: auth.db, with all that concerns more than one account
- `sessions`, `loginattempts`, `tlskeys`: its tables

Nothing here decides whether a user may log in: that is `moxlite.logins`.
"""
