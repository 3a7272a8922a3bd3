"""An IMAP client for campaigns that believes what it is told, and knows when it was told nonsense.

It speaks plainly or by TLS, with or without COMPRESS, and keeps a view of the selected mailbox built from responses
alone. A view outlives its connection and its server: with QRESYNC the client goes on from what it knew.
"""

import itertools
import random
import re
import ssl
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import trio

from moxlite.proto.imap import responses as r, utf7
from moxlite.proto.imap.client import ClientDecoder
from moxlite.proto.imap.errors import ProtocolError
from tests.campaigns.report import Finding
from tests.running import LocalServer

__all__ = ["Client", "Gone", "Ledger", "View", "sequence"]

PATIENCE: Final = 60.0
"""Seconds within which any command must be answered, on a loaded machine."""

NEVER: Final = {"SERVERBUG", "UNAVAILABLE", "CORRUPTION", "CLIENTBUG", "INUSE"}
"""Codes of NO that no well-behaved client may meet on a sound server."""

READ: Final = 65536


class Gone(Exception):
    """The connection has ended: the server was killed, or the client itself hung up."""


@dataclass
class Ledger:
    """What all clients share."""

    server: LocalServer
    commands: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    killed: bool = False


@dataclass
class View:
    """What a client believes of a mailbox.

    uids: in order of message numbers, None where only the number is known. missing: messages of which not even that is
    known, as they were removed while QRESYNC told the rest.
    """

    name: str
    uidvalidity: int = 0
    modseq: int = 0
    mailbox_id: str = ""
    exists: int = 0
    missing: int = 0
    uids: list[int | None] = field(default_factory=list)
    flags: dict[int, frozenset[str]] = field(default_factory=dict)
    readonly: bool = False

    @property
    def known(self) -> list[int]:
        """The UIDs told."""
        return [uid for uid in self.uids if uid is not None]

    @property
    def lowest_unknown(self) -> int:
        """A UID above those known in order, from which on to ask for the rest."""
        first = self.uids.index(None) if None in self.uids else 0
        return (self.uids[first - 1] or 0) + 1 if first else 1

    def forget(self, gone: set[int]) -> None:
        """Take out removed messages."""
        self.uids = [uid for uid in self.uids if uid not in gone]
        for uid in gone:
            self.flags.pop(uid, None)

    def forget_unknown(self, uid: int) -> bool:
        """Take out a message of which only the number is known: one between those with lower and higher UIDs."""
        above = next((at for at, other in enumerate(self.uids) if other is not None and other > uid), len(self.uids))
        if above == 0 or self.uids[above - 1] is not None:
            return False
        del self.uids[above - 1]
        return True


@dataclass
class Resync:
    """What a SELECT with QRESYNC tells, until that is complete: EXISTS comes before what explains it.

    uidvalidity: the one that the client knows.
    """

    uidvalidity: int
    vanished: set[int] = field(default_factory=set)
    told: dict[int, tuple[int, frozenset[str]]] = field(default_factory=dict)


def sequence(numbers: Iterable[int]) -> str:
    """A set in wire form."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in ranges)


class Client:
    """One of the clients. `kind` says which extensions it enables: plain, condstore, qresync, rev2, uidonly, notify,
    delayed.
    """

    def __init__(self, name: str, kind: str, rng: random.Random, ledger: Ledger) -> None:
        self.name, self.kind, self.rng, self.ledger = name, kind, rng, ledger
        self.saved: dict[str, View] = {}
        self.trail: list[str] = []
        self._forget()

    def _forget(self) -> None:
        """As before a connection; `saved` stays."""
        self.stream: trio.abc.Stream | None = None
        self.codec = ClientDecoder()
        self.tags = (f"t{number}" for number in itertools.count(1))
        self.inflate: zlib._Decompress | None = None
        self.deflate: zlib._Compress | None = None
        self.view: View | None = None
        self.next_view: View | None = None
        self.resync: Resync | None = None
        self.refusal: r.State | None = None
        self.names: set[str] = set()
        self.by_number = self.blind = self.leaving = False

    # --- the connection

    async def connect(self, *, tls: bool = False, compress: bool = False) -> None:
        """Connect, log in, enable what the kind wants."""
        self._forget()
        with self._patience("connect"), self._losses():
            plain = await trio.open_tcp_stream("127.0.0.1", self.ledger.server.port(993 if tls else 143))
            self.stream = plain
            if tls:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                self.stream = trio.SSLStream(plain, context)
            self.expect(await self.next(), "OK")
        user, password = self.ledger.server.user, self.ledger.server.password
        await self.ok(f'LOGIN "{user}" "{password}"')
        if compress:
            await self.ok("COMPRESS DEFLATE")
            if self.codec.buffered:
                raise self.wrong("octets behind the OK to COMPRESS were not compressed")
            self.inflate, self.deflate = zlib.decompressobj(-15), zlib.compressobj(6, zlib.DEFLATED, -15)
        enable = {"condstore": "CONDSTORE", "qresync": "QRESYNC", "rev2": "IMAP4rev2", "uidonly": "UIDONLY"}
        if self.kind in enable:
            await self.ok(f"ENABLE {enable[self.kind]}")

    @property
    def uidonly(self) -> bool:
        """Whether message numbers are never told."""
        return self.kind == "uidonly"

    @property
    def notified(self) -> bool:
        """Whether changes may be told at any time."""
        return self.kind in ("notify", "delayed")

    @property
    def by_uid(self) -> bool:
        """Whether only UIDs are safe to name."""
        return self.kind in ("notify", "uidonly")

    def wrong(self, text: str) -> Finding:
        """A finding, with the end of the trail."""
        trail = "\n".join(self.trail[-200:])
        return Finding(f"client {self.name} ({self.kind}): {text}\n{trail}")

    @contextmanager
    def _patience(self, what: str) -> Iterator[None]:
        """A block that must end in time."""
        try:
            with trio.fail_after(PATIENCE):
                yield
        except trio.TooSlowError as late:
            raise self.wrong(f"no answer within {PATIENCE:.0f} s: {what}") from late

    @contextmanager
    def _losses(self) -> Iterator[None]:
        """A block in which the connection may end."""
        try:
            yield
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            self.lost()

    async def send(self, octets: bytes) -> None:
        """Send, compressed if that's on."""
        assert self.stream is not None
        if self.deflate is not None:
            flush = self.rng.choice((zlib.Z_SYNC_FLUSH, zlib.Z_PARTIAL_FLUSH))
            octets = self.deflate.compress(octets) + self.deflate.flush(flush)
        with self._patience("send"), self._losses():
            await self.stream.send_all(octets)

    async def receive(self, limit: int = READ) -> None:
        """Take some octets."""
        assert self.stream is not None
        with self._losses():
            data = bytes(await self.stream.receive_some(limit))
        if not data:
            self.lost()
        self.codec.feed(self.inflate.decompress(data) if self.inflate is not None else data)

    def lost(self) -> None:
        """The connection ended: fine when the server was killed, or when the client asked for it."""
        if not (self.ledger.killed or self.leaving):
            raise self.wrong("the server closed the connection")
        raise Gone

    async def hang_up(self) -> None:
        """Close without a word. What was believed of an unfinished command is forgotten."""
        if self.stream is not None:
            self.leaving = True
            stream, self.stream = self.stream, None
            await trio.aclose_forcefully(stream)
        self.keep()
        self.view = None

    def keep(self) -> None:
        """Remember the view, to go on from it with QRESYNC."""
        view = self.view
        if self.kind == "qresync" and view is not None and None not in view.uids and not (self.blind or self.resync):
            self.saved[view.name] = view

    # --- responses

    async def next(self) -> r.Response:
        """The next response, applied to the view."""
        while True:
            try:
                response = self.codec.next_response()
            except ProtocolError as error:
                raise self.wrong(f"malformed response: {error}") from error
            if response is not None:
                self.trail.append(f"  S: {str(response)[:300]}")
                del self.trail[:-200]
                self.apply(response)
                return response
            await self.receive()

    def expect(self, response: r.Response, condition: str) -> r.State:
        """A status response of that condition."""
        if not isinstance(response, r.State) or response.condition != condition:
            raise self.wrong(f"{condition} was expected, not {response}")
        return response

    def apply(self, response: r.Response) -> None:
        """What a response says about the view."""
        match response:
            case r.State(condition="BYE") if not self.leaving:
                raise self.wrong(f"the server said goodbye: {response.text}")
            case r.State(code=r.Code() as code, tag=tag):
                self._code(code, tag)
            case r.ListData(name=name, flags=flags):
                self._named(name, flags)
            case r.Enabled(names=names) if "IMAP4rev2" in names:
                self.codec.utf8 = True  # of names, from the next response on
        if self.view is None:
            return
        view = self.view
        match response:
            case r.Exists(number=number):
                self._exist(view, number)
            case r.ExpungeData(number=number):
                if self.by_number and not self.notified:
                    raise self.wrong("EXPUNGE while a command by message number ran (RFC 9051 §7.5.1)")
                if number > len(view.uids):
                    raise self.wrong(f"EXPUNGE of message {number} of {len(view.uids)}")
                uid = view.uids[number - 1]
                del view.uids[number - 1]
                view.exists -= 1
                if uid is not None:
                    view.flags.pop(uid, None)
            case r.Vanished(uids=ranges, earlier=earlier):
                self._vanished(view, ranges, earlier=earlier)
            case r.FetchData():
                self._fetched(view, response)

    def _exist(self, view: View, number: int) -> None:
        if self.resync is not None and view.exists:
            self._resynchronized(view)
        view.exists = number
        if self.resync is None and not self.uidonly:
            if number < len(view.uids):
                raise self.wrong(f"{number} messages, after {len(view.uids)}")
            view.uids += [None] * (number - len(view.uids) - view.missing)

    def _vanished(self, view: View, ranges: tuple[tuple[int, int], ...], *, earlier: bool) -> None:
        if not earlier:
            if self.by_number and not self.notified:
                raise self.wrong("VANISHED while a command by message number ran (RFC 7162 §3.2.10)")
            self._resynchronized(view)
        gone = {uid for uid in view.known if any(low <= uid <= high for low, high in ranges)}
        if self.resync is not None:
            self.resync.vanished |= gone
            return
        view.forget(gone)
        if earlier or self.uidonly:
            return
        view.exists -= sum(high - low + 1 for low, high in ranges)
        for uid in (uid for low, high in ranges for uid in range(low, high + 1) if uid not in gone):
            if view.missing:
                view.missing -= 1
            elif not view.forget_unknown(uid):
                raise self.wrong(f"VANISHED of message {uid}, which was never told of")

    def _named(self, name: str, flags: tuple[str, ...]) -> None:
        if r"\NonExistent" in flags or r"\NoSelect" in flags:
            self.names.discard(name)
        else:
            self.names.add(name)

    def _code(self, code: r.Code, tag: str | None) -> None:
        if code.name == "CLOSED":
            self.keep()
            self.view, self.next_view = self.next_view, None
        view = self.view
        if view is None:
            return
        match code.name:
            case "UIDVALIDITY":
                view.uidvalidity = int(code.argument)
            case "MAILBOXID" if tag is None:
                view.mailbox_id = code.argument.decode().strip("()")
            case "HIGHESTMODSEQ" if int(code.argument) < view.modseq:
                raise self.wrong(f"HIGHESTMODSEQ went back from {view.modseq} to {int(code.argument)}")
            case "HIGHESTMODSEQ":
                view.modseq = int(code.argument)

    def _fetched(self, view: View, response: r.FetchData) -> None:
        values = dict(response.items)
        flags = values.get("FLAGS")
        told = frozenset(flags) - {r"\Recent"} if isinstance(flags, tuple) else None
        if response.uid:
            uid = response.number
            if uid not in view.flags:
                view.uids = [*sorted({*view.known, uid})]
                view.flags.setdefault(uid, frozenset())
        else:
            number, said = response.number, values.get("UID")
            if self.resync is not None:
                assert isinstance(said, int)
                self.resync.told[said] = (number, told or frozenset())
                return
            if view.missing:  # what the numbers mean is not known yet
                if told is not None and said in view.flags:
                    assert isinstance(said, int)
                    view.flags[said] = told
                return
            if number > len(view.uids):
                raise self.wrong(f"FETCH of message {number} of {len(view.uids)}")
            before = view.uids[number - 1]
            if said is not None and before not in (None, said):
                raise self.wrong(f"message {number} has UID {said!r}, and had {before!r}")
            found = said if said is not None else before
            if found is None:
                return
            assert isinstance(found, int)
            uid = view.uids[number - 1] = found
        if told is not None:
            view.flags[uid] = told
        body = values.get("BODY[]")
        if isinstance(body, bytes):
            self._check_sum(body)

    def _check_sum(self, message: bytes) -> None:
        """Messages of the campaign carry the CRC of their text."""
        head, _, text = message.partition(b"\r\n\r\n")
        if (match := re.search(rb"X-Sum: (\d+)", head)) and zlib.crc32(text) != int(match[1]):
            raise self.wrong(f"the text of a message has changed: {head[:200]!r}")

    # --- commands

    def mailbox(self, name: str) -> str:
        """A name in wire form, as text of one octet a character."""
        octets = name.encode() if self.codec.utf8 else utf7.encode(name)
        return '"' + octets.decode("latin-1").replace("\\", "\\\\").replace('"', '\\"') + '"'

    async def begin(self, text: str, *literals: bytes) -> str:
        """Send a command, its `{}` filled with literals of any kind; its tag."""
        tag = next(self.tags)
        self.trail.append(f"C: {tag} {text[:300]}")
        words = text.split()
        self.ledger.commands[words[words[0] == "UID" and len(words) > 1]] += 1
        pieces = text.split("{}")
        octets = f"{tag} {pieces[0]}".encode("latin-1")
        for literal, piece in zip(literals, pieces[1:], strict=True):
            if self.rng.random() < 0.7 or literal == b"":
                octets += b"{%d+}\r\n%b" % (len(literal), literal)
            else:
                await self.send(octets + b"{%d}\r\n" % len(literal))
                if not await self.go_ahead(tag):
                    return tag
                octets = literal
            octets += piece.encode("latin-1")
        await self.send(octets + b"\r\n")
        return tag

    async def go_ahead(self, tag: str) -> bool:
        """Wait for ``+``; False when the command was refused instead."""
        with self._patience("the go-ahead for a literal"):
            while True:
                response = await self.next()
                if isinstance(response, r.Continue):
                    return True
                if isinstance(response, r.State) and response.tag == tag:
                    self.refusal = response
                    return False

    async def end(self, tag: str, what: str, *, bad: bool = False) -> r.State:
        """Believe all up to the tagged line, and judge that."""
        refusal, self.refusal = self.refusal, None
        if refusal is None:
            with self._patience(what[:100]):
                while not (isinstance(response := await self.next(), r.State) and response.tag == tag):
                    pass
            refusal = response
        if refusal.condition == "BAD" and not bad:
            raise self.wrong(f"{what[:200]} was answered with BAD {refusal.text}")
        if refusal.condition == "NO":
            code = refusal.code.name if refusal.code else refusal.text
            if code in NEVER:
                raise self.wrong(f"{what[:200]} was answered with NO [{code}] {refusal.text}")
            words = what.split()
            self.ledger.refused[f"{words[1] if words[0] == 'UID' else words[0]} {code}"] += 1
        return refusal

    async def run(self, text: str, *literals: bytes, bad: bool = False) -> r.State:
        """Run a command, believing each response."""
        words = text.split()
        self.by_number = words[0] in ("FETCH", "STORE", "SEARCH", "SORT", "THREAD")
        try:
            tag = await self.begin(text, *literals)
            return await self.end(tag, text, bad=bad)
        finally:
            self.by_number = False

    async def ok(self, text: str) -> None:
        """Run a command that must succeed."""
        state = await self.run(text)
        if state.condition != "OK":
            raise self.wrong(f"{text!r} was answered with {state.condition} {state.text}")

    async def logout(self) -> None:
        """Leave as a polite client does."""
        self.leaving = True
        await self.run("LOGOUT")
        await self.hang_up()

    async def select(self, name: str, *, examine: bool = False) -> bool:
        """SELECT or EXAMINE, from what is known of it if the client can, else reading all flags."""
        self.keep()
        self.blind = False
        saved = self.saved.get(name) if self.kind == "qresync" else None
        view = View(name, readonly=examine)
        parameters = known = ""
        if saved is not None and saved.modseq:
            view.uids, view.flags = list(saved.uids), dict(saved.flags)
            known = f" {sequence(view.known)}" if view.known and self.rng.random() < 0.3 else ""
            self.resync = Resync(saved.uidvalidity)
            parameters = f" (QRESYNC ({saved.uidvalidity} {saved.modseq}{known}))"
        elif self.kind in ("qresync", "condstore") and self.rng.random() < 0.5:
            parameters = " (CONDSTORE)"
        if self.view is None:
            self.view = view
        else:
            self.next_view = view
        state = await self.run(f"{'EXAMINE' if examine else 'SELECT'} {self.mailbox(name)}{parameters}")
        if state.condition != "OK":
            self.view = self.next_view = self.resync = None
            self.saved.pop(name, None)
            self.names.discard(name)
            return False
        assert self.view is view
        self._resynchronized(view)
        if view.missing and not known:
            raise self.wrong(f"after QRESYNC {view.exists} messages exist, and {len(view.uids)} are known")
        if known and (view.missing or None in view.uids):
            # what came since is not among what the client named (RFC 7162 §3.2.5.2)
            view.uids, view.flags, view.missing = [None] * view.exists, {}, 0
        if None in view.uids or self.uidonly:
            await self.run(f"UID FETCH {view.lowest_unknown}:* (FLAGS)" if view.exists else "NOOP")
        return True

    def _resynchronized(self, view: View) -> None:
        """RFC 7162 §3.2.5: what was known, without what has vanished, and with what was told, is what there is."""
        resync, self.resync = self.resync, None
        if resync is None:
            return
        if view.uidvalidity != resync.uidvalidity:
            view.uids, view.flags = [None] * view.exists, {}
            return
        view.forget(resync.vanished)
        view.uids = [*sorted({*view.known, *resync.told})]
        view.missing = view.exists - len(view.uids)
        for uid, (number, flags) in resync.told.items():
            if not 0 <= number - 1 - view.uids.index(uid) <= view.missing:
                raise self.wrong(f"after QRESYNC the message with UID {uid} can't have the number {number}")
            view.flags[uid] = flags
        if view.missing < 0:
            raise self.wrong(f"after QRESYNC {view.exists} messages exist, and {len(view.uids)} are known")
