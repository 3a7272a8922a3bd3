"""SPF: whether a domain permits an address to send mail in its name (RFC 7208).

`record` reads records, `macros` expands their macros, `check` evaluates them.
"""
