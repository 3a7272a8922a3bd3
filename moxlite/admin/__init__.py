"""Administration: operations on configuration, accounts and stored mail, shared by command line and admin app.

- `commands`: the commands of the control socket; `requests`: their arguments and results, also for the command line
- `accounts`, `accountcommands`, `shares`, `domains`: accounts and addresses, shared mailboxes; domains and aliases
- `credentialcommands`, `dkimkeys`, `hostkeys`: app passwords, client certificates, API tokens; private keys
- `dns`, `offer`: the DNS records of a domain and their check; the settings that mail programs are given
- `storage`, `junk`: checks and repairs of stored mail, settings of the store; the junk filter
- `backup`, `backupsource`, `restoring`: backups on request and on schedule, and restoring them
- `quickstart`, `doctor`: making the first configuration, and examining a server
- `notices`, `updates`, `ownlistings`: messages to the administrator, newer versions, the server's own block listings
- `receivedreports`: the DMARC and TLS reports that were received

Not here: logging in is `logins`, starting the process is `process`, copying from other servers is `migration`. The
store does the work on stored mail.
"""
