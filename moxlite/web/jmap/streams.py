"""Changes as they happen: event stream (RFC 8620 §7.3) and websocket (RFC 8887), by the change bus.

Guests are only notified about changes to shared objects, because another user's account may be busy all day. Rights are
read anew with each change (JMAP-7b).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary, WeakValueDictionary

import msgspec
import trio

from moxlite.encoding import to_json
from moxlite.ledger import NoRoom
from moxlite.net.admission import guard
from moxlite.store.accounts.access import visited
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.types import AccountClosing
from moxlite.wakeup import Alarm
from moxlite.web.http.encoding import COMMENT, EVENT_STREAM_HEADERS, encode_event
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.exchange import query_parameters
from moxlite.web.http.websocket import SHORT, ConnectionClosed
from moxlite.web.jmap.accounts import Place
from moxlite.web.jmap.bodies import Budget
from moxlite.web.jmap.protocol import MethodError, Object, RequestError, encoded, read_object
from moxlite.web.jmap.states import SharedStates, Viewer, is_news, seen_states

if TYPE_CHECKING:
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.web.http.exchange import Request, ResponseWriter
    from moxlite.web.http.websocket import MessageRoom, WebSocketConnection
    from moxlite.web.jmap.methods import Server


logger = logging.getLogger("moxlite.web.jmap")

MAX_OWNERS: Final = 50
"""Other users' accounts whose changes a user is notified about. Each stays open meanwhile. Same as in the webmail."""

AGAIN: Final = 60.0
"""Seconds until an account of another user that was closed, or could not be opened, is opened again."""

SHORTEST_PING: Final = 5
"""Seconds: a client that asks for more pings gets these. Each wakes it as well as us."""

LONGEST_PING: Final = 300
"""Seconds: proxies and address translation forget connections that are silent for longer."""

DEFAULT_PING: Final = 60
"""Seconds between comments to a client that wants no pings: only a write shows that one has gone without a word."""

PUSH: Final = b"WebSocketPush"
"""Octets that messages have which turn pushes on and off."""

LIMIT: Final = "maxConcurrentRequests"
"""Limit that a request has reached for which there is no room."""

FRAMED: Final = 4
FRAMED_TEXT: Final = 8
"""Times the octets of an answer that it takes while a websocket sends it as a text: in ASCII, and with an emoji."""

MAX_REQUESTS: Final = 4
"""Requests of a websocket that run at a time."""

TEXTS: Final = 24 << 20
"""Octets of texts, header fields, parts and referenced results that one request may return."""

Run: TypeAlias = Callable[[Object, Budget], Awaitable[Object]]
"""Function that answers a request within a budget."""


_known: Final[WeakKeyDictionary[OpenAccount, WeakValueDictionary[tuple[str, str], SharedStates]]] = WeakKeyDictionary()
"""By account; by guest, "" for the owner, and address of the log-in."""


class Watch:
    """Finds which states have changed since the last look, in the user's account and in accounts of others that share
    something with the user. `address`: of the log-in. `note`: hears of each message before it is told.
    """

    def __init__(
        self,
        server: Server,
        home: OpenAccount,
        address: str,
        types: frozenset[str] | None,
        note: Callable[[Object], None],
    ) -> None:
        self._server, self._address, self._types, self._note = server, address, types, note
        self._home = Place(owner=home.name, account=home, home=home)

    async def run(
        self, tell: Callable[[Object], Awaitable[None]], idle: Callable[[], Awaitable[None]], ping: float
    ) -> None:
        """Tell of each change, and call `idle` after so many quiet seconds; returns when the user's own account closes
        or cannot be read.

        Raises what `tell` and `idle` raise once the client is gone.
        """
        failed: Exception | None = None
        # Changes of several accounts and pings share a connection, which sends one message at a time.
        turn = trio.Lock()

        async def alone(work: Callable[[], Awaitable[None]]) -> None:
            nonlocal failed
            try:
                async with turn:
                    await work()
            except (ClientGone, ConnectionClosed) as error:
                failed = error
                nursery.cancel_scope.cancel()

        async def tell_alone(message: Object) -> None:
            await alone(partial(tell, message))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow_others, tell_alone)
            try:
                await self._follow(self._home, tell_alone, partial(alone, idle), ping)
            except StoreError as error:
                kv = {"account": self._home.owner, "err": str(error)}
                logger.warning("change notification failed", extra={"kv": kv})
            nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _follow(
        self,
        place: Place,
        tell: Callable[[Object], Awaitable[None]],
        idle: Callable[[], Awaitable[None]] | None = None,
        ping: float = math.inf,
    ) -> None:
        """Tell of the changes of one account until it closes."""
        config, alarms = self._server.config, self._server.programs.alarms
        viewer = Viewer(place, config.current, self._address)
        last, cursor = await place.account.subscribe(partial(seen_states, viewer=viewer), op="jmap push")
        known = _known.setdefault(place.account, WeakValueDictionary()).setdefault(
            (place.guest, self._address), SharedStates()
        )
        alarms.add(cursor.alarm)
        try:
            while True:
                with trio.move_on_after(ping) as scope:
                    while not cursor.pending() and config.current.revision == viewer.snapshot.revision:
                        await cursor.alarm.sleep()
                if scope.cancelled_caught and idle is not None:
                    await idle()
                    continue
                # A burst of changes is one message: programs answer each with a request of their own.
                await known.gather()
                batch = cursor.take_tail() or await cursor.take()
                cursor.acknowledge(batch.modseq)
                if any(isinstance(event, AccountClosing) for event in batch.events):
                    return
                # Asked again with each change: rights may have gone since the account was opened.
                if place.guest and not await self._server.auth.sharing.may_share(place.owner, place.guest):
                    return
                viewer = msgspec.structs.replace(viewer, snapshot=config.current)
                now = await known.at(viewer, batch.modseq)
                changed = {
                    name: state
                    for name, state in now.items()
                    if is_news(name, last.get(name), state) and (self._types is None or name in self._types)
                }
                last = now
                if changed:
                    message: Object = {"@type": "StateChange", "changed": {place.id: changed}}
                    self._note(message)
                    await tell(message)
        finally:
            alarms.discard(cursor.alarm)
            cursor.close()

    async def _follow_others(self, tell: Callable[[Object], Awaitable[None]]) -> None:
        """Follow the accounts that share something with the user, whichever do at a time."""
        sharing, guest = self._server.auth.sharing, self._home.owner
        alarm = Alarm()
        sharing.alarms.add(alarm)
        followed: dict[str, trio.CancelScope] = {}
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    try:
                        owners = (await sharing.owners(guest))[:MAX_OWNERS]
                    except StoreError as error:
                        kv = {"account": guest, "err": str(error)}
                        logger.warning("failed to read shares", extra={"kv": kv})
                    else:
                        for gone in followed.keys() - {*owners}:
                            followed.pop(gone).cancel()
                        for owner in owners:
                            if owner not in followed:
                                followed[owner] = trio.CancelScope()
                                nursery.start_soon(self._visit, owner, followed[owner], tell)
                    await alarm.sleep()
        finally:
            sharing.alarms.discard(alarm)

    async def _visit(self, owner: str, scope: trio.CancelScope, tell: Callable[[Object], Awaitable[None]]) -> None:
        """Follow the account of another user while it shares something; one that closes is opened again."""
        home = self._home
        with scope:
            while True:
                # A problem with another user's file mustn't end this user's connection.
                with guard("web"):
                    try:
                        async with visited(self._server.accounts, self._server.auth, owner, home.owner) as account:
                            place = Place(owner=owner, guest=home.owner, account=account, home=home.account)
                            await self._follow(place, tell)
                    except NoSuchMailbox:
                        return
                    except StoreError as error:
                        kv = {"account": home.owner, "owner": owner, "err": str(error)}
                        logger.warning("change notification for another account failed", extra={"kv": kv})
                await trio.sleep(AGAIN)


async def serve_events(
    request: Request,
    writer: ResponseWriter,
    server: Server,
    account: OpenAccount,
    address: str,
    note: Callable[[Object], None],
) -> None:
    """Serve an event stream until the client leaves, or for ``closeafter=state`` until the first change. `address`,
    `note`: as of `Watch`.

    Raises HTTPError 400 for wrong parameters.
    """
    parameters = query_parameters(request)
    types, ping = parameters.get("types", "*"), parameters.get("ping", "0")
    closes = parameters.get("closeafter", "no")
    if closes not in ("no", "state") or not ping.isdecimal() or len(ping) > 9:
        raise HTTPError(400, "closeafter must be no or state, and ping must be a number of seconds.")
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
            await writer.write(encode_event("state", to_json(change)))
            if closes == "state":
                nursery.cancel_scope.cancel()

        async def idle() -> None:
            ping = encode_event("ping", to_json({"interval": seconds}))
            await writer.write(ping if seconds else COMMENT)

        nursery.start_soon(leave)
        try:
            with request.drain.waiting():
                await Watch(server, account, address, wanted, note).run(tell, idle, seconds or DEFAULT_PING)
        except ClientGone:
            gone = True
        nursery.cancel_scope.cancel()
    if gone:
        raise ClientGone
    await writer.finish()


async def serve_socket(
    socket: WebSocketConnection,
    run: Run,
    watch: Callable[[frozenset[str] | None], Watch],
    turn: trio.CapacityLimiter,
    room: MessageRoom,
) -> None:
    """Answer the requests of a websocket, and tell of changes while the client wants that, until it closes.

    `watch`: makes what tells of these types, None for all; `turn`: limits the requests of the account; `room`: of the
    websocket's messages.
    """
    async with trio.open_nursery() as nursery:
        with suppress(ConnectionClosed):
            await _Socket(socket, run, watch, turn, room, nursery).serve()
        nursery.cancel_scope.cancel()


class _Socket:
    """One websocket."""

    def __init__(
        self,
        socket: WebSocketConnection,
        run: Run,
        watch: Callable[[frozenset[str] | None], Watch],
        turn: trio.CapacityLimiter,
        room: MessageRoom,
        nursery: trio.Nursery,
    ) -> None:
        self._socket, self._run, self._make_watch, self._nursery = socket, run, watch, nursery
        self._turn, self._room = turn, room
        self._limiter = trio.CapacityLimiter(MAX_REQUESTS)
        self._watching = trio.CancelScope()

    async def serve(self) -> None:
        """Take what the client sends. Raises ConnectionClosed."""
        while True:
            text = await self._socket.get_message()
            octets = text.encode() if isinstance(text, str) else bytes(text)
            del text
            self._room.arrived(len(octets))
            if len(octets) > SHORT:
                async with self._room.message(len(octets)):  # nothing more is read until it is done
                    await self._take(octets)
            elif self._limiter.borrowed_tokens >= MAX_REQUESTS or PUSH in octets:  # these are done in their order
                await self._take(octets)
            else:
                self._nursery.start_soon(self._take, octets)
                await trio.lowlevel.checkpoint()
            del octets  # its room has been given back, and the next message may be hours away

    async def _take(self, octets: bytes) -> None:
        """Do what a message asks for."""
        short = len(octets) <= SHORT
        try:
            async with self._limiter, self._turn, self._room.message(len(octets)) if short else nullcontext():
                await self._obey(await read_object(octets))
        except (RequestError, NoRoom) as error:
            refusal = error if isinstance(error, RequestError) else RequestError("limit", str(error), 429, limit=LIMIT)
            await self._send({"@type": "RequestError", **refusal.problem()})

    async def _obey(self, value: Object) -> None:
        match value.get("@type"):
            case "Request":
                await self._answer(value)
            case "WebSocketPushEnable" | "WebSocketPushDisable" as kind:
                self._watching.cancel()
                if kind == "WebSocketPushEnable":
                    types = value.get("dataTypes")
                    self._watching = trio.CancelScope()
                    wanted = frozenset(map(str, types)) if isinstance(types, list) else None
                    self._nursery.start_soon(self._watch, wanted, self._watching)
            case _:
                raise RequestError("notRequest", "@type must be Request, WebSocketPushEnable, or WebSocketPushDisable")

    async def _answer(self, value: Object) -> None:
        budget = Budget(TEXTS, self._room.hold)
        try:
            octets = await encoded(await self._run(value, budget))
            # It is there once more as JSON, as text, and as octets of frames.
            await budget.reserve((FRAMED if octets.isascii() else FRAMED_TEXT) * len(octets))
            await self._send_octets(octets)
        except MethodError as error:
            raise RequestError("serverUnavailable", error.description, 503) from None
        finally:
            budget.close()

    async def _watch(self, types: frozenset[str] | None, scope: trio.CancelScope) -> None:
        with scope:
            with suppress(ConnectionClosed):
                await self._make_watch(types).run(self._send, self._socket.ping, DEFAULT_PING)
            # Close the connection, so the client knows that it won't get more notifications.
            self._nursery.cancel_scope.cancel()

    async def _send(self, value: Object) -> None:
        await self._send_octets(await encoded(value))

    async def _send_octets(self, octets: bytes) -> None:
        with suppress(ConnectionClosed):  # the task that reads sees it, too
            await self._socket.send_message(octets.decode())
