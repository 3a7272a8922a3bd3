"""Mailboxes and messages change here. Functions on an `AccountTx`, each part of a unit.

- `mailboxes`, `systemmailbox`: create, delete, rename, subscribe; the mailbox that shows the queue
- `adding`, `copying`, `expunging`, `flags`: messages come, move, go, and change; `sources`: what that needs to know
- `threads`, `threadlinks`: which messages belong together
- `counts`: what a mailbox and the account add up to; `facts`: what is known beside the octets
- `fetching`: rows for FETCH
- `acl`, `annotations`, `settings`, `recipients`, `remotes`: what else an account keeps
- `staging`: messages of an import that nobody sees yet

Reading for other purposes is `rows`; a delivery with its rules is `delivery`.
"""
