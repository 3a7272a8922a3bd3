"""Administration: operations on configuration, accounts and stored mail, shared by command line and admin app.

- `commands`: those of the control socket; `requests`: their arguments and results, also for the command line
- `accounts`, `apppasswords`, `shares`: accounts, addresses, app passwords, shared mailboxes
- `storecare`, `junk`: care for stored mail and for the junk filter
- `backups`, `backupschedule`, `restores`: backups now, by the clock, and back again
- `storage`, `storagefaults`, `notices`: the store's settings; what the administrator is told, and how
- `chosen`: which accounts a command is about

Logging in is `logins`, starting the process is `process`, copying from other servers is `migration`. The work itself is
done by the store.
"""
