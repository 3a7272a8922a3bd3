"""The mailboxes that a source option or event group means (RFC 5465 §6, RFC 7377 §2.2)."""

from collections.abc import Collection, Sequence
from typing import Final

from moxlite.imapd.session.state import Session
from moxlite.proto.imap import commands as c
from moxlite.store.errors import BadMailboxName
from moxlite.store.file.transaction import Reader
from moxlite.store.names import INBOX, ancestors, check_name
from moxlite.store.rows.mailboxes import mailboxes, subscriptions
from moxlite.store.types import Mailbox

MANY: Final = 500
"""Mailboxes examined before a checkpoint: up to 50 ms with a hundred sources, mostly less than one."""

MAX_SOURCES: Final = 100
"""Maximum source options or event groups of one command: each is compared with each mailbox, and no client needs
more.
"""


class Known:
    """The mailboxes of an account at one moment, with the data that sources need."""

    def __init__(self, boxes: Sequence[Mailbox], subscribed: Collection[str], inboxes: Collection[str]) -> None:
        """`inboxes`: names to which mail is delivered, besides Inbox."""
        self.boxes = boxes
        self._subscribed = frozenset(subscribed)
        self._inboxes = frozenset(inboxes)
        self._names: dict[c.Source, frozenset[str]] = {}

    def means(self, source: c.Source, name: str) -> bool:
        """Whether a source contains the mailbox `name`; ``selected`` contains no mailbox."""
        match source.kind:
            case "personal":
                return True
            case "inboxes":
                return name == INBOX or name.startswith(INBOX + "/") or name in self._inboxes
            case "subscribed":
                return name in self._subscribed
            case "mailboxes":
                return name in self._of(source)
            case "subtree":
                return not self._of(source).isdisjoint((name, *ancestors(name)))
            case "subtree-one":
                return not self._of(source).isdisjoint((name, *ancestors(name)[-1:]))
            case _:
                return False

    def _of(self, source: c.Source) -> frozenset[str]:
        """The names in a source in the store's form; impossible names are ignored (RFC 5465 §3.1)."""
        found = self._names.get(source)
        if found is None:
            names: set[str] = set()
            for name in source.names:
                try:
                    names.add(check_name(name))
                except BadMailboxName:
                    continue
            found = self._names[source] = frozenset(names)
        return found


async def known_mailboxes(session: Session) -> Known:
    """All mailboxes of the account, as they are now."""

    def read(r: Reader) -> tuple[list[Mailbox], list[str]]:
        return mailboxes(r), subscriptions(r)

    boxes, subscribed = await session.home.account.scan(read, op="imap-sources")
    return Known(boxes, subscribed, _inboxes(session))


def _inboxes(session: Session) -> set[str]:
    """The mailboxes to which the account's configuration delivers mail, except mail of lists (IMAP-126)."""
    configured = session.context.config.current.account(session.home.account.name)
    found: set[str] = set()
    if configured is not None:
        for destination in configured.destinations.values():
            found.add(destination.mailbox)
            found.update(ruleset.mailbox for ruleset in destination.rulesets if ruleset.list_allow_domain is None)
    return found
