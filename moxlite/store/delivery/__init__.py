"""Delivery of messages into an account, and hand-over of messages to the queue.

- `actions`, `perform`: the actions on a message at one account, and performing them in one unit
- `reasons`: the stored reasons for a message's place
- `deliver`: the server's own messages, and appended ones
- `reputation`, `rejects`: earlier mail of a sender, and the mailbox for refused messages
- `arrivals`: the stored SMTP transaction of a message
- `submission`, `outgoing`: submissions to the queue, and the limits of an account in 24 hours
- `deferred`, `owed`, `held`: deliveries to repeat, and submissions in the account's outbox
- `apiqueue`: operations of the queue for the web API
- `status`: delivery states that the queue reports to apps
- `tell`: notification of the account's programs about a new message
- `queued`: the mailbox that shows the queue

The decision which actions to perform is not made here but in `moxlite.acceptance`; nothing here knows the configuration
or the network.
"""
