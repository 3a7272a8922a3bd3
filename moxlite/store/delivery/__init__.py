"""How a message comes into an account, and what is counted when one leaves it.

- `actions`, `perform`: what a plan asks for, done in one unit, once for each key; `reasons`: why
- `deliver`: the server's own messages, and those that clients append
- `rulesets`, `rejects`, `reputation`: rules of a destination, copies of what was refused, earlier mail of a sender
- `outgoing`: limits on what an account submits; `submission`: what the queue is handed
- `queued`: what the queue shows in the account's mailbox

What should be done with a message is decided by `moxlite.acceptance`; replies to the sender are SMTP's.
"""
