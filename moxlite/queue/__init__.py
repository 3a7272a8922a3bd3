"""The queue of outgoing mail (docs/spec/queue.md).

- `queue`: takes messages; `submit`, `operating`: adding them, and operations on them
- `scheduling`: which messages are due, and their attempts at once; `schedule`: the times of retries
- `attempt`, `record`: one delivery attempt, and its outcome in queue.db
- `sending`: route, connection and SMTP session of an attempt; `localdelivery`: attempts to our own accounts
- `tls`: the TLS that a host must have; `hosts`: the hosts of a domain, and limits of connections to them
- `signing`: renewal of DKIM signatures
- `explaining`: the route and hosts of a message, without sending
- `guard`: stops accounts that send as if abused
- `data`: the tables of queue.db as values and functions on a transaction
- `bounces`: the meaning of other servers' replies
- `notices`: DSNs to senders; `webhooks`: calls to their web servers; `reports`: TLS and DMARC reports to other domains
- `mirror`: the mailbox `Outgoing`, which shows the queue
- `health`: the state of the queue, for the doctor and the history
- `control`: commands of the control socket; `metrics`, `testdata`, `context`, `errors`

The composition root uses `queue.queue`; a submitter uses only `store.delivery.submission`. Checks and signatures of a
new submission are not here, but in `submission`; the SMTP client is `net.smtpclient` with `proto.smtp`.
"""
