"""A POP3 client for linked mailboxes (RFC 1939, STLS of RFC 2595 §4): one connection, used by one task.

Which messages are fetched, and where they are stored, does not belong here. The server is not trusted: each line, list
and message has a limit, each wait a deadline. Errors are the same as with IMAP.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

import msgspec
import trio

from moxlite.net.dial import DialError, dial
from moxlite.net.imapclient.connect import LOGIN_SECONDS, Server, addresses_of, checker
from moxlite.net.imapclient.transport import ConnectionLost, IMAPClientError, LoginFailed, Refused, TLSFailed, Transport
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import Trust
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ClientTLS
from moxlite.proto.imap.responses import State
from moxlite.wording import reason_of, worded

PORTS: Final = {"implicit": 995, "starttls": 110}

SILENT_SECONDS: Final = 60.0
"""Seconds without an octet after which a server is given up."""

LINE: Final = 2_048
"""Octets of a line that is not of a message; RFC 1939 §3 and §7 allow 512."""

PIECE: Final = 64 << 10
"""Octets of a message given at a time; a line may be longer."""

MAX_LIST: Final = 500_000
"""Messages of a mailbox: a list of ids has 20 MB then."""

ENTRY: Final = 300
"""Octets that an entry of a list takes in memory, with an id of the longest."""

AT_ONCE: Final = 1000
"""Entries for which room is taken at once."""

MAX_UIDL: Final = 70
"""Characters of an id (RFC 1939 §7)."""

QUIT_SECONDS: Final = 15.0
"""Seconds for the reply to QUIT, before which a server removes the marked messages (RFC 1939 §6)."""


class MaildropEntry(msgspec.Struct, frozen=True):
    """A message of the mailbox: its number in this session, and its id, the same in all sessions."""

    number: int
    uidl: str


class POP3Client:
    """A connection; `connect` makes it. After an error other than Refused it cannot be used."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._transport = Transport(stream, SILENT_SECONDS)
        self._buffer = bytearray()

    async def greet(self) -> None:
        """Read the greeting. Raises Refused."""
        self._transport.begin()
        await self._answer("the greeting")

    async def begin_tls(self, host: str, trust: Trust) -> None:
        """Begin TLS, with a certificate that is valid for `host`. Raises TLSFailed."""
        try:
            stream = await ClientTLS().connect(self._transport.stream, host)
        except TLSError as error:
            raise TLSFailed(worded("TLS handshake failed: {reason}", reason=error)) from error
        self._transport.stream = stream
        checker(trust, host)(stream)

    async def start_tls(self, host: str, trust: Trust) -> None:
        """STLS. What came before TLS is forgotten. Raises TLSFailed, Refused."""
        await self._run("STLS")
        if self._buffer:
            raise self._transport.fail(
                worded("the server sent unexpected data after its response to {command}", command="STLS")
            )
        await self.begin_tls(host, trust)

    async def log_in(self, user: str, password: str) -> None:
        """Log in by USER and PASS. Raises LoginFailed: with the server's words."""
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in user + password):
            raise LoginFailed(worded("login failed: {reason}", reason="user name or password has control characters"))
        try:
            await self._run(f"USER {user}")
            await self._run(f"PASS {password}", shown="PASS ***")
        except Refused as error:
            raise LoginFailed(worded("login failed: {reason}", reason=reason_of(error))) from None

    async def count(self) -> int:
        """Number of messages (STAT)."""
        words = (await self._run("STAT")).split()
        if not words or not words[0].isdecimal() or len(words[0]) > 9:
            raise self._transport.fail(worded("the server didn't return its message count"))
        return int(words[0])

    async def list(self) -> list[MaildropEntry]:
        """All messages with their ids (UIDL), held until `quit`. Raises Refused: the server has no ids."""
        await self._run("UIDL")
        found: dict[str, MaildropEntry] = {}
        while (line := await self._line()) != b".":
            number, _, uidl = line.decode("ascii", "replace").strip().partition(" ")
            bad = not number.isdecimal() or len(number) > 9 or not 0 < len(uidl) <= MAX_UIDL or not uidl.isprintable()
            if bad or len(found) >= MAX_LIST:
                raise self._transport.fail(worded("the server's message list is invalid"))
            if len(found) % AT_ONCE == 0:
                await self._transport.take_list(ENTRY * AT_ONCE)
            # Two messages with one id break RFC 1939 §7. The first is taken: the id is all by which later sessions know
            # what was fetched, and the second stays where it is.
            found.setdefault(uidl, MaildropEntry(int(number), uidl))
        return [*found.values()]

    async def retrieve(self, number: int, most: int) -> AsyncGenerator[bytes, None]:
        """The octets of a message, at most `most`, in pieces. Raises Refused. Close the generator when leaving early;
        the connection cannot be used then.
        """
        self._transport.left = most + LINE
        await self._run(f"RETR {number}")
        piece = bytearray()
        begins = True  # of a line
        while True:
            at = self._buffer.find(b"\n")
            if at < 0 and len(self._buffer) < PIECE:
                await self._receive("RETR")
                continue
            line = bytes(self._buffer[: at + 1] if at >= 0 else self._buffer)
            del self._buffer[: len(line)]
            if begins and line in (b".\r\n", b".\n"):
                break
            piece += line[1:] if begins and line.startswith(b".") else line
            begins = at >= 0
            if len(piece) >= PIECE:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)

    async def delete(self, number: int) -> None:
        """Mark a message to be removed by `quit`. Raises Refused."""
        await self._run(f"DELE {number}")

    async def quit(self) -> None:
        """End the session, which removes marked messages, and close the connection."""
        try:
            if not self._transport.broken:
                with trio.move_on_after(QUIT_SECONDS), suppress(IMAPClientError):
                    await self._run("QUIT")
        finally:
            self._transport.broken = self._transport.broken or "closed"
            self._transport.release()
            await trio.aclose_forcefully(self._transport.stream)

    async def _run(self, command: str, *, shown: str = "") -> str:
        self._transport.begin()
        await self._transport.send(f"{command}\r\n".encode(), shown or command)
        return await self._answer(command.partition(" ")[0])

    async def _answer(self, command: str) -> str:
        line = (await self._line(command)).decode("utf-8", "replace")
        status, _, text = line.partition(" ")
        if status == "+OK":
            return text
        if status == "-ERR":
            raise Refused(command, State("NO", text=text.strip()[:300]))
        raise self._transport.fail(worded("the server doesn't support POP3"))

    async def _line(self, command: str = "UIDL") -> bytes:
        while (at := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LINE:
                raise self._transport.fail(worded("the server's response to {command} is too long", command=command))
            await self._receive(command)
        line = bytes(self._buffer[:at]).rstrip(b"\r")
        del self._buffer[: at + 1]
        return line

    async def _receive(self, command: str) -> None:
        octets = await self._transport.receive(command, patient=False)
        if not octets:
            raise self._transport.lost(worded("the server closed the connection"))
        self._buffer += octets


async def connect(
    server: Server, user: str, password: str, *, resolver: Resolver, trust: Trust, inside: bool
) -> POP3Client:
    """Connect, with TLS always, and log in. `inside`: the server may have an address of the inner network.

    Raises ConnectionLost, TLSFailed, LoginFailed, BrokenServer.
    """
    addresses = await addresses_of(server.host, resolver)
    await trust.ready()
    try:
        dialed = await dial(addresses, server.port or PORTS[server.tls], inside=inside)
    except DialError as error:
        raise ConnectionLost(reason_of(error)) from None
    client = POP3Client(dialed.stream)
    try:
        with trio.fail_after(LOGIN_SECONDS):
            if server.tls == "implicit":
                await client.begin_tls(server.host, trust)
            await client.greet()
            if server.tls == "starttls":
                await client.start_tls(server.host, trust)
            await client.log_in(user, password)
    except trio.TooSlowError:
        await trio.aclose_forcefully(dialed.stream)
        raise ConnectionLost(worded("couldn't log in within {seconds} s", seconds=int(LOGIN_SECONDS))) from None
    except BaseException:
        await trio.aclose_forcefully(dialed.stream)
        raise
    return client
