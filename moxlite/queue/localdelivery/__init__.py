"""Deliveries to accounts of this server (QUEUE-28, QUEUE-36, QUEUE-140).

- `local`: to the own SMTP server, over a pipe in this process or to the listener of localserve
- `inbound`: those that an account could not take while others of the same message could
"""
