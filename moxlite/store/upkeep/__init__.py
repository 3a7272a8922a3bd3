"""Maintenance and repair of an account.

- `check`: checking that all rows are consistent
- `repairs`: repairing findings, and bringing removed messages back
- `erase`: erasing content of removed messages, and removing old messages
- `reparse`: making the MIME index anew
- `scrub`: checking and re-encoding bodies
- `outbox`: carrying changes to other files

Each is a function or a task for one account. Scheduling them does not belong here, but in `accounts`.
"""
