"""The queue over connections that were used before: servers that keep a transaction, drop one, or hang up (QUEUE-68a).

The servers here have the state that `Server` of the rig lacks: an open transaction with its recipients, which each of
them ends at other moments than RFC 5321 has it.
"""

import enum
from pathlib import Path

import pytest
import trio

from moxlite.operations.queue import Filter
from tests.queue_rig import Rig, Server, rig_at

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "72h"'

ROUND = [
    ("one@remote.example", b"Subject: 1\r\n\r\nfirst\r\n"),
    ("spam@remote.example", b"Subject: 2\r\n\r\nrefused\r\n"),
    ("two@remote.example", b"Subject: 3\r\n\r\nsecond\r\n"),
    ("unknown@remote.example", b"Subject: 4\r\n\r\nrefused too\r\n"),
    ("three@remote.example", b"Subject: 5\r\n\r\nthird\r\n"),
    ("four@remote.example", b"Subject: 6\r\n\r\nfourth\r\n"),
]
"""Messages of one batch: to ``spam@`` is refused at the end of the data, ``unknown@`` at RCPT."""


class Fault(enum.Enum):
    """How a server errs about transactions."""

    NONE = "none"
    KEEPS_AFTER_REFUSAL = "keeps a transaction whose message it refused until RSET"
    KEEPS_ALWAYS = "keeps a transaction until RSET, also when it took the message"
    IGNORES_RSET = "keeps a transaction for ever, and takes RSET for done"
    REFUSES_RSET = "does not know RSET, and keeps a transaction whose message it refused"
    FORGETS_EHLO = "wants EHLO again after RSET"
    ENDS_AT_REFUSAL = "drops the transaction with each refused recipient"
    CLOSES = "closes after each transaction without a word"
    SAYS_421 = "answers to everything after a transaction with 421"
    REFUSES_MAIL = "takes one message a connection, and answers 554 to the next MAIL"


class Stateful(Server):
    """A server with transactions. ``taken``: recipients and octets of each message that it took."""

    def __init__(self, fault: Fault, *extensions: str) -> None:
        super().__init__(extensions=extensions)
        self.fault = fault
        self.taken: list[tuple[tuple[str, ...], bytes]] = []

    async def _speak(self, stream: trio.abc.Stream) -> None:
        await Session(self, stream).run()


class Session:
    """One connection to a `Stateful` server."""

    def __init__(self, server: Stateful, stream: trio.abc.Stream) -> None:
        self.server, self.fault, self.stream = server, server.fault, stream
        self.buffer = bytearray()
        self.greeted = False
        self.mail = False
        self.to: list[str] = []
        self.body = b""
        self.over = 0  # transactions that have ended

    async def line(self) -> bytes | None:
        while b"\r\n" not in self.buffer:
            data = await self.stream.receive_some()
            if not data:
                return None
            self.buffer += data
        text, _, rest = bytes(self.buffer).partition(b"\r\n")
        self.buffer[:] = rest
        return text

    async def octets(self, count: int) -> bytes:
        while len(self.buffer) < count:
            data = await self.stream.receive_some()
            assert data, "the client hangs up in a chunk"
            self.buffer += data
        found = bytes(self.buffer[:count])
        del self.buffer[:count]
        return found

    async def say(self, text: str) -> None:
        await self.stream.send_all(text.encode() + b"\r\n")

    def end(self, *, taken: bool = False) -> None:
        """The end of a transaction, as RFC 5321 has it."""
        self.body = b""
        keeps = self.fault is Fault.KEEPS_ALWAYS or (
            not taken and self.fault in (Fault.KEEPS_AFTER_REFUSAL, Fault.IGNORES_RSET, Fault.REFUSES_RSET)
        )
        if not keeps:
            self.mail, self.to = False, []

    async def run(self) -> None:
        await self.say("220 mx.example ESMTP")
        while (command := await self.line()) is not None:
            text = command.decode()
            self.server.lines.append(text)
            verb = text.split(" ")[0].upper()
            if self.over and self.fault is Fault.SAYS_421 and verb != "QUIT":
                await self.say("421 4.3.2 enough")
                return
            if verb == "QUIT":
                await self.say("221 2.0.0 bye")
                return
            answer = getattr(self, "on_" + verb.lower(), self.unknown)(text)
            await self.say(await answer)
            if self.over and self.fault is Fault.CLOSES:
                return

    async def unknown(self, text: str) -> str:
        return "500 5.5.2 unknown"

    async def on_ehlo(self, text: str) -> str:
        self.greeted = True
        lines = ["mx.example", *self.server.extensions]
        return "\r\n".join(f"250{'-' if n < len(lines) - 1 else ' '}{one}" for n, one in enumerate(lines))

    async def on_rset(self, text: str) -> str:
        if self.fault is Fault.REFUSES_RSET:
            return "500 5.5.2 unknown"
        if self.fault is not Fault.IGNORES_RSET:
            self.mail, self.to = False, []
        if self.fault is Fault.FORGETS_EHLO:
            self.greeted = False
        return "250 2.0.0 ok"

    async def on_mail(self, text: str) -> str:
        if not self.greeted:
            return "503 5.5.1 EHLO first"
        if self.mail:
            return "503 5.5.1 already have MAIL"
        if self.over and self.fault is Fault.REFUSES_MAIL:
            return "554 5.7.1 one message a connection"
        self.mail = True
        return "250 2.1.0 ok"

    async def on_rcpt(self, text: str) -> str:
        if not self.mail:
            return "503 5.5.1 MAIL first"
        recipient = text[9:].split(">")[0]
        if recipient.startswith("unknown"):
            if self.fault is Fault.ENDS_AT_REFUSAL:
                self.end()
            return "550 5.1.1 no such user"
        self.to.append(recipient)
        return "250 2.1.5 ok"

    async def on_data(self, text: str) -> str:
        if not self.to:
            return "503 5.5.1 no recipients"
        await self.say("354 go")
        lines = []
        while (one := await self.line()) != b".":
            if one is None:
                raise trio.BrokenResourceError
            lines.append(one.removeprefix(b".") + b"\r\n")
        return self.received(b"".join(lines))

    async def on_bdat(self, text: str) -> str:
        _, count, *last = text.split(" ")
        octets = await self.octets(int(count))
        if not self.to:
            return "503 5.5.1 no recipients"
        self.body += octets
        return self.received(self.body) if last else "250 2.0.0 more"

    def received(self, body: bytes) -> str:
        self.over += 1
        if any(one.startswith("spam") for one in self.to):
            self.end()
            return "550 5.7.1 refused"
        self.server.taken.append((tuple(self.to), body))
        self.end(taken=True)
        return "250 2.0.0 taken"


EXTENSIONS = {
    "pipelined data": ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"),
    "data in turn": ("ENHANCEDSTATUSCODES", "8BITMIME"),
    "pipelined chunks": ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "CHUNKING"),
    "chunks in turn": ("ENHANCEDSTATUSCODES", "8BITMIME", "CHUNKING"),
}


async def all_due(rig: Rig) -> None:
    """Queue the round while nothing is sent, then let it go: all of it over one connection, as far as the host lets."""
    rule, _ = await rig.queue.operations.add_hold_rule(recipient="remote.example")
    ids = []
    for to, data in ROUND:
        ids += await rig.submit(to, data=data)
    await rig.queue.operations.remove_hold_rule(rule)
    await rig.queue.operations.unhold(Filter(ids=tuple(ids)))
    await rig.settle()


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
@pytest.mark.parametrize("way", EXTENSIONS)
async def test_no_message_is_lost_doubled_empty_or_bounced(tmp_path: Path, fault: Fault, way: str) -> None:
    """QUEUE-68a, QUEUE-165: each goes to its recipient alone, once and whole, at the first attempt; the two that are
    refused come back, and no other.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Stateful(fault, *EXTENSIONS[way]))
        assert isinstance(mx, Stateful)
        await all_due(rig)
        wanted = [((to,), data) for to, data in ROUND if not to.startswith(("spam", "unknown"))]
        assert sorted(mx.taken) == sorted(wanted)
        retired = await rig.queue.listings.list_retired()
        assert {row.rcpt_localpart for row in retired if not row.success} == {"spam", "unknown"}
        assert {row.attempts for row in retired} == {1}
        assert len(retired) == len(ROUND)
        assert len(await rig.inbox()) == 2


@pytest.mark.parametrize("way", EXTENSIONS)
async def test_a_server_that_ends_a_transaction_with_a_refused_recipient(tmp_path: Path, way: str) -> None:
    """QUEUE-67: its 503 to the other recipients, or to DATA, is no refusal of theirs; they go in a transaction of their
    own.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Stateful(Fault.ENDS_AT_REFUSAL, *EXTENSIONS[way]))
        assert isinstance(mx, Stateful)
        await rig.submit("a@remote.example", "unknown@remote.example", "b@remote.example")
        await rig.settle()
        assert [to for to, _ in mx.taken] == [("a@remote.example", "b@remote.example")]
        retired = await rig.queue.listings.list_retired()
        assert {row.rcpt_localpart: row.success for row in retired} == {"a": True, "unknown": False, "b": True}
        assert mx.connections == 1


async def test_mail_refused_for_now_waits_for_the_schedule(tmp_path: Path) -> None:
    """QUEUE-68a: 4xx to MAIL on a used connection is an answer about the message or its sender."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server({"MAIL": ["250 2.1.0 ok", "451 4.3.0 later"]}))
        await rig.submit("one@remote.example")
        await rig.settle()
        await rig.submit("two@remote.example")
        await rig.settle()
        assert mx.connections == 1
        [waiting] = await rig.queue.listings.list_messages()
        assert (waiting.rcpt_localpart, waiting.attempts, waiting.results[0].code) == ("two", 1, 451)


async def test_mail_refused_on_a_fresh_connection_too_is_final(tmp_path: Path) -> None:
    """QUEUE-68a: tried again once, at once; what the host says then counts."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"MAIL": ["250 2.1.0 ok", "550 5.1.8 sender refused"]}))
        await rig.submit("one@remote.example")
        await rig.settle()
        await rig.submit("two@remote.example")
        await rig.settle()
        assert mx.connections == 2
        assert sum(line.startswith("MAIL") for line in mx.lines) == 3
        [dsn] = await rig.inbox()
        assert b"two@remote.example" in dsn
