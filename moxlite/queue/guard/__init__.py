"""The guard: stops an account that sends as if its password was stolen, and holds its messages for the administrator
(SMTP-170).

- `signs`: counts of what each account sends, and the signs of abuse
- `stops`: stopping an account, which holds its messages, and releasing it; submissions and outcomes of attempts,
  counted in the transaction that writes them; mail to the administrator and to the user

Mail made by the server itself (DSNs, reports) has no log-in address, and is neither counted nor held. Limits of an
account's daily sending are not here, but in `submission`.
"""
