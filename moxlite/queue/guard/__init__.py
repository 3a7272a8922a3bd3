"""The guard: an account whose sending looks as if a stranger had its password is stopped, and its messages wait for
the administrator (SMTP-170).

- `signs`: what each account sends is counted, and judged
- `stops`: an account is stopped, its messages are held; released
- `units`: submissions and outcomes of attempts, counted in the transaction that writes them
- `telling`: mail to the administrator and to the user

Mail that the server makes itself (DSNs, reports) has no address of a log-in: it is neither counted nor held.
"""
