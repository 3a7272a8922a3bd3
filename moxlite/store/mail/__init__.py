"""Operations on mailboxes and messages: functions on a unit (`AccountTx`), and the reads that they need.

- `mailboxes`, `acl`, `annotations`, `systemmailbox`: mailboxes, rights on them, annotations, and the queue's mailbox
- `adding`, `facts`, `recipients`: adding a message, with its SMTP facts and recipients
- `flags`, `copying`, `expunging`, `sources`: changing flags, copying, moving and removing messages
- `slices`, `released`: emptying a mailbox in many units, and messages taken out of the rejects mailbox
- `counts`: the counts of mailboxes and the account's size
- `threadlinks`, `threads`: threads of one arriving message, and of many
- `fetching`: rows for FETCH, also of messages just removed
- `staging`, `remotes`: messages of a running import, and of other servers
- `settings`: settings of the webmail's user

Each operation takes the unit's one modseq and emits its events. Permission checks and the translation of errors into
replies are not here but in the protocols' packages; the delivery of an incoming message is `delivery`.
"""
