"""A connection to an IMAP server, response by response; base class of `client.Client`.

The server is not trusted: see `client`. A `Line` knows the running command, and the state of the connection that the
server may change at any time: capabilities, the open mailbox, BYE.
"""

import logging
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.net.imapclient.transport import SILENT_SECONDS, ConnectionLost, Refused, Transport, printable
from moxlite.net.log import TRACE
from moxlite.processor import off_loop
from moxlite.proto.imap import commands as c, responses as r
from moxlite.proto.imap.client import ClientDecoder
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.writing.write import encode_command
from moxlite.wording import as_worded, worded

logger = logging.getLogger("moxlite.net.imapclient")

MAX_RESPONSE: Final = 16 << 20
"""Maximum octets of one response. Messages over a MiB are fetched in parts, so they fit at any size."""

MAX_MISUNDERSTOOD: Final = 1_000
"""Responses of one connection that break the grammar. A server that sends more is not an IMAP server."""

MAX_SHOWN: Final = 20
"""Number of such responses whose error is kept for display."""

PARSED: Final = 22
"""Times its octets that a line takes with what it is parsed to: measured with a FETCH of short items."""

LITERAL: Final = 3
"""Times its octets that a literal takes: as it comes, as a whole response, and as the value."""

BUFFERED: Final = 64 << 10
"""Octets of a response that the connection holds anyway."""

LONG: Final = 8 << 10
"""Octets of lines that are parsed in a thread: 10 ms."""

BREATH: Final = 50
"""Responses read before other tasks may run: 2 ms."""


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
      noticed: the server told of another mailbox without having been asked (RFC 5465); for the caller to clear.
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
        self._transport = Transport(stream, seconds)
        self._strict = strict
        self._decoder = ClientDecoder(max_response=max_response)
        self._number = 0
        self._in_use = ""
        self._bye = ""
        self._since_breath = 0
        self._misunderstood = 0
        self.capabilities: frozenset[str] = frozenset()
        self.selected: Selected | None = None
        self.noticed = False
        self.misunderstood: list[str] = []

    def _begin(self, word: str) -> str:
        if self._transport.broken:
            raise ConnectionLost(
                worded("the connection is no longer usable: {reason}", reason=as_worded(self._transport.broken))
            )
        if self._in_use:
            raise self._transport.fail(f"{self._in_use} is still in progress")
        self._in_use = word
        self._transport.release()  # the answer to the last command, which its caller has read
        self._transport.begin()
        return self._tag()

    def _tag(self) -> str:
        self._number += 1
        return f"A{self._number}"

    async def _write_command(
        self, tag: str, command: c.Command | bytes, data: list[r.Response], *, hidden: bool = False
    ) -> None:
        if isinstance(command, bytes):
            if b"\r" in command or b"\n" in command:
                raise ValueError("a raw command must be a single line")
            pieces = [tag.encode() + b" " + command + b"\r\n"]
        else:
            utf8 = self._decoder.is_utf8(getattr(command, "mailbox", ""))
            pieces = encode_command(tag, command, utf8=utf8, literal_plus="LITERAL+" in self.capabilities)
        shown = f"{tag} {word_of(command)} ***" if hidden else None
        for piece in pieces[:-1]:
            await self._transport.send(piece, shown or piece.decode("utf-8", "replace"))
            if (state := await self._go_ahead(tag, data)) is not None:
                self._settle(state, word_of(command))
                raise self._transport.fail(worded("the server responded before the command was complete"))
        await self._transport.send(pieces[-1], shown or pieces[-1].decode("utf-8", "replace"))

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
            raise self._transport.fail(worded("the server sent an unexpected response"))

    async def _next(self, *, patient: bool = False, kept: bool = True) -> r.Response:
        """Read the next response; with `patient` without a deadline. It is held until the next command begins, unless
        `kept` is false: then until the next response.
        """
        if not kept:
            self._transport.release()
        while True:
            try:
                response, whole = None, self._decoder.take()
                if whole is not None:
                    cost = PARSED * whole.lines + LITERAL * (len(whole.octets) - whole.lines)
                    await self._transport.take(cost, self._in_use, whole=True)
                    parse = partial(self._decoder.parse, whole)
                    response = parse() if whole.lines <= LONG else await off_loop(parse, kind="imap-client")
            except ProtocolError as error:
                self._misread(error)
                continue
            if response is None:
                if self._decoder.announced > BUFFERED:
                    await self._transport.take(LITERAL * self._decoder.announced, self._in_use)
                octets = await self._transport.receive(self._in_use, patient=patient)
                if not octets:
                    raise self._transport.lost(
                        worded("the server closed the connection: {answer}", answer=printable(self._bye))
                        if self._bye
                        else worded("the server closed the connection")
                    )
                self._decoder.feed(octets)
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
            raise self._transport.fail(worded("unexpected response from the server: {reason}", reason=error.text))

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
            case r.StatusData() if self._in_use != "STATUS":
                self.noticed = True
            case r.Unknown(text=text) if self._strict:
                raise self._transport.fail(f"unknown response: {printable(text.decode('utf-8', 'replace'))}")
            case _:
                pass


def word_of(command: c.Command | bytes) -> str:
    """The first word of a command, for people."""
    if isinstance(command, bytes):
        words = command.decode("ascii", "replace").split(" ", 2)
        return " ".join(words[:2]) if words[0] == "UID" else words[0]
    return type(command).__name__.upper()
