"""How the server is built, and what that must hold up against (docs/spec/imap.md §1; IMAP-154)."""

import time
from collections import deque
from pathlib import Path

import apsw
import msgspec
import pytest
import trio
import trio.testing

from moxlite.imapd.dispatch import HANDLERS
from moxlite.imapd.loop import CommandLoop
from moxlite.imapd.session.errors import Disconnect
from moxlite.imapd.session.state import Session
from moxlite.net.admission import TLSFacts
from moxlite.proto.imap.server import NEED_DATA, Event, ServerDecoder
from moxlite.proto.sasl import NO_BINDINGS, ChannelBindings
from moxlite.store.upkeep.repairs import bump_uidvalidity
from tests.session.imapd_harness import PASSWORD, TLS, Client, Imap, imap
from tests.store_mail import box, put
from tests.tools import eventually

pytestmark = pytest.mark.served

__all__ = ["imap"]

YEARS = 10 * 365 * 86_400 * 1_000_000_000


class Answers:
    """An `Output` without a stream: the octets that were written."""

    def __init__(self) -> None:
        self.pending = self.sent = 0
        self.broken = self.slow = False
        self.written: deque[bytes] = deque()

    def write(self, octets: bytes) -> None:
        self.written.append(octets)

    def pending_octets(self) -> bytes:
        return b""

    def flush(self, *, much: bool = False) -> bool:
        return True

    async def drain(self) -> None:
        pass


class Script:
    """A `Wire` without a stream: octets that have come, and what is answered."""

    def __init__(self, imap: Imap, octets: bytes) -> None:
        self.decoder = ServerDecoder()
        self.info = imap.info()
        self.output = Answers()
        self.received = 0
        self.compressed = False
        self.decoder.feed(octets)
        self.decoder.feed_eof()

    async def receive(self, seconds: float | None = None, *, within: trio.CancelScope | None = None) -> Event:
        event = self.decoder.next_event()
        if event is NEED_DATA:
            raise Disconnect("nothing more comes")
        return event

    async def start_tls(self) -> None:
        raise AssertionError

    async def compress(self) -> None:
        raise AssertionError

    def bindings(self) -> ChannelBindings:
        return NO_BINDINGS


async def test_a_session_needs_no_socket(imap: Imap) -> None:
    """IMAP-7: events and changes in, responses out."""
    message = "Subject: hello\r\n\r\nbody"
    script = Script(
        imap,
        (
            f'a LOGIN mia@example.org "{PASSWORD}"\r\nb SELECT Inbox\r\n'
            f"c APPEND Inbox {{{len(message)}+}}\r\n{message}\r\n"
            "d FETCH 1 BODY.PEEK[TEXT]\r\ne LOGOUT\r\n"
        ).encode(),
    )
    loop = CommandLoop(Session(imap.context, script), HANDLERS)
    try:
        await loop.run()
    finally:
        await loop.aclose()
    text = b"".join(script.output.written).decode()
    assert "* 1 EXISTS\r\n" in text
    assert "* 1 FETCH (UID 1 BODY[TEXT] {4}\r\nbody)\r\n" in text
    assert text.splitlines()[-2:] == ["* BYE logging out", "e OK logged out"]


class Watched(trio.abc.Stream):
    """The server's end of a connection whose client takes each piece only when all is seen to be free meanwhile."""

    def __init__(self, stream: trio.abc.Stream, database: Path) -> None:
        self.stream = stream
        self.database = apsw.Connection(str(database))
        self.database.set_busy_timeout(0)
        self.pieces = 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces += 1
        # What the session holds is held until this returns; what background tasks hold is free in a moment.
        await eventually(self.is_free, seconds=30, what="a database that nobody reads or writes")
        await self.stream.send_all(data)

    def is_free(self) -> bool:
        """A snapshot that is held keeps the log from being started again, the writer's lock keeps us from writing."""
        try:
            (busy, _, _) = self.database.execute("PRAGMA wal_checkpoint(RESTART)").fetchone() or (1, 0, 0)
            self.database.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            return False
        self.database.execute("ROLLBACK")
        return busy == 0

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return bytes(await self.stream.receive_some(max_bytes))

    async def aclose(self) -> None:
        self.database.close()
        await self.stream.aclose()


@pytest.mark.slow
async def test_nothing_of_the_store_is_held_while_a_client_is_written_to(imap: Imap) -> None:
    """IMAP-9, IMAP-95, IMAP-148: each piece that is sent meets a free database, whatever the command."""
    async with imap.account() as account:
        await put(account, 1200)
        ours, theirs = trio.testing.memory_stream_pair()
        watched = Watched(theirs, imap.accounts.path("mia") / "account.db")
        ended = trio.Event()
        imap.nursery.start_soon(imap.serve, watched, imap.info(), imap.context, ended)
        client = Client(ours)
        client.greeting = await client.line()
        await client.login()
        await client.append(b"Subject: big\r\n\r\n" + b"x" * 99 + b"\r\n" * 1_500_000)
        await client.ok("a ENABLE QRESYNC")
        validity = (await box(account)).uidvalidity
        for command in (
            f"b SELECT Inbox (QRESYNC ({validity} 1))",
            "c UID FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)",
            "d FETCH 1:* BODY[]",
            "e FETCH 1201 BODY.PEEK[TEXT]",
            "f UID SEARCH TEXT hello",
            r"g STORE 1:* +FLAGS (\Flagged)",
            "h UID THREAD REFERENCES UTF-8 ALL",
            "i COPY 1:* Archive",
            'j LIST "" * RETURN (STATUS (MESSAGES))',
        ):
            before = watched.pieces
            await client.ok(command)
            assert watched.pieces > before
        assert watched.pieces > 50
        await ours.aclose()
        with trio.fail_after(30):
            await ended.wait()


@pytest.mark.parametrize("service", ["imaps", "imaphttps"])
async def test_a_certificate_says_nothing_on_the_https_port(imap: Imap, service: str) -> None:
    """IMAP-12: there no mail program is asked for one."""
    context = msgspec.structs.replace(imap.context, service=service)
    facts = TLSFacts(version=TLS.version, cipher=TLS.cipher, alpn="imap")
    async with imap.connect(tls=facts, context=context) as c:
        assert c.greeting.startswith(b"* OK [CAPABILITY IMAP4rev2")
        assert b"AUTH=EXTERNAL" not in c.greeting
        await c.login()
        assert "* 0 EXISTS" in await c.select()


async def test_jumps_of_the_clock_change_no_number(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-154: UIDs, modseqs and UIDVALIDITYs ascend whatever the clock says."""
    now, offset = time.time_ns, [0]
    monkeypatch.setattr(time, "time_ns", lambda: now() + offset[0])
    uids: list[int] = []
    modseqs: list[int] = []
    validities: list[int] = []
    async with imap.account() as account, imap.user(enable=["CONDSTORE"]) as c:
        inbox = (await box(account)).uidvalidity
        for jump in (0, -YEARS, 2 * YEARS, 0, -2 * YEARS, YEARS):
            offset[0] = jump
            reply = await c.append("a: b\r\n\r\nx")
            validity, uid = reply.split("[APPENDUID ")[1].split("]")[0].split()
            assert int(validity) == inbox
            uids.append(int(uid))
            modseqs.append((await box(account)).modseq)
            await c.ok(r"a UID STORE * +FLAGS (\Seen)")
            modseqs.append((await box(account)).modseq)
            await c.ok("b CREATE again")
            validities.append((await box(account, "again")).uidvalidity)
            await c.ok("c DELETE again")
            modseqs.append((await box(account)).modseq)
        assert uids == list(range(1, len(uids) + 1))
        assert modseqs == sorted(modseqs)
        assert len({*modseqs}) >= 2 * len(uids)
        assert validities == sorted(set(validities))
        assert (await box(account)).uidvalidity == inbox


async def test_a_new_uidvalidity_makes_clients_read_anew(imap: Imap) -> None:
    """IMAP-81, IMAP-154: as after a restore, or by `moxlite store bump-uidvalidity`."""
    async with imap.account() as account:
        await put(account, 3)
        before = await box(account)
        await account.write(lambda tx: bump_uidvalidity(tx, "Inbox"))
    async with imap.user(select=None, enable=["QRESYNC"]) as c:
        lines = await c.ok(f"a SELECT Inbox (QRESYNC ({before.uidvalidity} {before.modseq}))")
        assert f"* OK [UIDVALIDITY {before.uidvalidity}] UIDs are valid" not in lines
        (told,) = [line for line in lines if "UIDVALIDITY" in line]
        assert int(told.split()[3].rstrip("]")) > before.uidvalidity
        assert not [line for line in lines if "VANISHED" in line or "FETCH" in line]
        assert "* 3 EXISTS" in lines
