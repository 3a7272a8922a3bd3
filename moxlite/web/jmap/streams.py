"""Changes as they happen: event stream (RFC 8620 §7.3) and websocket (RFC 8887), by the change bus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary

import msgspec
import trio

from moxlite.store.delivery.submissions import submission_state
from moxlite.store.groupware.history import calendar_state, contact_state, message_state
from moxlite.store.mail.sharenotices import share_notice_state
from moxlite.store.rows.history import mail_state, mailbox_state
from moxlite.store.types import AccountClosing, MessageAdded
from moxlite.web.http.encoding import COMMENT, EVENT_STREAM_HEADERS, encode_event
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.websocket import ConnectionClosed
from moxlite.web.jmap.accounts import account_id
from moxlite.web.jmap.protocol import ON_LOOP, Object, RequestError, decoded, encoded, read_object

if TYPE_CHECKING:
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import Request, ResponseWriter
    from moxlite.web.http.websocket import WebSocketConnection


STATES: Final[Mapping[str, Callable[[Reader], int]]] = {
    "Mailbox": mailbox_state,
    "Email": mail_state,
    "Thread": mail_state,
    "EmailSubmission": submission_state,
    "AddressBook": contact_state,
    "ContactCard": contact_state,
    "Calendar": calendar_state,
    "CalendarEvent": calendar_state,
    "CalendarEventNotification": message_state,
    "ShareNotification": share_notice_state,
}
DELIVERY: Final = "EmailDelivery"
"""Changes when mail is added (RFC 8621 §1.5)."""

SHORTEST_PING: Final = 5
LONGEST_PING: Final = 300
DEFAULT_PING: Final = 60
GATHER: Final = 0.02
"""Seconds in which changes are gathered for one event."""

MAX_REQUESTS: Final = 4
"""Requests of a websocket that run at a time."""

Room: TypeAlias = Callable[[int], AbstractAsyncContextManager[None]]
"""Function that gives the context in which a request of so many octets is decoded and answered; entering it raises
RequestError.
"""


def states_of(r: Reader) -> dict[str, str]:
    """The states of all types that are told."""
    found = {name: str(read(r)) for name, read in STATES.items()}
    return {**found, DELIVERY: found["Email"]}


class _States:
    """The states of an account, read once after each change for all that watch it."""

    __slots__ = ("_lock", "_modseq", "_states")

    def __init__(self) -> None:
        self._lock = trio.Lock()
        self._modseq = -1
        self._states: dict[str, str] = {}

    async def at(self, account: OpenAccount, modseq: int) -> dict[str, str]:
        """The states at this modseq, or later. Raises StoreError."""
        if self._modseq < modseq:
            async with self._lock:
                if self._modseq < modseq:
                    self._states, self._modseq = await account.read(states_of, op="jmap push"), modseq
        return self._states


_known: Final[WeakKeyDictionary[OpenAccount, _States]] = WeakKeyDictionary()


class Watch:
    """Finds which states have changed since the last look. `note`: hears of each message before it is told."""

    def __init__(self, account: OpenAccount, types: frozenset[str] | None, note: Callable[[Object], None]) -> None:
        self._account, self._types, self._note = account, types, note
        self._last: dict[str, str] = {}

    async def run(
        self, tell: Callable[[Object], Awaitable[None]], idle: Callable[[], Awaitable[None]], ping: float
    ) -> None:
        """Tell of each change, and call `idle` after so many quiet seconds; returns when the account closes."""
        self._last, cursor = await self._account.subscribe(states_of, op="jmap push")
        try:
            while True:
                with trio.move_on_after(ping) as scope:
                    await cursor.wait()
                if scope.cancelled_caught:
                    await idle()
                    continue
                await trio.sleep(GATHER)
                batch = await cursor.take()
                cursor.acknowledge(batch.modseq)
                if any(isinstance(event, AccountClosing) for event in batch.events):
                    return
                added = batch.from_log or any(isinstance(event, MessageAdded) for event in batch.events)
                now = await _known.setdefault(self._account, _States()).at(self._account, batch.modseq)
                changed = {
                    name: state
                    for name, state in now.items()
                    if state != self._last[name]
                    and (self._types is None or name in self._types)
                    and (name != DELIVERY or added)
                }
                self._last = now
                if changed:
                    message: Object = {"@type": "StateChange", "changed": {account_id(self._account.name): changed}}
                    self._note(message)
                    await tell(message)
        finally:
            cursor.close()


async def serve_events(
    request: Request,
    writer: ResponseWriter,
    account: OpenAccount,
    parameters: Mapping[str, str],
    note: Callable[[Object], None],
) -> None:
    """Serve an event stream until the client leaves, or for ``closeafter=state`` until the first change. `note`: as of
    `Watch`.

    Raises HTTPError 400 for wrong parameters.
    """
    types, ping = parameters.get("types", "*"), parameters.get("ping", "0")
    closes = parameters.get("closeafter", "no")
    if closes not in ("no", "state") or not ping.isdecimal() or len(ping) > 9:
        raise HTTPError(400, "closeafter is no or state, and ping a number of seconds.")
    seconds = int(ping) and min(max(int(ping), SHORTEST_PING), LONGEST_PING)
    wanted = None if types == "*" else frozenset(types.split(","))
    await writer.start(200, EVENT_STREAM_HEADERS)
    await writer.write(COMMENT)
    gone = False
    async with trio.open_nursery() as nursery:

        async def leave() -> None:
            with suppress(ClientGone):
                await request.body.wait_gone()
            nursery.cancel_scope.cancel()

        async def tell(change: Object) -> None:
            await writer.write(encode_event("state", msgspec.json.encode(change)))
            if closes == "state":
                nursery.cancel_scope.cancel()

        async def idle() -> None:
            ping = encode_event("ping", msgspec.json.encode({"interval": seconds}))
            await writer.write(ping if seconds else COMMENT)

        nursery.start_soon(leave)
        try:
            with request.drain.waiting():
                await Watch(account, wanted, note).run(tell, idle, seconds or DEFAULT_PING)
        except ClientGone:
            gone = True
        nursery.cancel_scope.cancel()
    if gone:
        raise ClientGone
    await writer.finish()


async def serve_socket(
    socket: WebSocketConnection,
    account: OpenAccount,
    run: Callable[[Object], Awaitable[Object]],
    note: Callable[[Object], None],
    turn: trio.CapacityLimiter,
    room: Room,
) -> None:
    """Answer the requests of a websocket, and tell of changes while the client wants that, until it closes.

    `turn`: limits the requests of the account; `room`: long ones of all.
    """
    async with trio.open_nursery() as nursery:
        with suppress(ConnectionClosed):
            await _Socket(socket, account, run, note, turn, room, nursery).serve()
        nursery.cancel_scope.cancel()


class _Socket:
    """One websocket."""

    def __init__(
        self,
        socket: WebSocketConnection,
        account: OpenAccount,
        run: Callable[[Object], Awaitable[Object]],
        note: Callable[[Object], None],
        turn: trio.CapacityLimiter,
        room: Room,
        nursery: trio.Nursery,
    ) -> None:
        self._socket, self._account, self._run, self._nursery = socket, account, run, nursery
        self._note, self._turn, self._room = note, turn, room
        self._limiter = trio.CapacityLimiter(MAX_REQUESTS)
        self._watching = trio.CancelScope()

    async def serve(self) -> None:
        """Take what the client sends. Raises ConnectionClosed."""
        while True:
            text = await self._socket.get_message()
            try:
                octets = text.encode() if isinstance(text, str) else text
                if len(octets) <= ON_LOOP:
                    await self._take(decoded(octets))
                else:
                    await self._take_long(octets)
            except RequestError as error:
                await self._send({"@type": "RequestError", **error.problem()})

    async def _take_long(self, octets: bytes | bytearray) -> None:
        """A long request: nothing more is read until it is answered."""
        async with self._turn:
            async with self._room(len(octets)):
                value = await read_object(octets)
                if value.get("@type") != "Request":
                    raise RequestError("notRequest", "a message of this length is a Request")
                answer = await encoded(await self._run(value))
            await self._send_octets(answer)

    async def _take(self, value: Object) -> None:
        match value.get("@type"):
            case "Request" if self._limiter.borrowed_tokens >= MAX_REQUESTS:
                await self._answer(value)  # nothing more is read until it is done
            case "Request":
                self._nursery.start_soon(self._answer, value)
                await trio.lowlevel.checkpoint()
            case "WebSocketPushEnable" | "WebSocketPushDisable" as kind:
                self._watching.cancel()
                if kind == "WebSocketPushEnable":
                    types = value.get("dataTypes")
                    self._watching = trio.CancelScope()
                    wanted = frozenset(map(str, types)) if isinstance(types, list) else None
                    self._nursery.start_soon(self._watch, wanted, self._watching)
            case _:
                raise RequestError("notRequest", "@type is Request, WebSocketPushEnable or WebSocketPushDisable")

    async def _answer(self, value: Object) -> None:
        async with self._limiter, self._turn:
            await self._send(await self._run(value))

    async def _watch(self, types: frozenset[str] | None, scope: trio.CancelScope) -> None:
        with scope, suppress(ConnectionClosed):
            await Watch(self._account, types, self._note).run(self._send, self._socket.ping, DEFAULT_PING)

    async def _send(self, value: Object) -> None:
        await self._send_octets(await encoded(value))

    async def _send_octets(self, octets: bytes) -> None:
        with suppress(ConnectionClosed):  # the task that reads sees it, too
            await self._socket.send_message(octets.decode())
