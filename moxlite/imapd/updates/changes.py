"""Sending a client the changes of its mailboxes (IMAP-54..61, RFC 9051 §7.4, §7.5, RFC 7162 §3.2.10).

Theory of operation
-------------------
A session has a cursor on the account's change bus and no queue. `tell` takes the changes since the last call,
applies them to the view, and writes the untagged responses: removals first (or holds them back), then one EXISTS, then
a FETCH for each new or changed message in the order of their modseqs. So a client that remembers the highest modseq it
has seen, and loses the connection at any point, has seen all earlier changes.

A session that changes a whole mailbox must not delay the answers of other sessions there. So a command sends some
thousand changes, up to the end of a transaction, and leaves the rest to the next commands. But it sends all changes up
to the highest modseq in its own answer, or else a client that remembers this one would never get the rest (RFC 7162
§3.1.3).

Each delivery is sent to perhaps fifty idle sessions. So without pending changes nothing is read or awaited, flags are
rendered once for all (below), and equal views are one object (`UidList`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import trio

from moxlite.imapd.session.errors import Disconnect, refusal
from moxlite.imapd.session.named import removed_since
from moxlite.imapd.session.sessions import Seat, uid_array
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import CountedView, View
from moxlite.imapd.updates.recent import claim_told
from moxlite.processor import give_way
from moxlite.proto.imap.encode import expunge_lines, fetch_flags, flag_list, uidfetch_flags, vanished_lines
from moxlite.proto.imap.responses import Code, FlagsData, ListData, MetadataChanged, RecentData, State
from moxlite.proto.imap.seqset import Ranges, index_runs, normalize, runs, within
from moxlite.store.accounts.access import allowed_flags
from moxlite.store.changelog.bus import Batch, Cursor
from moxlite.store.changelog.catchup import ChangeFilter
from moxlite.store.errors import StoreError
from moxlite.store.junkflags import flag_synonyms
from moxlite.store.names import is_foreign
from moxlite.store.rows.mailboxes import MAX_PER_MAILBOX, flag_words, parse_flags
from moxlite.store.types import (
    AccountClosing,
    AnnotationChanged,
    Event,
    Flag,
    FlagsChanged,
    MailboxAdded,
    MailboxCounts,
    MailboxID,
    MailboxKeywords,
    MailboxRemoved,
    MailboxRenamed,
    MessageAdded,
    MessagesRemoved,
    ModSeq,
    SpecialUse,
    SubscriptionAdded,
    SubscriptionRemoved,
    ThreadChanged,
)

# Flags of messages and attributes of mailboxes in wire format (IMAP-108, IMAP-109, IMAP-171).


SYSTEM_FLAGS: Final = tuple(flag_words(Flag(Flag.MDNSENT * 2 - 1)))
"""The names of all flags that are bits in the store: FLAGS and PERMANENTFLAGS begin with them."""


SYSTEM_BITS: Final = tuple([parse_flags((word,))[0] for word in SYSTEM_FLAGS])
"""The bit of each of `SYSTEM_FLAGS`."""


@lru_cache(maxsize=4096)  # combinations in use at a time are few; one entry is some 200 octets
def wire_flags(flags: Flag, keywords: tuple[str, ...] = (), recent: bool = False) -> bytes:
    """``(\\Seen $Junk work)``; keywords as spelled in the account."""
    words = flag_words(flags, keywords)
    if recent:
        words.insert(0, r"\Recent")
    return flag_list(words)


USES: Final[Mapping[str, SpecialUse]] = {
    # RFC 6154 §2
    r"\Archive": SpecialUse.ARCHIVE,
    r"\Drafts": SpecialUse.DRAFTS,
    r"\Junk": SpecialUse.JUNK,
    r"\Sent": SpecialUse.SENT,
    r"\Trash": SpecialUse.TRASH,
}


def list_names(use: SpecialUse, *, system: bool) -> tuple[str, ...]:
    r"""The LIST attributes of a special use, and of the system's mailbox, which can have no children (IMAP-162)."""
    if system:
        return (r"\NoInferiors",)
    return tuple([name for name, flag in USES.items() if flag & use]) if use else ()


NO_FLAGS: Final = Flag(0)

FEW: Final = 8
"""Maximum number of words for which the result is cached: a valid word has at most 128 octets, so the cache is
bounded.
"""


def parse_words(words: tuple[str, ...]) -> tuple[Flag, tuple[str, ...]]:
    """Bits and keywords of the flags that a client names; synonyms set their bit, too. Raises BadKeyword."""
    if not words:
        return NO_FLAGS, ()
    return _parse_few(words) if len(words) <= FEW else _parse_words(words)


def _parse_words(words: Collection[str]) -> tuple[Flag, tuple[str, ...]]:
    flags, keywords = parse_flags(words)
    return flags | flag_synonyms(keywords), tuple(sorted(keywords))


_parse_few: Final = lru_cache(maxsize=256)(_parse_words)  # clients use few combinations


PORTION: Final = 500
"""Changes of flags after which sending may stop, at the end of a transaction: 2 ms."""

PUBLISHED: Final = 1.0
"""Seconds to wait for the loop to publish a commit of the writer: it does so in its next turn."""


async def tell(session: Session, *, expunge: bool, whole: bool = False) -> None:
    """Send the changes since the last call. Without `expunge` removals are held back (IMAP-54). Without `whole` it
    stops when the command has sent enough (IMAP-61a).

    Raises Disconnect if the account is being closed, or cannot be read: then the state of the view is unknown.
    """
    home, view = session.home, session.view
    try:
        if view is None or view.seat is home:
            await _tell_seat(session, home, view, expunge=expunge, whole=whole)
        else:
            await _tell_seat(session, home, None, expunge=expunge, whole=whole)
            await _tell_seat(session, view.seat, None if view.access.lost else view, expunge=expunge, whole=whole)
    except StoreError as error:
        refused = refusal(error)
        raise Disconnect(refused.text, refused.code.name if refused.code else None) from error


async def check_view(session: Session, view: View) -> None:
    """Check the user's current rights on the selected mailbox: it may belong to another user, who can grant and revoke
    rights at any time. Called before each command, and before changes are sent.
    """
    seat = view.seat
    if not seat.guest or view.access.lost:
        return
    rights = await seat.account.read(lambda r: seat.rights(r, view.mailbox_id), op="imap-rights")
    if rights != view.access.rights:
        view.access.allow(rights)
        if not view.access.lost:
            await tell_permanent(session, view)


async def tell_permanent(session: Session, view: View) -> None:
    """Send ``[PERMANENTFLAGS (…)]``: the flags that this session may change (RFC 9051 §7.1, RFC 4314 §5.2)."""
    words, keywords = _changeable("" if view.access.read_only or view.access.system else view.access.rights)
    if keywords:
        if view.keywords:
            words = " ".join([words, *await view.seat.spelled(tuple(sorted(view.keywords)))])
        if len(view.keywords) < MAX_PER_MAILBOX:
            words += r" \*"
    session.write(b"* OK [PERMANENTFLAGS (%b)] flags that stay\r\n" % words.encode())


@lru_cache(maxsize=256)  # the combinations in use are few
def _changeable(rights: str) -> tuple[str, bool]:
    """The system flags that may be changed with these rights, and whether keywords may be changed, which include some
    system flags.
    """
    flags, keywords = allowed_flags(rights)
    return " ".join([word for flag, word in zip(SYSTEM_BITS, SYSTEM_FLAGS, strict=True) if flag & flags]), keywords


def _enough(session: Session, view: View | None, cursor: Cursor) -> bool:
    """Whether the remaining changes may be left to the next commands."""
    return (
        view is not None
        and session.notify is None
        and cursor.settled
        and cursor.modseq >= view.modseqs.shown
        and session.running.budget <= 0
    )


async def _published(cursor: Cursor, modseq: int) -> None:
    """Wait for a transaction that was read before it is published. Otherwise the client would see only a part of it,
    such as a message that it knows but cannot fetch any more.
    """
    with trio.move_on_after(PUBLISHED):
        while cursor.latest < modseq:
            await cursor.alarm.sleep()


async def _tell_seat(session: Session, seat: Seat, view: View | None, *, expunge: bool, whole: bool) -> None:
    """Send the changes at one account. `view` is the selected mailbox if it is in this account."""
    cursor = seat.cursor
    before = view.list if view is not None else None
    messages_of: MailboxID | None = None
    if session.notify is None or seat is not session.home:
        messages_of = MailboxID(0) if view is None else view.mailbox_id
    cursor.wanted = ChangeFilter(messages_of, 0 if whole else PORTION)
    # A read sees a commit before the bus has published it: an answer may already hold its modseq.
    if view is not None and cursor.latest < view.modseqs.shown:
        await _published(cursor, view.modseqs.shown)
    end = cursor.latest  # otherwise a busy writer would hold this loop for ever
    told = False  # the first batch without a checkpoint: nearly always it is all
    while cursor.pending() and (whole or not _enough(session, view, cursor)):
        await give_way()
        batch = (None if told else cursor.take_tail()) or await cursor.take()
        told = True
        session.running.budget -= sum([event.origin != cursor.id for event in batch.events])
        if view is not None and seat.guest:
            await check_view(session, view)
            view = None if view.access.lost else view
        await _apply(session, seat, view, batch, expunge=expunge)
        await session.drain()
        if not batch.more or cursor.modseq >= end:
            break
    if view is None:
        if session.view is None or session.view.access.lost:
            session.held = 0
        cursor.acknowledge(cursor.modseq)
        return
    if expunge and view.gone and "messageexpunge" in _told(session):
        tell_removed(session, view, list(runs(view.gone)))
    if not view.gone:
        session.held = 0
    if not view.gone and not view.modseqs.behind and not cursor.partial and view.list is not before:
        view.list = view.seat.share.sharing.share(
            view.mailbox_id, view.uidvalidity, max(cursor.modseq, view.modseqs.since), view.list
        )
    cursor.acknowledge(ModSeq(min(cursor.modseq, session.held - 1)) if session.held else cursor.modseq)


_ALL: Final = frozenset({"messagenew", "messageexpunge", "flagchange"})


def _told(session: Session) -> frozenset[str]:
    """The events of the selected mailbox that are sent: all, unless NOTIFY restricts them (RFC 5465 §3.1)."""
    return _ALL if session.notify is None else session.notify.selected


class _Changes:
    """Changes of the selected mailbox in a batch: the last state of messages by UID, removals, and removals that must
    not be sent yet.
    """

    __slots__ = ("added", "flags", "held", "removed")

    def __init__(self) -> None:
        self.added: dict[int, MessageAdded | FlagsChanged] = {}
        self.flags: dict[int, MessageAdded | FlagsChanged] = {}
        self.removed: list[tuple[int, int]] = []
        self.held: list[tuple[int, int]] = []


_SILENT: Final = frozenset({MailboxCounts, ThreadChanged})
"""Events without an IMAP response. Skipped first, because every change of messages emits one."""

_Mine: TypeAlias = MessageAdded | FlagsChanged | MessagesRemoved | MailboxKeywords


async def _apply(session: Session, seat: Seat, view: View | None, batch: Batch, *, expunge: bool) -> None:
    """Apply `batch` to the view, and send its changes and other notifications."""
    notify = session.notify
    mine: list[_Mine] = []
    others: list[Event] = []
    structure: list[Event] = []
    for event in batch.events:
        if notify is None and type(event) in _SILENT:
            continue
        match event:
            case MessageAdded() | FlagsChanged() | MessagesRemoved() | MailboxKeywords():
                if view is not None and event.mailbox_id == view.mailbox_id:
                    mine.append(event)
                elif notify is not None and seat is session.home and event.origin != seat.cursor.id:
                    others.append(event)
            case AccountClosing(reason=reason):
                if seat.cursor.closing is not None:  # for our own cursor alone (STORE-38)
                    session.respond(State("OK", reason, Code("NOTIFICATIONOVERFLOW")))
                raise Disconnect(reason, "UNAVAILABLE")
            case MailboxRemoved() if view is not None and event.mailbox_id == view.mailbox_id:
                view.access.lost = True
                structure.append(event)
            case SubscriptionAdded(name=name) | SubscriptionRemoved(name=name) if is_foreign(name):
                pass  # the owner's file decides whether there is such a mailbox
            case AnnotationChanged() if seat is session.home:
                await _tell_annotation(session, event)
            case _:
                structure.append(event)
    if seat is not session.home:
        structure.clear()  # names of other users' mailboxes are sent by LIST alone
    if notify is not None:
        await notify.tell_mailboxes(session, structure)
    else:
        for event in structure:
            _tell_mailbox(session, event)
    if view is not None and mine:
        await _apply_mine(session, view, batch, mine, expunge=expunge)
    if notify is not None:
        await notify.tell_others(session, others)
        notify.check_held(session)


async def apply_to_view(session: Session, view: View, batch: Batch) -> None:
    """Apply `batch` to the view alone, and send its changes."""
    mine: list[_Mine] = [
        event
        for event in batch.events
        if isinstance(event, MessageAdded | FlagsChanged | MessagesRemoved | MailboxKeywords)
        and event.mailbox_id == view.mailbox_id
    ]
    await _apply_mine(session, view, batch, mine, expunge=True)


async def _apply_mine(session: Session, view: View, batch: Batch, events: Sequence[_Mine], *, expunge: bool) -> None:
    changes = _Changes()
    for event in events:
        # The client's own changes are sent in any case. A change read from the database has no known author.
        told = _ALL if event.origin == view.seat.cursor.id or batch.from_log else _told(session)
        if isinstance(event, MailboxKeywords):
            if told:
                _passed(view, event)
                await tell_flags(session, view, event.keywords)
        elif isinstance(event, MessagesRemoved):
            _collect_removed(view, changes, event, told, await _removed(session, view, event, batch))
        else:
            _collect(session, view, changes, event, told)
    removed = normalize(changes.removed)
    if removed and expunge:
        _tell_removed(session, view, removed)
    elif removed:
        _hold(session, view, removed, events)
    if changes.held:
        _hold(session, view, normalize(changes.held), events)
    if changes.added:
        _tell_new(session, view, changes, batch)
    await _tell_states(session, view, changes)


def _passed(view: View, event: Event) -> None:
    """Note that a change of the mailbox is in the view. It does not count after changes that were not sent."""
    if not view.modseqs.behind:
        view.modseqs.last = max(view.modseqs.last, event.modseq)


def _hold(session: Session, view: View, removed: Ranges, events: Sequence[_Mine]) -> None:
    view.hold(removed)
    if view.gone and not session.held:
        session.held = min(event.modseq for event in events if isinstance(event, MessagesRemoved))


def _tell_removed(session: Session, view: View, removed: Ranges) -> None:
    """Send removals, with those held back, unless the client does not want the latter."""
    gone, held = list(runs(view.gone or ())), session.held
    if "messageexpunge" in _told(session):
        tell_removed(session, view, normalize([*removed, *gone]))
        return
    tell_removed(session, view, removed)
    if gone:
        view.hold(gone)
        session.held = held


def _collect(
    session: Session,
    view: View,
    changes: _Changes,
    event: MessageAdded | FlagsChanged,
    told: frozenset[str],
) -> None:
    """Note one event about a message of the selected mailbox. `told`: the events that the client wants."""
    if event.modseq <= view.modseqs.since:  # SELECT has read it
        return
    uid = event.uid
    if uid >= view.uidnext:
        # New messages are numbered in the order of their UIDs, so the client's own new messages must wait, too.
        if "messagenew" in _told(session) and (isinstance(event, MessageAdded) or uid in changes.added):
            _passed(view, event)
            changes.added[uid] = event
    elif "flagchange" in told:
        _passed(view, event)
        # If another's change is below it, the client cannot know the result.
        if uid in changes.flags or not _quiet(session, view, event):
            changes.flags.pop(uid, None)  # the last state of a message is sent in the order of its modseq
            changes.flags[uid] = event


def _collect_removed(
    view: View, changes: _Changes, event: MessagesRemoved, told: frozenset[str], removed: Ranges
) -> None:
    """Note a removal. `removed` is the part of it that the view may have."""
    for uid in event.uids:
        changes.added.pop(uid, None)
        changes.flags.pop(uid, None)
    ranges = within(removed, 1, view.uidnext - 1)
    if "messageexpunge" in told:
        _passed(view, event)
        changes.removed += ranges
    else:
        changes.held += ranges


async def _removed(session: Session, view: View, event: MessagesRemoved, batch: Batch) -> Ranges:
    """The UIDs in the event, without UIDs that were removed before a view began that cannot know them."""
    if isinstance(view, CountedView):
        if batch.from_log:
            return await removed_since(view, event.uids)
        if event.modseq <= view.modseqs.since:
            return []
    return list(runs(event.uids))


def _quiet(session: Session, view: View, event: MessageAdded | FlagsChanged) -> bool:
    """Whether the client knows this change, as it made it (`Session.hush`), and no other change came in between."""
    alone = session.running.own_changes.get(event.modseq)
    if alone is None or (session.running.flags_sent is not None and event.uid in session.running.flags_sent):
        return False
    return alone or event.origin == view.seat.cursor.id


def _tell_new(session: Session, view: View, changes: _Changes, batch: Batch) -> None:
    """Add new messages to the view, and send one EXISTS for all of them (IMAP-55)."""
    uids = uid_array(sorted(changes.added))
    alone = view.gone or view.modseqs.behind or view.counted or view.seat.cursor.partial
    shared = None if alone else view.seat.share.sharing.find(view.mailbox_id, batch.modseq)
    if shared is not None and len(shared) == view.exists + len(uids) and shared.uids[-len(uids) :] == uids:
        view.list = shared
        view.uidnext = uids[-1] + 1
    else:
        view.grow(uids)
    claimed = claim_told(session, view, uids)
    session.write(b"* %d EXISTS\r\n" % view.exists)
    if claimed:
        session.respond(RecentData(view.recent_count))


async def _tell_states(session: Session, view: View, changes: _Changes) -> None:
    """Send FETCH for new and changed messages, in the order of their modseqs."""
    events = [*changes.added.values(), *changes.flags.values()]
    events.sort(key=lambda event: event.modseq)
    if session.running.flags_sent is not None:
        session.running.flags_sent.update(event.uid for event in events)
    notify = session.notify
    waiting: list[int] = []  # new messages that are sent with the items of NOTIFY
    lines: list[bytes] = []
    for event in events:
        if notify is not None and notify.items and event.uid in changes.added and event.origin != view.seat.cursor.id:
            waiting.append(event.uid)
            continue
        if notify is not None and waiting:
            session.write(b"".join(lines))
            lines.clear()
            await notify.tell_new(session, view, sorted(waiting))
            waiting.clear()
        keywords = await view.seat.spelled(event.keywords) if event.keywords else ()
        flags = wire_flags(event.flags, keywords, view.recent.shows(event.uid))
        lines.append(flags_line(session, view, event.uid, flags, event.modseq))
    if lines:
        session.write(b"".join(lines))
    if notify is not None and waiting:
        await notify.tell_new(session, view, sorted(waiting))


def flags_line(session: Session, view: View, uid: int, flags: bytes, modseq: int) -> bytes:
    """``* n FETCH (UID u FLAGS (…) [MODSEQ (m)])`` in the form for this session; empty if it does not know the
    message.
    """
    shown = modseq if session.extensions.condstore else None
    if session.extensions.uidonly:
        return uidfetch_flags(uid, flags, shown)
    number = view.number(uid)
    return fetch_flags(number, uid, flags, shown) if number else b""


def tell_removed(session: Session, view: View, removed: Ranges) -> None:
    """Send EXPUNGE or VANISHED for UIDs; they have no numbers from here on."""
    mine = view.told(removed)
    view.gone = None
    session.held = 0
    if not mine:
        return
    ranges = list(runs(mine))
    if session.extensions.qresync or session.extensions.uidonly:
        session.write(vanished_lines(ranges))
    else:
        session.write(expunge_lines(view.numbers_of(ranges)))
    had_recent = bool(view.recent.uids) and bool(index_runs(mine, view.recent.uids))
    view.shrink(mine)
    if had_recent and not session.extensions.rev2:
        session.respond(RecentData(view.recent_count))


async def tell_flags(session: Session, view: View, keywords: tuple[str, ...]) -> None:
    """Send ``* FLAGS`` if there are keywords that the client does not know (IMAP-60)."""
    if not frozenset(keywords) <= view.keywords:
        view.keywords = frozenset(keywords)
        session.respond(FlagsData((*SYSTEM_FLAGS, *await view.seat.spelled(keywords))))


def _tell_mailbox(session: Session, event: Event) -> None:
    """Send LIST for mailboxes and subscriptions that are new, renamed or gone (IMAP-59); NOTIFY does it differently."""
    if not session.extensions.rev2:
        # RFC 3501 §7.2.2 has LIST only as the answer to LIST. Thunderbird takes an unsolicited one for a mailbox that
        # it has found, cannot rename its own to that then, and shows both.
        return
    match event:
        case MailboxAdded(name=name, special_use=use, subscribed=subscribed, system=system):
            session.respond(ListData((*_subscribed(subscribed), *list_names(use, system=system)), name))
        case MailboxRenamed(name=name, old_name=old, special_use=use, subscribed=subscribed, system=system):
            words = (*_subscribed(subscribed), *list_names(use, system=system))
            session.respond(ListData(words, name, oldname=old or None))
        case MailboxRemoved(name=name, subscribed=subscribed):
            session.respond(ListData((r"\NonExistent", *_subscribed(subscribed)), name))
        case SubscriptionAdded(name=name, nonexistent=nonexistent):
            session.respond(ListData((r"\Subscribed", *_nonexistent(nonexistent)), name))
        case SubscriptionRemoved(name=name, nonexistent=nonexistent):
            session.respond(ListData(_nonexistent(nonexistent), name))


async def _tell_annotation(session: Session, event: AnnotationChanged) -> None:
    """Send METADATA for an entry that another session has changed, if the client requested that (IMAP-59, IMAP-129)."""
    if event.origin == session.home.cursor.id:
        return
    notify, name = session.notify, event.mailbox_name
    wanted = session.extensions.wants_metadata(server=not name)  # by ENABLE
    if not wanted and notify is not None:
        kind = "mailboxmetadatachange" if name else "servermetadatachange"
        wanted = await notify.wants(session, kind, name)
    if wanted:
        session.respond(MetadataChanged(name, (event.key,)))


def _subscribed(value: bool) -> tuple[str, ...]:
    return (r"\Subscribed",) if value else ()


def _nonexistent(value: bool) -> tuple[str, ...]:
    return (r"\NonExistent",) if value else ()
