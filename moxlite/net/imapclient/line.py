"""A connection to an IMAP server, response by response; base class of `client.Client`.

The server is not trusted: see `client`. A `Line` knows the running command, and the state of the connection that the
server may change at any time: capabilities, the open mailbox, BYE.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import trio

from moxlite.net.imapclient.errors import BrokenServer, ConnectionLost, Refused, printable
from moxlite.net.log import TRACE, TRACEAUTH, TRACEDATA
from moxlite.proto.imap import commands as c
from moxlite.proto.imap import responses as r
from moxlite.proto.imap.client import ClientDecoder
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.writing.write import encode_command

__all__ = ["MAX_DATA", "SILENT_SECONDS", "Line", "Selected", "word_of"]

logger = logging.getLogger("moxlite.net.imapclient")

SILENT_SECONDS: Final = 120.0
"""Seconds without an octet from a server that owes a response: searches of large mailboxes on old servers take a
minute.
"""

COMMAND_SECONDS: Final = 3600.0
"""Seconds for all responses to one call, however steadily they come: 100 MB at 30 kB/s."""

WRITE_SECONDS: Final = 120.0
"""Seconds for the server to accept one piece of octets: 64 KiB of a message."""

MAX_RESPONSE: Final = 16 << 20
"""Maximum octets of one response. Messages over a MiB are fetched in parts, so they fit at any size."""

MAX_DATA: Final = 64 << 20
"""Maximum octets of the responses to one call of `run`, which are collected in memory."""

MAX_MISUNDERSTOOD: Final = 1_000
"""Responses of one connection that break the grammar. A server that sends more is not an IMAP server."""

MAX_SHOWN: Final = 20
"""Number of such responses whose error is kept for display."""

BREATH: Final = 50
"""Responses read before other tasks may run: 2 ms."""

PIECE: Final = 64 << 10
"""Octets written under one deadline."""


class Selected(msgspec.Struct):
    """The selected mailbox, from the responses to SELECT or EXAMINE. `exists` is kept up to date. `modseq` is 0 without
    CONDSTORE.
    """

    mailbox: str
    exists: int = 0
    uidvalidity: int = 0
    uidnext: int = 0
    modseq: int = 0
    permanent: tuple[str, ...] | None = None
    expunged: int = 0
    """Number of expunged messages announced since it was opened: sequence numbers have moved."""


class Line:
    """One connection, in use by one task.

    Attributes:
      capabilities: in upper case, as last announced.
      selected: the open mailbox.
      misunderstood: errors of the responses that were skipped.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        *,
        strict: bool = False,
        seconds: float = SILENT_SECONDS,
        max_response: int = MAX_RESPONSE,
    ) -> None:
        self._stream = stream
        self._strict = strict
        self._seconds = seconds
        self._decoder = ClientDecoder(max_response=max_response)
        self._number = 0
        self._in_use = ""
        self._broken = ""
        self._bye = ""
        self._octets = MAX_DATA
        self._until = float("inf")
        self._since_breath = 0
        self._misunderstood = 0
        self.capabilities: frozenset[str] = frozenset()
        self.selected: Selected | None = None
        self.misunderstood: list[str] = []

    def _begin(self, word: str) -> str:
        if self._broken:
            raise ConnectionLost(f"the connection cannot be used any more: {self._broken}")
        if self._in_use:
            raise self._fail(f"{self._in_use} was left in the middle")
        self._in_use = word
        self._until = trio.current_time() + COMMAND_SECONDS
        return self._tag()

    def _tag(self) -> str:
        self._number += 1
        return f"A{self._number}"

    async def _write_command(
        self, tag: str, command: c.Command | bytes, data: list[r.Response], *, hidden: bool = False
    ) -> None:
        if isinstance(command, bytes):
            if b"\r" in command or b"\n" in command:
                raise ValueError("a raw command is one line")
            pieces = [tag.encode() + b" " + command + b"\r\n"]
        else:
            pieces = encode_command(tag, command, utf8=self._decoder.utf8, literal_plus="LITERAL+" in self.capabilities)
        shown = f"{tag} {word_of(command)} ***" if hidden else None
        for piece in pieces[:-1]:
            await self._send(piece, shown or piece.decode("utf-8", "replace"))
            if (state := await self._go_ahead(tag, data)) is not None:
                self._settle(state, word_of(command))
                raise self._fail("the server ends a command before it has it")
        await self._send(pieces[-1], shown or pieces[-1].decode("utf-8", "replace"))

    async def _go_ahead(self, tag: str, data: list[r.Response]) -> r.State | None:
        """Wait for ``+``. Returns the tagged response if that comes instead."""
        while True:
            response = await self._next()
            if isinstance(response, r.Continue):
                return None
            if isinstance(response, r.State) and response.tag == tag:
                return response
            self._untagged(response)
            data.append(response)

    async def _finish(self, tag: str, data: list[r.Response]) -> r.State:
        while True:
            response = await self._next()
            if isinstance(response, r.State) and response.tag == tag:
                return response
            self._untagged(response)
            if not isinstance(response, r.Continue):
                data.append(response)

    def _settle(self, state: r.State, word: str) -> r.State:
        self._in_use = ""
        if state.condition != "OK":
            raise Refused(word, state)
        return state

    def _untagged(self, response: r.Response) -> None:
        if isinstance(response, r.State) and response.tag is not None:
            raise self._fail("the server answers a command that there is not")

    async def _next(self, *, patient: bool = False) -> r.Response:
        """Read the next response; with `patient` without a deadline."""
        while True:
            try:
                response = self._decoder.next_response()
            except ProtocolError as error:
                self._misread(error)
                continue
            if response is None:
                await self._receive(patient=patient)
                continue
            self._since_breath += 1
            if self._since_breath >= BREATH:
                self._since_breath = 0
                await trio.lowlevel.checkpoint()
            self._note(response)
            return response

    def _misread(self, error: ProtocolError) -> None:
        self._misunderstood += 1
        if len(self.misunderstood) < MAX_SHOWN:
            self.misunderstood.append(error.text)
        if error.fatal or self._strict or self._misunderstood > MAX_MISUNDERSTOOD:
            raise self._fail(f"a response of the server cannot be understood: {error.text}")

    def _note(self, response: r.Response) -> None:
        """Update the state of the connection from a response: capabilities, BYE, and the selected mailbox."""
        if logger.isEnabledFor(TRACE) and not isinstance(response, r.FetchData):
            logger.log(TRACE, "imap client read", extra={"kv": {"response": response}})
        match response:
            case r.CapabilityData(names=names):
                self.capabilities = frozenset(name.upper() for name in names)
            case r.State(code=r.Code(name=name, argument=argument)) if name.upper() == "CAPABILITY":
                self.capabilities = frozenset(argument.decode("ascii", "replace").upper().split())
            case r.State(condition="BYE", tag=None, text=text):
                self._bye = text or "no reason given"
            case r.Exists(number=number) if self.selected is not None:
                self.selected.exists = number
            case r.ExpungeData() if self.selected is not None:
                self.selected.expunged += 1
                self.selected.exists = max(self.selected.exists - 1, 0)
            case r.Vanished(earlier=False) if self.selected is not None:
                self.selected.expunged += 1
            case r.Unknown(text=text) if self._strict:
                raise self._fail(f"unknown response: {printable(text.decode('utf-8', 'replace'))}")
            case _:
                pass

    async def _receive(self, *, patient: bool) -> None:
        left = self._until - trio.current_time()
        if left <= 0 and not patient:
            raise self._lost(f"the server has not answered {self._in_use} within {COMMAND_SECONDS:.0f} s")
        with self._deadline(float("inf") if patient else min(self._seconds, left), "the server says nothing"):
            try:
                octets = await self._stream.receive_some(65536)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise self._lost(f"the connection broke: {_why(error)}") from error
        if not octets:
            why = f", saying: {printable(self._bye)}" if self._bye else ""
            raise self._lost(f"the server closed the connection{why}")
        self._octets -= len(octets)
        if self._octets < 0 and not patient:
            raise self._fail(f"the server sends more than {self._in_use or 'the greeting'} can take")
        self._decoder.feed(bytes(octets))

    async def _send(self, octets: bytes, shown: str | None) -> None:
        if logger.isEnabledFor(TRACEAUTH if shown is not None else TRACEDATA):
            logger.log(TRACEAUTH, "imap client write", extra={"kv": {"data": octets}})
        elif shown and logger.isEnabledFor(TRACE):
            logger.log(TRACE, "imap client write", extra={"kv": {"data": shown}})
        for start in range(0, len(octets), PIECE):
            with self._deadline(WRITE_SECONDS, "the server takes nothing"):
                try:
                    await self._stream.send_all(octets[start : start + PIECE])
                except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                    raise self._lost(f"the connection broke: {_why(error)}") from error

    @contextmanager
    def _deadline(self, seconds: float, text: str) -> Iterator[None]:
        """Limit a wait to `seconds`. After a timeout the connection cannot be used."""
        with trio.move_on_after(seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise self._lost(f"{text} for {seconds:.0f} s")

    def _lost(self, text: str) -> ConnectionLost:
        self._broken = self._broken or text
        return ConnectionLost(text)

    def _fail(self, text: str) -> BrokenServer:
        self._broken = self._broken or text
        return BrokenServer(text)


def word_of(command: c.Command | bytes) -> str:
    """The first word of a command, for people."""
    if isinstance(command, bytes):
        words = command.decode("ascii", "replace").split(" ", 2)
        return " ".join(words[:2]) if words[0] == "UID" else words[0]
    return type(command).__name__.upper()


def _why(error: Exception) -> str:
    return str(error.__cause__ or error) or type(error).__name__
