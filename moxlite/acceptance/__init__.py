"""Acceptance of incoming messages: the outcome for each account, and its reasons (docs/decisions/008).

::

    Evidence ──▶ Case per address ──▶ producers: Proposals ──▶ merge: Plan per account ──▶ store.delivery.perform

`cases` holds the facts about a message, and turns recipients into cases, through aliases; `gathering` collects them
(regular expressions, the junk filter: the only part that waits). The functions of `producers` are pure, from a
case to proposals. `plan` merges them by one table, and makes one reply for all recipients. `why`
keeps the reasons with the message. `rules` says which ruleset takes a message, `conditions` what its words mean.

`commands` are `moxlite why`.

SMTP sessions and sockets do not belong here: the same plan serves SMTP, a dry run, and later the webapi and IMAP.
"""
