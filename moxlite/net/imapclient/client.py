"""An IMAP client on Trio over the codec of `moxlite.proto.imap` (IMAP-136, RFC 9051, RFC 3501).

Theory of operation
-------------------
One task uses a `Client`. It writes commands and reads responses in the order in which they come: `run` collects what
answers one command, `stream` gives out the responses of one or several commands as they come, so that nothing is held
that the caller has not asked for. Several commands run at a time only where the caller says that they do not depend on
one another (RFC 9051 §5.5).

The server is not trusted. Each wait has a deadline (`seconds` without an octet), each response a maximum size, each
command a maximum of octets in all. Lines that break the grammar are counted; too many end the connection. Any other
violation is raised as `BrokenServer`, after which the connection cannot be used. With `strict`, for tests, every
response that the codec does not know is an error.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import msgspec
import trio

from moxlite.net.deflate import DeflateStream
from moxlite.net.imapclient.line import Line, Selected, word_of
from moxlite.net.imapclient.transport import MAX_DATA, ConnectionLost, IMAPClientError, Refused, TLSFailed, printable
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ClientTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.imap import commands as c, responses as r
from moxlite.proto.imap.tokens import encode_mailbox
from moxlite.proto.imap.writing.write import Appended, append_item, append_start
from moxlite.proto.sasl import SASLError
from moxlite.wording import worded

T = TypeVar("T")

GREETING_SECONDS: Final = 60.0
"""Seconds until the greeting: some servers look up the name of a client first, and wait for a resolver that is down."""

CHANGES: Final = r.Exists | r.ExpungeData | r.Vanished | r.FetchData | r.StatusData | r.ListData
"""Responses that end IDLE: of the open mailbox, and what NOTIFY tells of others (RFC 5465)."""

LOGOUT_SECONDS: Final = 5.0
"""Seconds for LOGOUT. A timeout has no consequences."""


class Answer(msgspec.Struct, frozen=True):
    """The server's answer to one command: the untagged responses and the tagged ``OK``."""

    data: tuple[r.Response, ...]
    state: r.State

    def of(self, kind: type[T]) -> list[T]:
        """The responses of one kind."""
        return [one for one in self.data if isinstance(one, kind)]


class Client(Line):
    """One connection, in use by one task; its commands.

    Attributes: as `Line`, and
      preauth: the server greeted with ``PREAUTH``: we are logged in.
    """

    preauth: bool = False

    # --- the connection

    @property
    def tls_stream(self) -> TLSStream | None:
        """The TLS connection, None in clear."""
        stream = self._transport.stream
        stream = stream.transport if isinstance(stream, DeflateStream) else stream
        return stream if isinstance(stream, TLSStream) else None

    def can_name(self, mailbox: str) -> bool:
        """Whether a command can name a mailbox without a literal, as `stream` and `append` want it."""
        return not encode_mailbox(mailbox, utf8=self._decoder.is_utf8(mailbox)).startswith(b"{")

    def has(self, *names: str) -> bool:
        """Whether any of these capabilities is announced; IMAP4REV2 includes some others (RFC 9051 appendix E)."""
        own = self.capabilities
        return any(name in own or ("IMAP4REV2" in own and name in _IN_REV2) for name in names)

    async def greet(self) -> r.State:
        """Read the greeting (RFC 9051 §7.1.5), and ask for the capabilities if it does not list them."""
        with self._transport.deadline(GREETING_SECONDS, "no greeting for {seconds} s"):
            response = await self._next()
        if not isinstance(response, r.State) or response.tag is not None or response.condition in ("NO", "BAD"):
            raise self._transport.fail(worded("the server didn't send an IMAP greeting"))
        if response.condition == "BYE":
            raise ConnectionLost(worded("the server refused the connection: {answer}", answer=printable(response.text)))
        self.preauth = response.condition == "PREAUTH"
        if not self.capabilities:
            await self.run(c.Capability())
        return response

    async def start_tls(
        self, tls: ClientTLS, server_name: str | None, check: Callable[[TLSStream], None] | None = None
    ) -> None:
        """STARTTLS (RFC 9051 §6.2.1). Capabilities announced before are forgotten. `check` raises TLSFailed for an
        invalid certificate.
        """
        if self.preauth:  # RFC 9051 §11.1: a third party in between may have sent that greeting
            raise self._transport.fail(worded("the server reported a login before TLS started"))
        try:
            await self.run(c.StartTls())
        except Refused as error:
            raise TLSFailed(worded("the server couldn't start TLS: {reason}", reason=error)) from None
        # It came in clear, so a third party may have written it: read after the handshake, it would pass for the
        # server's word within TLS (CVE-2011-0411).
        if self._decoder.buffered:
            raise self._transport.fail(
                worded("the server sent unexpected data after its response to {command}", command="STARTTLS")
            )
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
            stream = await tls.connect(self._transport.stream, server_name)
        except TLSError as error:
            self._transport.broken = "TLS failed"
            raise TLSFailed(worded("TLS handshake failed: {reason}", reason=error)) from error
        self._transport.stream = stream
        if check is not None:
            check(stream)

    async def compress(self) -> None:
        """COMPRESS DEFLATE (RFC 4978). Raises Refused."""
        await self.run(c.Compress("DEFLATE"))
        if self._decoder.buffered:
            raise self._transport.fail(
                worded("the server sent unexpected data after its response to {command}", command="COMPRESS")
            )
        self._transport.stream = DeflateStream(self._transport.stream)

    async def logout(self) -> None:
        """Log out if the connection still works, and close it."""
        try:
            if not (self._transport.broken or self._bye or self._in_use):
                with trio.move_on_after(LOGOUT_SECONDS), suppress(IMAPClientError):
                    await self.run(c.Logout())
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close at once, without LOGOUT."""
        self._transport.broken = self._transport.broken or "closed"
        self._transport.release()
        await trio.aclose_forcefully(self._transport.stream)

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
        tag = self._begin(word_of(command))
        self._transport.left = MAX_DATA
        await self._write_command(tag, command, data, hidden=hidden)
        state = await self._finish(tag, data)
        return Answer(tuple(data), self._settle(state, word_of(command)))

    async def stream(self, *commands: c.Command | bytes, octets: int = MAX_DATA) -> AsyncGenerator[r.Response, None]:
        """Run commands that do not depend on one another and have no literals, and yield the server's responses as they
        come.

        All are written before the first response is read. Take it to its end: a connection that was left in the middle
        is of no use.

        Args:
          octets: that the server may send for all of them.

        Raises: as `run`; Refused for the first one that was, when all have ended.
        """
        self._transport.left = octets
        waiting: dict[str, str] = {}
        early: list[r.Response] = []
        for command in commands:
            if not waiting:
                tag = self._begin(word_of(command))
            else:
                tag = self._tag()
            waiting[tag] = word_of(command)
            await self._write_command(tag, command, early)
        refused: Refused | None = None
        for response in early:
            yield response
        while waiting:
            response = await self._next(kept=False)
            if isinstance(response, r.State) and response.tag is not None:
                word = waiting.pop(response.tag, None)
                if word is None:
                    raise self._transport.fail(worded("the server sent an unexpected response"))
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
        self._transport.left = MAX_DATA
        await self._write_command(tag, c.Authenticate(name, at_once), data, hidden=True)
        first = initial if at_once is None else None
        failure: SASLError | ValueError | None = None
        while True:
            response = await self._next()
            if isinstance(response, r.Continue):
                if failure is not None:
                    raise self._transport.fail(worded("unexpected continuation request from the server"))
                if first is not None:
                    reply, first = first, None
                else:
                    try:
                        challenge = b64decode(response.text.strip(), validate=True)
                        reply = await trio.to_thread.run_sync(answer, challenge)
                    except (SASLError, ValueError) as error:  # raised below, after the exchange is cancelled
                        failure = error
                        await self._transport.send(b"*\r\n", "*")
                        continue
                await self._transport.send(b64encode(reply) + b"\r\n", "***")
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
        """EXAMINE: open a mailbox read-only (RFC 9051 §6.3.3), with CONDSTORE if the server has it."""
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
        """ENABLE the announced ones of these capabilities (RFC 9051 §6.3.1)."""
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
        self._transport.left = MAX_DATA
        data: list[r.Response] = []
        plus = "LITERAL+" in self.capabilities
        head = append_start(tag, mailbox, utf8=self._decoder.is_utf8(mailbox))
        for message, octets in messages:
            free = plus or ("LITERAL-" in self.capabilities and message.size <= MAX_SMALL_LITERAL)
            await self._transport.send(head + append_item(message, wait=not free), "APPEND")
            if not free:
                state = await self._go_ahead(tag, data)
                if state is not None:
                    return Answer(tuple(data), self._settle(state, "APPEND"))
            left = message.size
            async for piece in _pieces(octets):
                left -= len(piece)
                if left < 0:
                    break
                await self._transport.send(piece, None)
            if left:
                self._transport.broken = "a message's length doesn't match its announced size"
                raise ValueError(self._transport.broken)
            head = b")" if message.utf8 else b""
        await self._transport.send(head + b"\r\n", "")
        state = await self._finish(tag, data)
        return Answer(tuple(data), self._settle(state, "APPEND"))

    async def idle(self, seconds: float, scope: trio.CancelScope | None = None) -> bool:
        """IDLE (RFC 2177) until the server sends a change of the open mailbox, or of others after NOTIFY, for at most
        `seconds`, and until `scope`, a new one, is cancelled. Returns whether it did, or had just before.
        """
        known = self.selected.exists if self.selected is not None else 0
        tag = self._begin("IDLE")
        self._transport.left = MAX_DATA
        data: list[r.Response] = []
        await self._write_command(tag, c.Idle(), data)
        state = await self._go_ahead(tag, data)
        if state is not None:
            self._settle(state, "IDLE")
            return False
        told = self.selected is not None and self.selected.exists != known
        told = told or any(isinstance(one, CHANGES) and not isinstance(one, r.Exists) for one in data)
        scope = scope or trio.CancelScope()
        scope.deadline = trio.current_time() + seconds
        with scope:
            while not told:
                told = isinstance(await self._next(patient=True, kept=False), CHANGES)
        await self._transport.send(b"DONE\r\n", "DONE")
        self._settle(await self._finish(tag, data), "IDLE")
        return told


_IN_REV2: Final = frozenset(
    {"NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "ENABLE", "IDLE", "SASL-IR", "LIST-EXTENDED", "LIST-STATUS"}
    | {"MOVE", "LITERAL-", "SPECIAL-USE", "STATUS=SIZE"}
)

MAX_SMALL_LITERAL: Final = 4096
"""Maximum octets of a non-synchronizing literal with LITERAL- (RFC 7888 §5). Larger literals wait for the server."""


async def _pieces(octets: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(octets, bytes):
        yield octets
        return
    async for piece in octets:
        yield piece


def _number(octets: bytes, digits: int = 10) -> int:
    return int(octets) if octets.isdigit() and len(octets) <= digits else 0
