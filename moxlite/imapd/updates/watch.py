"""Waiting for the client while sending it changes: IDLE, and NOTIFY between commands (RFC 9051 §6.3.13, IMAP-128; RFC
5465 §3.1).
"""

from __future__ import annotations

import math
from typing import Final

import trio

from moxlite.imapd.session.errors import Disconnect
from moxlite.imapd.session.sessions import Key, SentUpdate
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import tell
from moxlite.proto.imap import commands as c, server as codec
from moxlite.proto.imap.responses import Continue, State
from moxlite.store.types import (
    Event,
    FlagsChanged,
    MailboxCounts,
    MailboxKeywords,
    MessageAdded,
    MessagesRemoved,
    ThreadChanged,
)


class _Watch:
    """Sends changes as they come, beside the task that waits for the client.

    It is cancelled while it waits, never while it writes: half a TLS record cannot be taken back.
    """

    def __init__(self, session: Session, reading: trio.CancelScope, *, expunge: bool, keepalive: float) -> None:
        self.failure: Disconnect | trio.BrokenResourceError | None = None
        self._session = session
        self._reading = reading
        self._expunge = expunge
        self._keepalive = keepalive
        self._alarm = session.alarm()
        self._stopped = False

    async def run(self) -> None:
        """Send changes until `stop`, or until the session cannot go on."""
        session = self._session
        try:
            while not self._stopped:
                session.transcript.follow(session.user)
                session.running.budget = 1  # some of them, followed by a checkpoint
                await tell_and_note(session, expunge=self._expunge)
                await session.wire.output.drain()
                with trio.CancelScope(deadline=self._next_sign()) as waiting:
                    await self._repeat()
                if waiting.cancelled_caught and not self._stopped:
                    session.respond(State("OK", "still here"))
        except (Disconnect, trio.BrokenResourceError) as error:
            self.failure = error
            self._reading.cancel()

    async def _repeat(self) -> None:
        """Send changes of the mailbox as they come, until one cannot be sent without waiting, or until `stop`.

        Nothing is awaited but the next change, so a cancellation never cuts off a response.
        """
        session, output = self._session, self._session.wire.output
        while not self._stopped:
            if session.pending():
                session.transcript.follow(session.user)
                if not repeat(session, expunge=self._expunge):
                    return
            elif output.flush():
                await self._alarm.sleep()
            else:
                return

    def _next_sign(self) -> float:
        """Time of the next keepalive response (IMAP-161): the same moment for all connections, so that a phone's radio
        wakes up once for all of them.
        """
        if not self._keepalive:
            return math.inf
        return (trio.current_time() // self._keepalive + 1) * self._keepalive

    def stop(self) -> None:
        """Stop, as the client has sent something."""
        self._stopped = True
        self._alarm.set()


async def receive_while_telling(session: Session, *, expunge: bool, keepalive: float = 0.0) -> codec.Event | None:
    """The next event; until it comes, changes are sent. None: the reading was cancelled.

    Args:
      expunge: removals are sent too. keepalive: seconds between two keepalive responses, 0 for none.

    Raises Disconnect or BrokenResourceError when the session can't go on.
    """
    event: codec.Event | None = None
    await session.wire.output.drain()
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as reading:
            watch = _Watch(session, reading, expunge=expunge, keepalive=keepalive)
            nursery.start_soon(watch.run)
            try:
                event = await session.wire.receive()
            except (Disconnect, trio.BrokenResourceError) as error:
                watch.failure = watch.failure or error
            finally:
                watch.stop()
    if watch.failure is not None:
        raise watch.failure
    return event


async def idle(session: Session, command: c.Idle) -> Done:
    """IDLE: with or without a selected mailbox."""
    decoder = session.wire.decoder
    session.respond(Continue(b"idling"))
    await session.wire.output.drain()
    decoder.expect = "idle"
    try:
        event = await receive_while_telling(session, expunge=True, keepalive=session.context.idle_keepalive)
    finally:
        decoder.expect = "command"
    match event:
        case codec.IdleDone():
            return Done("IDLE completed")
        case codec.BadCommand(text=text, code=code):
            raise Disconnect(text, code)
        case _:
            raise Disconnect("connection closed")


# Sharing one rendered change among sessions in the same state: rendered for the first, copied to the others.
#
# Theory of operation ------------------- Each change is sent to all idle devices of a user, ten or a hundred.
# Sessions that have applied the account's changes up to one modseq, and hold nothing back, know the same messages of
# a mailbox (`UidList`); so the same octets bring each of them to the next modseq, and their views into the same
# state. For the first session `changes.tell` renders the octets, which are noted at the `AccountShare`
# (`tell_and_note`). The others find the note by the state on which it depends, and neither read an event nor wait for
# anything (`repeat`). A session that needs other octets, because of its own changes, ``\Recent`` or NOTIFY, finds no
# note, and `changes.tell` renders them.


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
    sent_update = home.share.told.find(_key(session, view, expunge=expunge))
    cursor = home.cursor
    if (
        sent_update is None
        or not _usual(session, view)
        or cursor.id in sent_update.origins
        or not (sent_update.alone or session.notify is None)
        or sent_update.concerns(view.recent.uids)
    ):
        return False
    cursor.skip_to(sent_update.modseq)
    if cursor.modseq != sent_update.modseq:  # it reads from the database
        return False
    view.list, view.uidnext, view.keywords = sent_update.uids, sent_update.uidnext, sent_update.keywords
    view.modseqs.last = max(view.modseqs.last, sent_update.passed)
    if sent_update.octets:
        session.write(sent_update.octets)
    cursor.acknowledge(sent_update.modseq)
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
    # Kept only if nothing was sent or claimed on the way: others would repeat octets that lack a part.
    same = cursor.modseq == end and output.sent == sent and view.recent.uids is recent and _usual(session, view)
    if same and output.pending <= MAX_OCTETS and cursor.id not in (origins := {event.origin for event in events}):
        messages = [event for event in events if isinstance(event, MessageAdded | FlagsChanged | MessagesRemoved)]
        uids = _uids(messages)
        sent_update = SentUpdate(
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
        if not sent_update.concerns(view.recent.uids):
            session.home.share.told.keep(key, sent_update)


def _uids(events: list[MessageAdded | FlagsChanged | MessagesRemoved]) -> list[int]:
    uids: list[int] = []
    for event in events:
        uids += event.uids if isinstance(event, MessagesRemoved) else (event.uid,)
    return uids
