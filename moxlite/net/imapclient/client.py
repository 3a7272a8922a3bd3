"""An IMAP client on Trio over the codec of `moxlite.proto.imap` (IMAP-136, RFC 9051, RFC 3501).

Theory of operation
-------------------
One task uses a `Client`. It writes commands and reads responses in the order in which they come: `run` collects what
answers one command, `stream` gives out the responses of one or several commands as they come, so that nothing is held
that the caller has not asked for. Several commands are under way at a time only where the caller says so, because he
knows that they do not depend on one another (RFC 9051 §5.5).

The server is not trusted. Each wait has a deadline (`seconds` without an octet), each response a size, each command
a sum of octets; lines without meaning are counted and end the connection when they are many. What is wrong beyond that
is raised as `BrokenServer`, and the connection is of no use then. `strict` makes an error of every response that the
codec does not know: for tests.
"""

import logging
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import msgspec
import trio

from moxlite.net.deflate import DeflateStream
from moxlite.net.imapclient.errors import (
    BrokenServer,
    ConnectionLost,
    IMAPClientError,
    Refused,
    TLSFailed,
    printable,
)
from moxlite.net.log import TRACE, TRACEAUTH, TRACEDATA
from moxlite.net.tls import ClientTLS, TLSError, TLSStream
from moxlite.proto.imap import commands as c
from moxlite.proto.imap import responses as r
from moxlite.proto.imap.client import ClientDecoder
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.tokens import encode_mailbox
from moxlite.proto.imap.write import Appended, append_item, append_start, encode_command
from moxlite.proto.sasl import SASLError

__all__ = ["Answer", "Client", "Selected"]

logger = logging.getLogger("moxlite.net.imapclient")

T = TypeVar("T")

SILENT_SECONDS: Final = 120.0
"""Without an octet from a server that owes an answer: searches of large mailboxes on old servers take a minute."""

COMMAND_SECONDS: Final = 3600.0
"""For all answers to what was asked in one call, however steadily they drip: 100 MB at 30 kB/s."""

WRITE_SECONDS: Final = 120.0
"""For one piece of octets to be taken: of a message, 64 KiB."""

GREETING_SECONDS: Final = 60.0

LOGOUT_SECONDS: Final = 5.0
"""For a good-bye that nobody depends on."""

MAX_RESPONSE: Final = 16 << 20
"""Octets of one response. Messages over a MiB are fetched in parts, so this holds whatever the server says."""

MAX_DATA: Final = 64 << 20
"""Octets that may answer one call of `run`: what it collects is held in memory."""

MAX_MISUNDERSTOOD: Final = 1_000
"""Responses that break the grammar, on one connection; a server that sends more is no IMAP server."""

MAX_SHOWN: Final = 20
"""Of those, how many are kept to be shown."""

BREATH: Final = 50
"""Responses read without letting other tasks run: 2 ms."""

PIECE: Final = 64 << 10
"""Octets written under one deadline."""


class Selected(msgspec.Struct):
    """The mailbox that is open: what SELECT or EXAMINE said of it. `exists` is kept up to date. `modseq` is 0 without
    CONDSTORE.
    """

    mailbox: str
    exists: int = 0
    uidvalidity: int = 0
    uidnext: int = 0
    modseq: int = 0
    permanent: tuple[str, ...] | None = None
    expunged: int = 0
    """How many messages were told gone since it was opened: numbers of messages have moved."""


class Answer(msgspec.Struct, frozen=True):
    """What a command was answered with: the untagged responses, and the tagged ``OK``."""

    data: tuple[r.Response, ...]
    state: r.State

    def of(self, kind: type[T]) -> list[T]:
        """The responses of one kind."""
        return [one for one in self.data if isinstance(one, kind)]


class Client:
    """One connection, in use by one task.

    Attributes:
      capabilities: in upper case, as last announced.
      selected: the open mailbox.
      preauth: the server greeted with ``PREAUTH``: we are logged in.
      misunderstood: what was wrong with responses that were passed over.
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
        self.preauth = False
        self.misunderstood: list[str] = []

    # --- the connection

    @property
    def tls_stream(self) -> TLSStream | None:
        """The TLS connection, None in clear."""
        stream = self._stream.transport if isinstance(self._stream, DeflateStream) else self._stream
        return stream if isinstance(stream, TLSStream) else None

    def can_name(self, mailbox: str) -> bool:
        """Whether a command can name a mailbox without a literal, as `stream` and `append` want it."""
        return not encode_mailbox(mailbox, utf8=self._decoder.utf8).startswith(b"{")

    def has(self, *names: str) -> bool:
        """Whether any of these capabilities is announced; IMAP4REV2 stands for those that it includes (RFC 9051
        appendix E).
        """
        own = self.capabilities
        return any(name in own or ("IMAP4REV2" in own and name in _IN_REV2) for name in names)

    async def greet(self) -> r.State:
        """Read the greeting (RFC 9051 §7.1.5), and ask for the capabilities if it doesn't tell them."""
        with self._deadline(GREETING_SECONDS, "no greeting"):
            response = await self._next()
        if not isinstance(response, r.State) or response.tag is not None or response.condition in ("NO", "BAD"):
            raise self._fail("the server does not greet as an IMAP server does")
        if response.condition == "BYE":
            raise ConnectionLost(f"the server turns us away: {printable(response.text)}")
        self.preauth = response.condition == "PREAUTH"
        if not self.capabilities:
            await self.run(c.Capability())
        return response

    async def start_tls(
        self, tls: ClientTLS, server_name: str | None, check: Callable[[TLSStream], None] | None = None
    ) -> None:
        """STARTTLS (RFC 9051 §6.2.1); what was announced before is forgotten. `check` raises TLSFailed for
        a certificate that is not good.
        """
        if self.preauth:  # RFC 9051 §11.1: somebody in between may have sent that greeting
            raise self._fail("the server says that we are logged in, before TLS")
        try:
            await self.run(c.StartTls())
        except Refused as error:
            raise TLSFailed(f"the server does not begin TLS: {error}") from None
        if self._decoder.buffered:
            raise self._fail("the server sent something behind its answer to STARTTLS")
        await self._shake_hands(tls, server_name, check)
        self.capabilities = frozenset()
        await self.run(c.Capability())

    async def begin_tls(
        self, tls: ClientTLS, server_name: str | None, check: Callable[[TLSStream], None] | None = None
    ) -> None:
        """TLS at once, before the greeting: port 993."""
        await self._shake_hands(tls, server_name, check)

    async def _shake_hands(
        self, tls: ClientTLS, server_name: str | None, check: Callable[[TLSStream], None] | None
    ) -> None:
        try:
            stream = await tls.connect(self._stream, server_name)
        except TLSError as error:
            self._broken = "TLS failed"
            raise TLSFailed(f"TLS handshake failed: {error}") from error
        self._stream = stream
        if check is not None:
            check(stream)

    async def compress(self) -> None:
        """COMPRESS DEFLATE (RFC 4978). Raises Refused."""
        await self.run(c.Compress("DEFLATE"))
        if self._decoder.buffered:
            raise self._fail("the server sent something behind its answer to COMPRESS")
        self._stream = DeflateStream(self._stream)

    async def logout(self) -> None:
        """Say good-bye, where the connection is still good for that, and close it."""
        try:
            if not (self._broken or self._bye or self._in_use):
                with trio.move_on_after(LOGOUT_SECONDS), suppress(IMAPClientError):
                    await self.run(c.Logout())
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close at once, without a word."""
        self._broken = self._broken or "closed"
        await trio.aclose_forcefully(self._stream)

    # --- commands

    async def run(self, command: c.Command | bytes, *, hidden: bool = False) -> Answer:
        """Run one command to its end.

        Args:
          command: a struct, or octets without tag and line end: a raw command.
          hidden: not for the log.

        Raises:
          Refused: ``NO`` or ``BAD``.
          ConnectionLost, BrokenServer: the connection is of no use any more.
        """
        data: list[r.Response] = []
        tag = self._begin(_word(command))
        self._octets = MAX_DATA
        await self._write_command(tag, command, data, hidden=hidden)
        state = await self._finish(tag, data)
        return Answer(tuple(data), self._settle(state, _word(command)))

    async def stream(self, *commands: c.Command | bytes, octets: int = MAX_DATA) -> AsyncGenerator[r.Response, None]:
        """Run commands that do not depend on one another and have no literals, and give out what the server tells
        meanwhile, as it comes.

        All are written before the first response is read. Take it to its end: a connection that was left in the middle
        is of no use.

        Args:
          octets: that the server may send for all of them.

        Raises: as `run`; Refused for the first one that was, when all have ended.
        """
        self._octets = octets
        waiting: dict[str, str] = {}
        early: list[r.Response] = []
        for command in commands:
            if not waiting:
                tag = self._begin(_word(command))
            else:
                tag = self._tag()
            waiting[tag] = _word(command)
            await self._write_command(tag, command, early)
        refused: Refused | None = None
        for response in early:
            yield response
        while waiting:
            response = await self._next()
            if isinstance(response, r.State) and response.tag is not None:
                word = waiting.pop(response.tag, None)
                if word is None:
                    raise self._fail("the server answers a command that there is not")
                if response.condition != "OK" and refused is None:
                    refused = Refused(word, response)
            elif not isinstance(response, r.Continue):
                yield response
        self._in_use = ""
        if refused is not None:
            raise refused

    async def authenticate(self, name: str, initial: bytes | None, answer: Callable[[bytes], bytes]) -> None:
        """AUTHENTICATE (RFC 9051 §6.2.2).

        Args:
          initial: an initial response, None if the server speaks first.
          answer: to a challenge; runs in a thread, as it may compute for a second; what it raises ends the exchange.
        """
        at_once = initial if self.has("SASL-IR") else None
        data: list[r.Response] = []
        tag = self._begin("AUTHENTICATE")
        self._octets = MAX_DATA
        await self._write_command(tag, c.Authenticate(name, at_once), data, hidden=True)
        first = initial if at_once is None else None
        failure: SASLError | ValueError | None = None
        while True:
            response = await self._next()
            if isinstance(response, r.Continue):
                if failure is not None:
                    raise self._fail("the server goes on with an exchange that has ended")
                if first is not None:
                    reply, first = first, None
                else:
                    try:
                        challenge = b64decode(response.text.strip(), validate=True)
                        reply = await trio.to_thread.run_sync(answer, challenge)
                    except (SASLError, ValueError) as error:  # raised below, once the server has been told
                        failure = error
                        await self._send(b"*\r\n", "*")
                        continue
                await self._send(b64encode(reply) + b"\r\n", "***")
            elif isinstance(response, r.State) and response.tag == tag:
                break
            else:
                self._untagged(response)
        self._in_use = ""
        if failure is not None:
            raise failure
        if response.condition != "OK":
            raise Refused(f"AUTHENTICATE {name}", response)

    async def examine(self, mailbox: str) -> Selected:
        """EXAMINE: open a mailbox without changing anything in it (RFC 9051 §6.3.3), with CONDSTORE where that is
        known.
        """
        return await self._open(c.Examine(mailbox, condstore=self.has("CONDSTORE", "QRESYNC")))

    async def select(self, mailbox: str) -> Selected:
        """SELECT: open a mailbox to write in it (RFC 9051 §6.3.2)."""
        return await self._open(c.Select(mailbox, condstore=self.has("CONDSTORE", "QRESYNC")))

    async def _open(self, command: c.Select | c.Examine) -> Selected:
        self.selected = Selected(command.mailbox)
        try:
            answer = await self.run(command)
        except Refused:
            self.selected = None
            raise
        found = self.selected
        for state in answer.of(r.State):
            if state.code is None:
                continue
            name, argument = state.code.name.upper(), state.code.argument
            if name == "UIDVALIDITY":
                found.uidvalidity = _number(argument)
            elif name == "UIDNEXT":
                found.uidnext = _number(argument)
            elif name == "HIGHESTMODSEQ":
                found.modseq = _number(argument, 19)
            elif name == "PERMANENTFLAGS":
                found.permanent = tuple(argument.strip(b"()").decode("ascii", "replace").split())
        return found

    async def enable(self, *names: str) -> None:
        """ENABLE (RFC 9051 §6.3.1) those of these capabilities that are announced."""
        wanted = tuple([name for name in names if name in self.capabilities])
        if not wanted or not self.has("ENABLE"):
            return
        enabled = {name.upper() for one in (await self.run(c.Enable(wanted))).of(r.Enabled) for name in one.names}
        if enabled & {"UTF8=ACCEPT", "IMAP4REV2"}:
            self._decoder.utf8 = True

    async def append(self, mailbox: str, messages: Sequence[tuple[Appended, bytes | AsyncIterator[bytes]]]) -> Answer:
        """APPEND one message, or several where MULTIAPPEND is known (RFC 3502). Octets may come piece by piece.

        Raises ValueError where octets are not as many as announced; the connection is of no use then.
        """
        tag = self._begin("APPEND")
        self._octets = MAX_DATA
        data: list[r.Response] = []
        plus = "LITERAL+" in self.capabilities
        head = append_start(tag, mailbox, utf8=self._decoder.utf8)
        for message, octets in messages:
            free = plus or ("LITERAL-" in self.capabilities and message.size <= MAX_SMALL_LITERAL)
            await self._send(head + append_item(message, wait=not free), "APPEND")
            if not free:
                state = await self._go_ahead(tag, data)
                if state is not None:
                    return Answer(tuple(data), self._settle(state, "APPEND"))
            left = message.size
            async for piece in _pieces(octets):
                left -= len(piece)
                if left < 0:
                    break
                await self._send(piece, None)
            if left:
                self._broken = "a message was not as long as announced"
                raise ValueError(self._broken)
            head = b")" if message.utf8 else b""
        await self._send(head + b"\r\n", "")
        state = await self._finish(tag, data)
        return Answer(tuple(data), self._settle(state, "APPEND"))

    async def idle(self, seconds: float) -> bool:
        """IDLE (RFC 2177) until the server tells something of the open mailbox, at most so long; whether it did, or had
        just before.
        """
        known = self.selected.exists if self.selected is not None else 0
        tag = self._begin("IDLE")
        self._octets = MAX_DATA
        data: list[r.Response] = []
        await self._write_command(tag, c.Idle(), data)
        state = await self._go_ahead(tag, data)
        if state is not None:
            self._settle(state, "IDLE")
            return False
        told = self.selected is not None and self.selected.exists != known
        with trio.move_on_after(seconds):
            while not told:
                told = isinstance(await self._next(patient=True), r.Exists | r.ExpungeData | r.Vanished | r.FetchData)
        await self._send(b"DONE\r\n", "DONE")
        self._settle(await self._finish(tag, data), "IDLE")
        return told

    # --- below

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
        shown = f"{tag} {_word(command)} ***" if hidden else None
        for piece in pieces[:-1]:
            await self._send(piece, shown or piece.decode("utf-8", "replace"))
            if (state := await self._go_ahead(tag, data)) is not None:
                self._settle(state, _word(command))
                raise self._fail("the server ends a command before it has it")
        await self._send(pieces[-1], shown or pieces[-1].decode("utf-8", "replace"))

    async def _go_ahead(self, tag: str, data: list[r.Response]) -> r.State | None:
        """Wait for ``+``; the tagged state if that comes instead."""
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
        """The next response; with `patient` however long it takes."""
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
        """What a response says of the connection as a whole."""
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
        """A wait after which the connection is of no use."""
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


_IN_REV2: Final = frozenset(
    {"NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "ENABLE", "IDLE", "SASL-IR", "LIST-EXTENDED", "LIST-STATUS"}
    | {"MOVE", "LITERAL-", "SPECIAL-USE", "STATUS=SIZE"}
)

MAX_SMALL_LITERAL: Final = 4096
"""RFC 7888 §5: with LITERAL- larger ones wait."""


async def _pieces(octets: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(octets, bytes):
        yield octets
        return
    async for piece in octets:
        yield piece


def _word(command: c.Command | bytes) -> str:
    """The first word of a command, for people."""
    if isinstance(command, bytes):
        words = command.decode("ascii", "replace").split(" ", 2)
        return " ".join(words[:2]) if words[0] == "UID" else words[0]
    return type(command).__name__.upper()


def _why(error: Exception) -> str:
    return str(error.__cause__ or error) or type(error).__name__


def _number(octets: bytes, digits: int = 10) -> int:
    return int(octets) if octets.isdigit() and len(octets) <= digits else 0
