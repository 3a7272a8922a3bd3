"""What becomes of an incoming message at an account, and why (docs/decisions/008).

::

    Evidence ──▶ Case per address ──▶ producers: Proposals ──▶ merge: Plan per account ──▶ store.delivery.perform

`evidence` holds what is known, `gathering` asks for it (regular expressions, the junk filter: the only part that
waits). `cases` turns recipients into cases, through aliases. Each module of `producers` is a pure function from a case
to proposals. `plan` merges them by one table. `outcomes` makes one reply of the outcomes of all recipients. `why` keeps
the reasons with the message.

`commands` are `moxlite why`, `carrying` brings owed notices to the queue.

Nothing here knows SMTP sessions or sockets: the same plan serves SMTP, a dry run, and later the webapi and IMAP.
"""
