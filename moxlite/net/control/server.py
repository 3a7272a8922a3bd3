"""The server's end of the control socket (ADMIN-22..24, ADMIN-64); the protocol is in `protocol`.

The nursery tree::

    supervisor
     ├─ serve_ctl: accepts
     └─ one task per connection (at most 64): reads lines
         └─ one task per running request: the command
"""

import contextlib
import logging
import os
import re
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import trio

from moxlite import __version__
from moxlite.encoding import bounded, from_json, to_json
from moxlite.net.admission import guard
from moxlite.net.control.protocol import (
    VERSION,
    Answer,
    CtlProtocolError,
    Greeting,
    LineReader,
    LineWriter,
    Message,
    StreamReceiver,
    StreamSender,
)
from moxlite.net.control.tcp import TOKEN_FILE, TokenRejected, listen_tcp, prove_client
from moxlite.net.listeners import accept_loop
from moxlite.net.log import bind_cid, new_cid
from moxlite.net.socketpath import short
from moxlite.supervision import FailurePolicy, Supervisor

logger = logging.getLogger("moxlite.net.control.protocol")

MAX_CONNECTIONS: Final = 64
"""Maximum connections at a time (ADMIN-64). More are closed at once."""

MAX_REQUESTS: Final = 16
"""Maximum requests that run at a time on one connection."""

IDLE_SECONDS: Final = 600.0
"""Seconds without a running request after which a connection is closed."""

MODE: Final = 0o660
"""File mode of the socket (ADMIN-22)."""


LIMIT: Final = re.compile(
    r"Expected `(int|float|str)`(?P<of> of length)? (?P<sign><=|>=) (?P<number>\d++) - at `\$(\.\w++)*\.(?P<name>\w++)`"
)
"""Words of msgspec about an argument beyond its limit."""

PREDICATE: Final = re.compile(r"(is|isn't|must|has|can't|doesn't|wasn't|includes|no longer)\b")
"""Beginnings of texts about a field that need its name before them."""


LONGEST_NAMED: Final = 100
"""Characters of a value that is repeated in an error about it: a line of a terminal."""

SECRET: Final = frozenset({"password"})
"""Arguments that no error repeats."""


class CommandFailed(Exception):
    """A command cannot do what is asked: ``code`` for programs, the text for people. ``field``: the argument that is
    wrong, "" if no single one is; ``fields``: all of them, each with what is wrong.
    """

    def __init__(self, code: str, text: str, field: str = "", fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(text)
        self.code = code
        self.field = field
        self.fields = fields or ([(field, text)] if field else [])


class Exchange:
    """A running request: its octet streams both ways, and progress."""

    def __init__(self, writer: LineWriter, number: int) -> None:
        self._writer = writer
        self._number = number
        self.upload = StreamReceiver(writer, number)
        """Octets from the client: iterate."""
        self.download = StreamSender(writer, number)
        """Octets to the client."""

    async def progress(self, value: object) -> None:
        """Send a progress message to the client."""
        await self._writer.send(Message(self._number, progress=msgspec.Raw(to_json(value))))


class Command(msgspec.Struct, frozen=True):
    """A command of the control socket: `run` gets arguments decoded into `args` (unknown ones are refused) and returns
    the result.

    `run` raises CommandFailed with a text for the user.
    """

    args: type[Any]
    run: Callable[[Any, Exchange], Awaitable[object]]
    """Called with an instance of `args`."""
    audit: bool = True
    """Recorded in the audit log."""
    local: bool = True
    """The command line may ask for it; else the apps alone."""


Commands: TypeAlias = Callable[[], Awaitable[Mapping[str, Command]]]
"""Returns the commands by name. The modules that run them are loaded by the first call."""


def listen_ctl(path: Path) -> trio.SocketListener:
    """Bind the socket at `path` in place of a stale one. The caller holds the data lock, so no other listens there.

    Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        path.with_name(TOKEN_FILE).unlink()  # a client would look for the server at its port
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        old = os.umask(0o777 & ~MODE)
        try:
            with short(path) as name:
                sock.bind(name)
        finally:
            os.umask(old)
        sock.listen(MAX_CONNECTIONS)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


async def serve_ctl(
    path: Path,
    commands: Commands,
    tree: Supervisor,
    *,
    allowed_uids: frozenset[int] | None = None,
    tcp: bool = False,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Listen at `path`, accept connections and serve their requests, until cancelled; ready once it listens.

    Args:
      path: of the socket, see `listen_ctl`.
      commands: called for each connection.
      tree: runs the connections, which so outlive a failure of this task.
      allowed_uids: users whose processes may connect; None: root and our own user.
      tcp: listen at a port of the loopback interface instead, for clients that can read its token (`tcp`).

    Errors: OSError when the socket cannot be made; then as `moxlite.net.listeners.serve_listener`.
    """
    open_connections = 0

    async def admit_user(stream: trio.SocketStream) -> bool:
        uid = _peer_uid(stream)
        if uid in (allowed_uids or {0, os.geteuid()}):
            return True
        logger.warning("rejected control connection from another user", extra={"kv": {"uid": uid}})
        return False

    async def serve_one(stream: trio.SocketStream) -> None:
        nonlocal open_connections
        open_connections += 1
        try:
            if open_connections > MAX_CONNECTIONS:
                logger.warning("too many control connections", extra={"kv": {"limit": MAX_CONNECTIONS}})
                return
            if not await admit(stream):
                return
            with bind_cid(new_cid()), guard("ctl"):
                await _serve_connection(stream, await commands())
        finally:
            open_connections -= 1
            await trio.aclose_forcefully(stream)

    def take(stream: trio.SocketStream) -> None:
        tree.start("ctl.connection", partial(serve_one, stream), FailurePolicy.ONCE)

    token_file = path.with_name(TOKEN_FILE)
    admit: Callable[[trio.SocketStream], Awaitable[bool]]
    if tcp:
        listener, token = listen_tcp(path)
        admit = partial(_admit_token, token)
    else:
        listener, admit = listen_ctl(path), admit_user
    try:
        async with listener:
            task_status.started()
            await accept_loop(listener, "ctl", take)
    finally:
        if tcp:
            with contextlib.suppress(OSError):
                token_file.unlink()


async def _admit_token(token: bytes, stream: trio.SocketStream) -> bool:
    try:
        await prove_client(stream, token)
    except TokenRejected as error:
        logger.warning("rejected control connection without a valid token", extra={"kv": {"err": str(error)}})
        return False
    return True


def _peer_uid(stream: trio.SocketStream) -> int | None:
    """User id of the process at the other end, as the kernel reports it. None if it is unknown, which is refused."""
    asked = next((one for name, one in _CREDENTIALS.items() if sys.platform.startswith(name)), None)
    if asked is None:
        return None
    level, option, form, position = asked
    try:
        credentials = stream.getsockopt(level, option, struct.calcsize(form))
    except OSError:  # the client has gone already
        return None
    assert isinstance(credentials, bytes)
    if len(credentials) < struct.calcsize(form):
        return None
    uid: int = struct.unpack(form, credentials)[position]
    return uid


_XUCRED: Final = "IIh16I"
"""``struct xucred``: layout (0), user, number of groups, groups. FreeBSD appends the process, which nothing needs."""

_CREDENTIALS: Final[Mapping[str, tuple[int, int, str, int]]] = {
    # SO_PEERCRED, struct ucred: process, user, group
    "linux": (socket.SOL_SOCKET, getattr(socket, "SO_PEERCRED", 17), "3i", 1),
    # LOCAL_PEERCRED of level SOL_LOCAL (0): unix(4)
    "darwin": (0, 1, _XUCRED, 1),
    "freebsd": (0, 1, _XUCRED, 1),
    "dragonfly": (0, 1, _XUCRED, 1),
    # LOCAL_PEEREID, struct unpcbid: process, user, group
    "netbsd": (0, 3, "3i", 1),
    # SO_PEERCRED of SOL_SOCKET (0xffff), struct sockpeercred: user, group, process
    "openbsd": (0xFFFF, 0x1022, "3i", 0),
}
"""Per system: level and option of getsockopt, struct layout of the result, and index of the user id in it. Python names
only the options of the system it runs on, and some numbers differ between Linux architectures.
"""


class _Connection:
    def __init__(self, stream: trio.SocketStream, commands: Mapping[str, Command]) -> None:
        self.commands = commands
        self.reader = LineReader(stream)
        self.writer = LineWriter(stream)
        self.running: dict[int, tuple[trio.CancelScope, Exchange]] = {}

    async def dispatch(self, message: Message, nursery: trio.Nursery) -> None:
        """One line of the client. Raises CtlProtocolError."""
        current = self.running.get(message.id)
        if message.cmd is not None:
            if current is not None or len(self.running) >= MAX_REQUESTS:
                raise CtlProtocolError("request ID already in use, or too many requests")
            scope, exchange = trio.CancelScope(), Exchange(self.writer, message.id)
            self.running[message.id] = (scope, exchange)
            nursery.start_soon(self.run, message, scope, exchange)
        elif current is not None:  # lines for a request that has just ended are late, not wrong
            scope, exchange = current
            if message.cancel:
                scope.cancel()
            elif message.stream is not None:
                exchange.upload.arrived(message)
            elif message.ack is not None:
                exchange.download.acknowledged(message.ack)
            else:
                raise CtlProtocolError("unexpected line")

    async def run(self, message: Message, scope: trio.CancelScope, exchange: Exchange) -> None:
        answer: msgspec.Struct = _failure(message.id, "canceled", "canceled")
        try:
            with scope:
                answer = await self.answer(message, exchange)
        finally:
            exchange.upload.close()
            del self.running[message.id]
        await self.writer.send(answer)

    async def answer(self, message: Message, exchange: Exchange) -> msgspec.Struct:
        command = self.commands.get(message.cmd or "")
        if command is None or not command.local:
            return _failure(message.id, "unknownCommand", f"unknown command {message.cmd!r}")
        try:
            args = bounded(from_json(message.args, command.args), message.args)
        except msgspec.DecodeError as exc:
            return _failure(message.id, "badRequest", _words_of(exc))
        answer: msgspec.Struct = _failure(message.id, "serverError", "unexpected error, see the server's log")
        with guard("ctl"):
            try:
                result = await command.run(args, exchange)
                answer = Answer(message.id, msgspec.Raw(to_json(result)))
            except CommandFailed as exc:
                answer = _failure(message.id, exc.code, _sentence(exc, args))
        return answer


def _sentence(failure: CommandFailed, args: object) -> str:
    """The text of a failure; forms show it beside the field, and the command line needs the subject, with its value."""
    text = str(failure)
    if not failure.field or not PREDICATE.match(text):
        return text
    value = None if failure.field in SECRET else getattr(args, failure.field, None)
    shown = f' "{value}"' if isinstance(value, str) and 0 < len(value) <= LONGEST_NAMED else ""
    return f"{failure.field.replace('_', ' ')}{shown} {text}"


def _words_of(error: msgspec.DecodeError) -> str:
    """The error of an argument in words, where it is a limit of one."""
    text = str(error)
    if (limit := LIMIT.fullmatch(text)) is None:
        return text
    bound = "at most" if limit["sign"] == "<=" else "at least"
    what = f"{bound} {limit['number']}" + (" characters long" if limit["of"] else "")
    return f"{limit['name'].replace('_', ' ')} must be {what}"


def _failure(number: int, code: str, text: str) -> Message:
    return Message(number, ok=False, code=code, error=text)


async def _serve_connection(stream: trio.SocketStream, commands: Mapping[str, Command]) -> None:
    connection = _Connection(stream, commands)
    await connection.writer.send(Greeting(VERSION, __version__))
    async with trio.open_nursery() as nursery:
        try:
            while True:
                seconds = float("inf") if connection.running else IDLE_SECONDS
                with trio.move_on_after(seconds) as idle:
                    message = await connection.reader.message()
                if idle.cancelled_caught:
                    if connection.running:
                        continue
                    break
                if message is None:
                    break
                await connection.dispatch(message, nursery)
                del message  # the next one may be hours away
        except CtlProtocolError as exc:
            logger.info("control protocol error", extra={"kv": {"err": exc}})
        nursery.cancel_scope.cancel()
