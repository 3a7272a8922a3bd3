"""Authentication for all protocols (SMTP, IMAP, web). Permissions and replies to clients are not here.

- `logins`: verifies passwords, app passwords, SASL secrets and client certificates; the passwords of an account that a
  protocol may use
- `attempts`: attempts counted, let in or refused, and recorded with their outcome; counters of log-ins
- `identity`: the values of a log-in, and the exceptions of a failed one
- `exchange`: the steps of a SASL mechanism, with the credentials from `logins`
- `guessing`: counts of failed log-ins by network and by account, which slow guessing down
- `adminpassword`: the administrator's password, kept as a hash in a file

`store.auth` keeps hashes, app passwords and web sessions. `proto.sasl` has the mechanisms without I/O. Each protocol's
own package turns a refusal into its reply.
"""
