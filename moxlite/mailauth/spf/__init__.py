"""SPF: whether a domain permits an IP address to send its mail (RFC 7208).

`record` parses records, `macros` expands their macros, `check` evaluates them.

Decisions about a message are not here but in `acceptance`.
"""
