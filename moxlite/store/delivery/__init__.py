"""How a message comes into an account, and how one leaves for the queue.

- `actions`, `perform`: what can be done with a message at one account, and doing it in one unit
- `reasons`: why a message is where it is
- `deliver`: messages of the server's own, and appended ones
- `rulesets`, `reputation`, `rejects`: what decides about a message, and where refused ones go
- `submission`, `outgoing`: what is handed to the queue, and how much of it a day
- `tell`: what the account's programs are told of
- `queued`: what waits in the queue, shown in a mailbox

Which actions are to be performed is decided by `moxlite.acceptance`; nothing here knows the configuration or the
network.
"""
