"""Maintenance and repair of an account.

- `erase`, `retention`, `undelete`: erasing content of removed messages, removing old messages, bringing both back
- `outbox`: carrying rows of the outbox to other files
- `check`, `checkrules`, `repairs`: checking that all rows are consistent, and repairing them
- `scrub`: checking all stored octets, and storing them in another encoding
- `reparse`: the MIME index of messages made anew after an upgrade

Each is a function or a task for one account. Scheduling them does not belong here, but in `accounts`.
"""
