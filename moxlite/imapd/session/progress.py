"""Progress responses for a long command of unknown duration (RFC 9585, IMAP-125)."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

from moxlite.imapd.session.errors import Disconnect, Refused
from moxlite.imapd.session.state import Session
from moxlite.proto.imap.responses import Code, State
from moxlite.store.errors import StoreError

T = TypeVar("T")

INTERVAL: Final = 10.0
"""Seconds between two INPROGRESS responses."""


class _ProgressReporter:
    """Sends a progress response every `INTERVAL` seconds. It is cancelled while it sleeps, never while it writes: half
    a TLS record cannot be taken back.
    """

    def __init__(self, session: Session) -> None:
        self.failure: trio.BrokenResourceError | None = None
        self._session = session
        self._sleep = trio.CancelScope()

    async def run(self) -> None:
        session = self._session
        tag = b"NIL" if "]" in session.running.tag else b'"%b"' % session.running.tag.encode()
        code = Code("INPROGRESS", b"(%b NIL NIL)" % tag)
        while True:
            with self._sleep:
                await trio.sleep(INTERVAL)
            if self._sleep.cancel_called:
                return
            self._sleep = trio.CancelScope()
            try:
                session.respond(State("OK", "still working", code))
                await session.wire.output.drain()
            except trio.BrokenResourceError as error:
                self.failure = error
                return

    def stop(self) -> None:
        """Stop, as the command has ended."""
        self._sleep.cancel()


async def going_on(session: Session, work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` and return its result, while the client gets a progress response every `INTERVAL` seconds.

    `work` must not write. Its exceptions are raised. Raises BrokenResourceError if the client is gone.
    """
    found: list[T] = []
    error: Refused | StoreError | Disconnect | None = None
    async with trio.open_nursery() as nursery:
        teller = _ProgressReporter(session)
        nursery.start_soon(teller.run)
        try:
            found.append(await work())
        except (Refused, StoreError, Disconnect) as raised:
            error = raised  # not through the nursery, which would wrap it in a group
        finally:
            teller.stop()
    if error is not None:
        raise error
    if teller.failure is not None:
        raise teller.failure
    return found[0]
