"""What proves who a user is: passwords in each account's file, and ``auth.db`` for all accounts.

- `credentials`, `apppasswords`: stored forms of passwords, and their verification
- `authdb`: the file: who shares mailboxes with whom, removed accounts, the audit log; and in it
- `sessions`: of the web; `loginattempts`: for users and operators to look at; `tlskeys`: client certificates

Whether a log-in is allowed is decided by `moxlite.logins`.
"""
