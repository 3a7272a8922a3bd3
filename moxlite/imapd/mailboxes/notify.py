"""NOTIFY: the changes that a client wants to be notified of, at any time (RFC 5465; IMAP-129..131).

Theory of operation
-------------------
`session.notify` is None until the first NOTIFY; then it decides which changes `updates` sends. Message events of the
selected mailbox follow its ``selected`` group alone. If they are not wanted, the view stays behind: `Modseqs.behind` is
the modseq up to which everything was sent, and `_catch_up` reads the change log from there when the client wants them
again. For other mailboxes STATUS is sent, once for each batch of changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from moxlite.imapd.fetch.fetch import tell_items
from moxlite.imapd.session.errors import Disconnect, bad, no
from moxlite.imapd.session.sessions import uid_array
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import apply_to_view, list_names, tell
from moxlite.processor import turn
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.fetchitems import Attribute, FetchItem
from moxlite.proto.imap.responses import Code, ListData, State, StatusData
from moxlite.store.errors import BadMailboxName, NoSuchMailbox
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.mailboxes import is_subscribed
from moxlite.store.names import INBOX, ancestors, check_name, parent
from moxlite.store.rows.mailboxes import mailbox, mailbox_by_name, mailboxes, state, subscriptions
from moxlite.store.rows.messages import SLICE
from moxlite.store.types import (
    Event,
    FlagsChanged,
    Mailbox,
    MailboxAdded,
    MailboxID,
    MailboxRemoved,
    MailboxRenamed,
    MessageAdded,
    MessagesRemoved,
    ModSeq,
    SubscriptionAdded,
    SubscriptionRemoved,
)

MESSAGE: Final = frozenset({"messagenew", "messageexpunge", "flagchange"})
OTHER: Final = frozenset({"mailboxname", "subscriptionchange", "mailboxmetadatachange", "servermetadatachange"})
_BADEVENT: Final = (
    b"(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)"
)
HAS_CHILDREN: Final = "SELECT 1 FROM mailbox WHERE parent_id = ? LIMIT 1"

MAX_HELD: Final = 1_000
"""Maximum removals held back for ``selected-delayed`` (IMAP-130). A client that never allows them to be sent reaches
it.
"""


class Notification:
    """The notifications that a client has requested."""

    def __init__(self, command: c.Notify) -> None:
        """Raises Refused for events that are unknown, or don't go together (RFC 5465 §5, §6.1)."""
        if len(command.groups) > MAX_SOURCES:
            raise no("too many event groups", "LIMIT")
        events = [event for group in command.groups for event in group.events]
        if any(event.name not in MESSAGE | OTHER for event in events):
            raise no("event isn't supported", "BADEVENT", _BADEVENT)
        self.delayed = False
        self.selected: frozenset[str] = frozenset()
        self.items: tuple[FetchItem, ...] = ()
        self._groups: list[tuple[c.Source, frozenset[str]]] = []
        self._known: KnownMailboxes | None = None
        seen = False
        for group in command.groups:
            names = frozenset(event.name for event in group.events)
            items = [item for event in group.events for item in event.items]
            if bool(names & {"messagenew"}) != bool(names & {"messageexpunge"}):
                raise bad("MessageNew requires MessageExpunge, and vice versa")
            if "flagchange" in names and "messagenew" not in names:
                raise bad("FlagChange requires MessageNew and MessageExpunge")
            if group.source.kind not in ("selected", "selected-delayed"):
                if items:
                    raise bad("FETCH items are only supported for the selected mailbox")
                self._groups.append((group.source, names))
                continue
            if seen:
                raise bad("only one event group is allowed for the selected mailbox")
            if names & OTHER:
                raise bad("the selected mailbox only supports message events")
            seen = True
            self.delayed = group.source.kind == "selected-delayed"
            self.selected = names
            self.items = tuple(dict.fromkeys(items))
        self._events = frozenset(event.name for event in events)

    @property
    def active(self) -> bool:
        """Whether changes may have to be sent between commands."""
        return bool(self._events)

    @property
    def whole(self) -> bool:
        """Whether all changes of the selected mailbox are sent."""
        return self.selected == MESSAGE

    def forget(self) -> None:
        """Forget the list of mailboxes: mailboxes or subscriptions have changed."""
        self._known = None

    async def known(self, session: Session) -> KnownMailboxes:
        """The current mailboxes."""
        if self._known is None:
            self._known = await known_mailboxes(session)
        return self._known

    def _message_events(self, known: KnownMailboxes, name: str) -> frozenset[str]:
        """The message events for a mailbox that is not selected. The first group decides that contains it and names
        message events.
        """
        for source, names in self._groups:
            if (not names or names & MESSAGE) and known.means(source, name):
                return names & MESSAGE
        return frozenset()

    async def wants(self, session: Session, event: str, *names: str) -> bool:
        """Whether an event other than message events is wanted for one of these mailbox names."""
        if event not in self._events:
            return False
        if event == "servermetadatachange":
            return True
        known = await self.known(session)
        for name in names:
            for source, wanted in self._groups:
                if known.means(source, name):
                    if event in wanted:
                        return True
                    if not wanted:  # NONE
                        break
        return False

    async def tell_mailboxes(self, session: Session, events: Sequence[Event]) -> None:
        """Send LIST lines for changed mailboxes and subscriptions in their current state. The parent of a mailbox that
        came or went is included, as it may have gained or lost its children (RFC 5465 §5.4, §5.5). The client's own
        changes are not sent.
        """
        if not events:
            return
        self.forget()
        names: dict[str, str | None] = {}  # with the old name
        above: list[str | None] = []
        for event in events:
            if event.origin == session.home.cursor.id:
                continue
            match event:
                case MailboxAdded(name=name) | MailboxRemoved(name=name):
                    above.append(parent(name))
                    if await self.wants(session, "mailboxname", name):
                        names[name] = None
                case MailboxRenamed(name=name, old_name=old):
                    if old:
                        above += [parent(old), parent(name)]
                    if await self.wants(session, "mailboxname", name, old):
                        names[name] = old or None
                case SubscriptionAdded(name=name) | SubscriptionRemoved(name=name):
                    if await self.wants(session, "subscriptionchange", name):
                        names.setdefault(name, None)
        known = {*names, *names.values()}  # a renamed mailbox is sent by its new name
        for one in above:
            if one not in known and one is not None and await self.wants(session, "mailboxname", one):
                names[one] = None
        await self._list(session, names)

    async def _list(self, session: Session, names: Mapping[str, str | None]) -> None:
        """Send LIST lines of names, with the old ones."""
        asked = list(names)
        for start in range(0, len(asked), SLICE):
            part = asked[start : start + SLICE]
            for line in await session.home.account.read(partial(_lines, names=part, old=names), op="imap-notify"):
                session.respond(line)
            await session.drain()

    async def tell_others(self, session: Session, events: Iterable[Event]) -> None:
        """Send STATUS of the mailboxes with changed messages (IMAP-130)."""
        # RFC 5465 §5 gives each kind of event its own items, and a mailbox gets one STATUS for all of them: so events
        # are gathered by mailbox first. Between its event and the read a mailbox may have been removed.
        kinds: dict[MailboxID, set[str]] = {}
        for event in events:
            match event:
                case MessageAdded():
                    kinds.setdefault(event.mailbox_id, set()).add("messagenew")
                case MessagesRemoved():
                    kinds.setdefault(event.mailbox_id, set()).add("messageexpunge")
                case FlagsChanged():
                    kinds.setdefault(event.mailbox_id, set()).add("flagchange")
        if not kinds or not self._events & MESSAGE or not self._groups:
            return
        known = await self.known(session)
        names = {box.id: box.name for box in known.boxes}
        wanted = {
            mailbox_id: happened & self._message_events(known, names[mailbox_id])
            for mailbox_id, happened in kinds.items()
            if mailbox_id in names
        }

        def read(r: Reader) -> list[Mailbox]:
            found: list[Mailbox] = []
            for mailbox_id, happened in wanted.items():
                try:
                    found += [mailbox(r, mailbox_id)] if happened else []
                except NoSuchMailbox:
                    continue
            return found

        for box in await session.home.account.read(read, op="imap-notify") if any(wanted.values()) else ():
            items: list[tuple[str, int | str | None]] = []
            if wanted[box.id] & {"messagenew", "messageexpunge"}:
                items += [("UIDNEXT", box.uidnext), ("MESSAGES", box.exists)]
            if "flagchange" in wanted[box.id]:
                items.append(("UIDVALIDITY", box.uidvalidity))
            items.append(("UNSEEN", box.unseen))
            if session.extensions.condstore:
                items.append(("HIGHESTMODSEQ", box.modseq))
            session.respond(StatusData(box.name, tuple(items)))

    async def report(self, session: Session) -> None:
        """Send STATUS of all watched mailboxes except the selected one (RFC 5465 §3.1)."""
        known = await self.known(session)
        for number, box in enumerate(known.boxes):
            if number % MANY == MANY - 1:
                await turn()
            names = self._message_events(known, box.name)
            if not names or _selects(session, box):
                continue
            items: list[tuple[str, int | str | None]] = [
                ("MESSAGES", box.exists),
                ("UIDNEXT", box.uidnext),
                ("UIDVALIDITY", box.uidvalidity),
                ("UNSEEN", box.unseen),
            ]
            if "flagchange" in names or session.extensions.condstore:
                items.append(("HIGHESTMODSEQ", box.modseq))
            session.respond(StatusData(box.name, tuple(items)))
            await session.drain()

    async def tell_new(self, session: Session, view: View, uids: Sequence[int]) -> None:
        """Send FETCH of new messages, with the items that the client has requested (RFC 5465 §5.2)."""
        problem = await tell_items(session, view, uid_array(uids), self.items)
        if problem is not None:
            session.respond(State("NO", problem.text, Code(problem.code) if problem.code else None))

    def check_held(self, session: Session) -> None:
        """If too many removals are held back, stop all notifications, and tell the client (RFC 5465 §5.8)."""
        view = session.view
        if self.delayed and view is not None and view.gone and len(view.gone) > MAX_HELD:
            session.respond(State("OK", "too many pending notifications", Code("NOTIFICATIONOVERFLOW")))
            session.notify = Notification(c.Notify())
            view.modseqs.behind = view.seat.cursor.modseq


def _selects(session: Session, box: Mailbox) -> bool:
    """Whether this mailbox of the user's own account is the selected one."""
    view = session.view
    return view is not None and view.seat is session.home and view.mailbox_id == box.id


def _lines(r: Reader, names: Sequence[str], old: Mapping[str, str | None]) -> list[ListData]:
    """LIST lines of names in their current state. CHILDINFO is for LIST with RECURSIVEMATCH only (RFC 5258 §3.5)."""
    lines: list[ListData] = []
    for name in names:
        box = mailbox_by_name(r, name)
        if box is None:
            flags: list[str] = [r"\NonExistent"]
        else:
            flags = [r"\HasNoChildren" if r.value(HAS_CHILDREN, box.id) is None else r"\HasChildren"]
            flags += list_names(box.special_use, system=box.system)
        if is_subscribed(r, name):
            flags.append(r"\Subscribed")
        lines.append(ListData(tuple(flags), name, oldname=old[name]))
    return lines


async def notify(session: Session, command: c.Notify) -> Done:
    """NOTIFY. Pending changes are sent at once, as if for NOOP (RFC 5465 §3.1)."""
    notification = Notification(command)
    if Attribute.MODSEQ in notification.items:
        session.use_condstore()
    await tell(session, expunge=True)
    view = session.view
    if command.groups and view is not None and view.modseqs.behind and not view.access.lost:
        await _catch_up(session, view)
    session.notify = notification
    if view is not None and not notification.whole and not view.modseqs.behind:
        view.modseqs.behind = max(view.seat.cursor.modseq, view.modseqs.since)
    if command.status:
        await notification.report(session)
    return Done("watching" if command.groups else "silent")


async def _catch_up(session: Session, view: View) -> None:
    """Send all changes of the selected mailbox since the client last wanted to be notified."""
    since, view.modseqs.behind = view.modseqs.behind, 0
    # Without filter while it catches up: what was left out before must be sent now, whatever the new NOTIFY says.
    session.notify = None
    if since < (await view.seat.account.read(state, op="imap-state")).highest_purged_modseq:
        raise Disconnect("recent events are no longer available", "UNAVAILABLE")
    _, cursor = await view.seat.account.subscribe(since=ModSeq(since), keep_own=True)
    with cursor:
        while cursor.pending():
            batch = await cursor.take()
            await apply_to_view(session, view, batch)
            await session.drain()
            if not batch.more:
                break
        view.modseqs.since = max(view.modseqs.since, cursor.modseq)
    await tell(session, expunge=True)  # with the changes held back before


# The mailboxes that a source option or event group means (RFC 5465 §6, RFC 7377 §2.2).


MANY: Final = 500
"""Mailboxes examined before a checkpoint: up to 50 ms with a hundred sources, mostly less than one."""

MAX_SOURCES: Final = 100
"""Maximum source options or event groups of one command: each is compared with each mailbox, and no client needs
more.
"""


class KnownMailboxes:
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


async def known_mailboxes(session: Session) -> KnownMailboxes:
    """All mailboxes of the account, as they are now."""

    def read(r: Reader) -> tuple[list[Mailbox], list[str]]:
        return mailboxes(r), subscriptions(r)

    boxes, subscribed = await session.home.account.scan(read, op="imap-sources")
    return KnownMailboxes(boxes, subscribed, _inboxes(session))


def _inboxes(session: Session) -> set[str]:
    """The mailboxes to which the account's configuration delivers mail, except mail of lists (IMAP-126)."""
    configured = session.context.config.current.account(session.home.account.name)
    found: set[str] = set()
    if configured is not None:
        for destination in configured.destinations.values():
            found.add(destination.mailbox)
            for ruleset in destination.rulesets:
                if ruleset.mailbox is not None and ruleset.list_allow_domain is None:
                    found.add(ruleset.mailbox)
    return found
