"""Deliveries to accounts of this server (QUEUE-28, QUEUE-36, QUEUE-140). The accounts' decisions are not here, but in
`acceptance`.

- `local`: to our own SMTP server, over a pipe in this process or to the listener of localserve
- `inbound`: deliveries that an account could not take while other accounts of the same message could
"""
