"""Mailboxes and messages change here: functions on a unit (`AccountTx`), and what they need to know.

- `mailboxes`, `acl`, `annotations`, `systemmailbox`: what there is of mailboxes, and who may do what
- `adding`, `facts`, `recipients`: a message comes in, with all that is known of it
- `flags`, `copying`, `expunging`, `sources`: it is marked, copied, moved and removed
- `counts`: mailboxes count what they hold
- `threadlinks`, `threads`: threads of one arriving message, and of many
- `fetching`: rows for FETCH, also of messages just removed
- `staging`, `remotes`: messages of an import that is under way, and of other servers
- `settings`: what the user of the webmail has set

Each operation takes the unit's one modseq and tells its events. Who may call it, and how its errors are told to a
client, is for the protocol's room; the way of an incoming message is `delivery`.
"""
