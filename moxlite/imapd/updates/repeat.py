"""Sharing one rendered change among sessions in the same state: rendered for the first, copied to the others.

Theory of operation
-------------------
Each change is sent to all idle devices of a user, ten or a hundred. Sessions that have applied the account's changes up
to one modseq, and hold nothing back, know the same messages of a mailbox (`uidlist`); so the same octets bring each of
them to the next modseq, and their views into the same state. For the first session `changes.tell` renders the octets,
which are noted at the `AccountShare` (`tell_and_note`). The others find the note by the state on which it depends, and
neither read an event nor wait for anything (`repeat`). A session that needs other octets, because of its own changes,
``\\Recent`` or NOTIFY, finds no note, and `changes.tell` renders them.
"""

from typing import Final

from moxlite.imapd.session.notes import Key, Told
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import tell
from moxlite.store.types import (
    Event,
    FlagsChanged,
    MailboxCounts,
    MailboxKeywords,
    MessageAdded,
    MessagesRemoved,
    ThreadChanged,
)

MAX_EVENTS: Final = 100
"""Maximum events in a note. With more, rendering costs much more than the note saves."""

MAX_OCTETS: Final = 16_384
"""Maximum octets in a note. More would not be sent at once anyway."""

_COMMON: Final = (MessageAdded, FlagsChanged, MessagesRemoved, MailboxKeywords, MailboxCounts, ThreadChanged)
"""Events that are frequent. Other events are so rare that each session handles them itself."""


def _key(session: Session, view: View, *, expunge: bool) -> Key:
    modseq = session.home.cursor.modseq
    return (
        modseq,
        view.mailbox_id,
        view.uidnext,
        view.keywords,
        view.access.read_only,
        int(session.extensions.enabled),
        expunge,
    )


def _usual(session: Session, view: View) -> bool:
    """Whether the view holds nothing back, and the session has requested nothing that other sessions do not get."""
    notify = session.notify
    return (
        view.seat is session.home
        and not view.counted
        and view.gone is None
        and not view.modseqs.behind
        and not view.access.lost
        and view.modseqs.since <= view.seat.cursor.modseq
        and not view.seat.cursor.partial
        and not session.held
        and not session.running.own_changes
        and session.running.flags_sent is None
        and (notify is None or (notify.whole and not notify.items))
    )


def repeat(session: Session, *, expunge: bool) -> bool:
    """Send the octets noted for a session in the same state. Returns False if there is no such note; then nothing was
    done.
    """
    view = session.view
    if view is None:
        return False
    home = session.home
    told = home.share.told.find(_key(session, view, expunge=expunge))
    cursor = home.cursor
    if (
        told is None
        or not _usual(session, view)
        or cursor.id in told.origins
        or not (told.alone or session.notify is None)
        or told.concerns(view.recent.uids)
    ):
        return False
    cursor.skip_to(told.modseq)
    if cursor.modseq != told.modseq:  # it reads from the database
        return False
    view.list, view.uidnext, view.keywords = told.uids, told.uidnext, told.keywords
    view.modseqs.last = max(view.modseqs.last, told.passed)
    if told.octets:
        session.write(told.octets)
    cursor.acknowledge(told.modseq)
    return True


async def tell_and_note(session: Session, *, expunge: bool) -> None:
    """Call `changes.tell`, and keep a note of the octets sent if other sessions may need the same."""
    view = session.view
    output = session.wire.output
    events: list[Event] | None = None
    if view is not None and not output.pending and _usual(session, view):
        events = view.seat.cursor.upcoming(MAX_EVENTS)
    if view is None or not events or not all(isinstance(event, _COMMON) for event in events):
        await tell(session, expunge=expunge)
        return
    cursor = view.seat.cursor
    key, end, sent = _key(session, view, expunge=expunge), cursor.latest, output.sent
    modseq, recent = view.modseqs.last, view.recent.uids
    await tell(session, expunge=expunge)
    same = cursor.modseq == end and output.sent == sent and view.recent.uids is recent and _usual(session, view)
    if same and output.pending <= MAX_OCTETS and cursor.id not in (origins := {event.origin for event in events}):
        messages = [event for event in events if isinstance(event, MessageAdded | FlagsChanged | MessagesRemoved)]
        uids = _uids(messages)
        told = Told(
            octets=output.pending_octets(),
            modseq=end,
            uids=view.list,
            uidnext=view.uidnext,
            keywords=view.keywords,
            passed=view.modseqs.last if view.modseqs.last != modseq else 0,
            alone=all(event.mailbox_id == view.mailbox_id for event in messages),
            origins=frozenset(origins),
            low=min(uids, default=0),
            high=max(uids, default=0),
        )
        if not told.concerns(view.recent.uids):
            session.home.share.told.keep(key, told)


def _uids(events: list[MessageAdded | FlagsChanged | MessagesRemoved]) -> list[int]:
    uids: list[int] = []
    for event in events:
        uids += event.uids if isinstance(event, MessagesRemoved) else (event.uid,)
    return uids
