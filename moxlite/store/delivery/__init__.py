"""Delivery of messages into an account, and hand-over of messages to the queue.

- `actions`: the actions on a message at one account, and the stored reasons for its place
- `perform`: performing the actions in one unit, of the server's own and of appended messages too; the mailbox for
  refused messages; rows of the outbox
- `scripts`: Sieve scripts
- `vacation`: answers while the owner is away
- `forwarding`: addresses to which mail is forwarded
- `reputation`: earlier mail of a sender
- `submission`: submissions to the queue
- `outgoing`: the limits of an account in 24 hours, and submissions that their sender may take back
- `status`: delivery states that the queue reports to apps; the mailbox that shows the queue

The decision which actions to perform is not made here but in `moxlite.acceptance`; nothing here knows the configuration
or the network.
"""
