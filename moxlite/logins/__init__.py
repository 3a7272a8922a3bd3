"""Who may log in: the one room for all protocols (SMTP, IMAP, web).

- `logins`: decides by password, app password, SASL secrets or client certificate, and writes each attempt down
- `identity`: the values of a log-in; `refusals`: why one fails
- `exchange`: the steps of a SASL mechanism, with what `logins` knows
- `guessing`: failed log-ins, counted by network and by account, so that guessing is slow
- `adminpassword`: the administrator's password, which stands in a file
- `metrics`: log-ins in numbers

Hashes, app passwords and web sessions are kept by `store.auth`; mechanisms without I/O are `proto.sasl`. How a refusal
is told to a client is for the protocol's own room.
"""
