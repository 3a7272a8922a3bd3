"""The queue of outgoing mail (docs/spec/queue.md).

- `queue`: takes messages and lets people operate on them; `submit`, `operations`, `filters`, `holdrules`: its parts
- `scheduler`, `schedule`: what is due, and when something is tried again
- `attempt`, `routing`: one attempt, and which way it goes: `direct`, `relay`, or `local`, over a `session`
- `ways`, `onehost`: connecting to hosts, and one of them
- `tls`: which TLS a host must show; `reach`: which hosts there are, and from where they are connected to
- `resigning`: signatures made anew
- `explaining`: how a message would leave, for people
- `guard`: accounts that strangers send with
- `record`, `retire`, `rows`, `content`: what queue.db keeps of all that; functions on a transaction
- `status`: what has become of a submission, for its sender
- `bounces`: what replies mean; `suppression`: addresses that are left alone
- `notices`: what senders are told; `webhooks`: their programs; `reports`: owners of other domains
- `mirror`, `mirrorrows`: the mailbox that shows the queue
- `control`: commands of the control socket; `metrics`, `testdata`, `context`, `errors`

`queue.queue` is what the composition root uses. A submitter knows `store.delivery.submission` alone. SMTP itself is
`proto.smtp` on `net.smtpclient`.
"""
