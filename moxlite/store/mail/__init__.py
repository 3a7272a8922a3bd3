"""Operations on mailboxes and messages: functions on a unit (`AccountTx`), and the reads that they need.

- `mailboxes`: mailboxes, and emptying one in many units
- `acl`: rights on mailboxes
- `annotations`: annotations of mailboxes
- `systemmailbox`: the queue's mailbox
- `adding`: adding messages
- `staging`: messages of an import that is not finished
- `flags`: changing flags
- `copying`: copying and moving messages; messages taken out of the rejects mailbox
- `expunging`: removing messages
- `fetching`: rows for IMAP's FETCH
- `threads`, `threadlinks`: threads of many messages, and the place of an arriving one
- `counts`: exact counts
- `facts`: facts of a message beside its octets, and of its arrival
- `recipients`: recipients of messages in Sent
- `remotes`: messages of another server and here
- `settings`: settings of the webmail's user

Each operation takes the unit's one modseq and emits its events. Permission checks and the translation of errors into
replies are not here but in the protocols' packages; the delivery of an incoming message is `delivery`.
"""
