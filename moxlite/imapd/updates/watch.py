"""Waiting for the client while sending it changes: IDLE, and NOTIFY between commands (RFC 9051 §6.3.13, IMAP-128; RFC
5465 §3.1).
"""

from __future__ import annotations

import math

import trio

from moxlite.imapd.session.errors import Disconnect
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.updates.repeat import repeat, tell_and_note
from moxlite.proto.imap import commands as c, server as codec
from moxlite.proto.imap.responses import Continue, State


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
            return Done("idled")
        case codec.BadCommand(text=text, code=code):
            raise Disconnect(text, code)
        case _:
            raise Disconnect("connection closed")
