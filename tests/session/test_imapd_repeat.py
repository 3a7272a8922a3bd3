"""Many idle sessions are told of the same change: once worked out, sent to all (docs/spec/imap.md §14)."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from moxlite.imapd import Context
from moxlite.imapd.connection import serve_connection
from moxlite.imapd.session.state import Session
from moxlite.imapd.updates import changes, watch
from moxlite.net.admission import guard
from moxlite.net.sockets import QuickStream
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags
from moxlite.store.types import Flag, MailboxID
from tests.session.imapd_harness import Client, Imap, imap
from tests.store_mail import put
from tests.tools import eventually

pytestmark = pytest.mark.served

__all__ = ["imap"]

INBOX = MailboxID(1)
ALL = "(MessageNew MessageExpunge FlagChange)"


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The sessions for which changes are worked out one by one, as often as that happens."""
    told: list[Session] = []

    async def tell(session: Session, *, expunge: bool) -> None:
        if session.pending():
            told.append(session)
        await changes.tell(session, expunge=expunge)

    monkeypatch.setattr(watch, "tell", tell)
    return told


async def idle(imap: Imap, stack: trio.Nursery, how: str = "") -> Client:
    """A session in IDLE, or one that has said NOTIFY; it ends with the nursery."""
    ready: list[Client] = []

    async def run() -> None:
        enable = [name for name in how.split() if name in ("CONDSTORE", "QRESYNC", "IMAP4rev2", "UIDONLY")]
        async with imap.user(enable=enable, select=None) as c:
            await c.select(command="EXAMINE" if "EXAMINE" in how else "SELECT")
            if "NOTIFY" in how:
                await c.ok(f"n NOTIFY SET (selected {ALL})")
            else:
                await c.idle()
            ready.append(c)
            await trio.sleep_forever()

    stack.start_soon(run)
    await eventually(lambda: ready, what="a session that waits")
    return ready[0]


async def test_what_one_was_told_is_repeated_to_all_that_knew_the_same(imap: Imap, worked_out: list[Session]) -> None:
    """IMAP-128, IMAP-170: each in the words that it has asked for."""
    imap.context.gate.at_once.limits = (100, 100, 100)
    async with imap.account() as account, trio.open_nursery() as nursery:
        await put(account, 3)
        owner = await idle(imap, nursery)  # what is new is \Recent to the first one
        await put(account, 1, first=7)
        assert [await owner.response() for _ in range(3)] == [
            "* 4 EXISTS",
            "* 4 RECENT",
            r"* 4 FETCH (UID 4 FLAGS (\Recent))",
        ]
        kinds = ["", "CONDSTORE", "QRESYNC", "IMAP4rev2", "UIDONLY", "EXAMINE", "NOTIFY", "NOTIFY CONDSTORE"]
        clients = [(kind, await idle(imap, nursery, kind)) for kind in kinds for _ in range(4)]
        worked_out.clear()

        await account.write(lambda tx: store_flags(tx, INBOX, [2], mode="add", flags=Flag.SEEN))
        modseq = account.bus.modseq
        for kind, c in clients:
            shown = f" MODSEQ ({modseq})" if "CONDSTORE" in kind or kind == "QRESYNC" else ""
            number = "2 UIDFETCH (" if kind == "UIDONLY" else "2 FETCH (UID 2 "
            assert await c.response() == rf"* {number}FLAGS (\Seen){shown})", kind
        assert await owner.response() == r"* 2 FETCH (UID 2 FLAGS (\Recent \Seen))"
        views = len({(kind.replace("NOTIFY", "").strip()) for kind in kinds})
        # One of each way to see it, those that count only, and the one to which it is \Recent.
        assert len(worked_out) <= views - 1 + 4 + 1

        await account.write(lambda tx: expunge(tx, INBOX, [1, 3]))
        for kind, c in clients:
            if kind in ("QRESYNC", "UIDONLY"):
                assert await c.response() == "* VANISHED 1,3", kind
            else:
                assert [await c.response(), await c.response()] == ["* 3 EXPUNGE", "* 1 EXPUNGE"], kind
        assert [await owner.response() for _ in range(3)] == ["* 3 EXPUNGE", "* 1 EXPUNGE", "* 2 RECENT"]

        await put(account, 1, first=9)
        recent = 0
        for kind, c in [("owner", owner), *clients]:
            assert await c.response() == "* 3 EXISTS", kind
            line = await c.response()
            claims = kind != "EXAMINE"  # such a session shows what is new until another one has been told of it
            if line.endswith(" RECENT"):
                recent += claims and kind != "owner"
                line = await c.response()
            assert "FETCH" in line, kind
            recent += claims and r"\Recent" in line
        assert recent in (1, 2)  # shown by one session, which has a line for its number unless that's the owner
        for kind, c in clients[:-8]:
            assert await c.done() == [], kind
            fetched = await c.ok("f UID FETCH 1:* (FLAGS)")
            assert len(fetched) == 3, (kind, fetched)
        nursery.cancel_scope.cancel()


async def test_own_changes_and_changes_elsewhere_are_not_mixed_up(imap: Imap, worked_out: list[Session]) -> None:
    """IMAP-53, IMAP-129: NOTIFY has other LIST completed of, and one's own change is told to the others alone."""
    async with imap.account() as account, trio.open_nursery() as nursery:
        await put(account, 3)
        plain = [await idle(imap, nursery) for _ in range(3)]
        async with imap.user() as c, imap.user() as d:
            for client in (c, d):
                await client.ok(f"n NOTIFY SET (selected {ALL}) (personal {ALL})")
            assert await c.ok(r"a STORE 1 +FLAGS.SILENT (\Flagged)") == []
            assert r"FLAGS (\Flagged)" in await d.response()
            for one in plain:
                assert "1 FETCH" in await one.response()
            await put(account, 1, "Archive", first=9)
            for client in (c, d):
                assert (await client.response()).startswith("* STATUS Archive (")
            await account.write(lambda tx: store_flags(tx, INBOX, [2], mode="add", flags=Flag.ANSWERED))
            for client in (c, d, *plain):
                assert (await client.response()).startswith("* 2 FETCH (UID 2 ")
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def by_socket(imap: Imap, context: Context, room: int) -> AsyncIterator[Client]:
    """A session in IDLE behind a socket with little room."""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
    stream = QuickStream(trio.SocketStream(trio.socket.from_stdlib_socket(near)))
    ended = trio.Event()

    async def serve() -> None:
        with guard("imapd"):
            await serve_connection(stream, imap.info(), context)
        await trio.aclose_forcefully(stream)
        ended.set()

    imap.nursery.start_soon(serve)
    client = Client(trio.SocketStream(trio.socket.from_stdlib_socket(far)))
    client.greeting = await client.line()
    await client.login()
    await client.select()
    await client.idle()
    try:
        yield client
    finally:
        await client.stream.aclose()
        with trio.fail_after(60):
            await ended.wait()


async def test_an_idle_client_that_takes_nothing_is_cut_off_and_keeps_nobody(
    imap: Imap, worked_out: list[Session]
) -> None:
    """IMAP-19, IMAP-148: what waits for it is bounded, the others go on."""
    async with imap.account() as account:
        await put(account, 40)
        async with (
            by_socket(imap, imap.with_pace(write=0.3), 2048) as lame,
            by_socket(imap, imap.context, 65_536) as quick,
            by_socket(imap, imap.context, 65_536) as other,
        ):
            connections = imap.context.sessions
            rounds = 0
            while connections.count() == 3:
                mode = "remove" if rounds % 2 else "add"
                await account.write(
                    lambda tx, mode=mode: store_flags(tx, INBOX, range(1, 41), mode=mode, flags=Flag.FLAGGED)  # type: ignore[misc]
                )
                rounds += 1
                for client in (quick, other):
                    for number in range(1, 41):
                        assert (await client.response()).startswith(f"* {number} FETCH")
            assert connections.count() == 2
            with trio.fail_after(60):
                while await lame.line():  # what it was told before
                    pass
        assert len(worked_out) < 3 * rounds


async def test_changes_reach_idle_clients_by_their_sockets_whole_and_in_order(imap: Imap) -> None:
    """IMAP-128: one reads at once, one in drops."""
    async with (
        imap.account() as account,
        by_socket(imap, imap.context, 2048) as slow,
        by_socket(imap, imap.context, 65_536) as quick,
    ):
        await put(account, 20)
        for turn in range(30):
            mode = "remove" if turn % 2 else "add"
            await account.write(
                lambda tx, mode=mode: store_flags(tx, INBOX, range(1, 21), mode=mode, flags=Flag.FLAGGED)  # type: ignore[misc]
            )
        await put(account, 1, first=99)
        for client in (slow, quick):
            seen: dict[str, str] = {}
            while "* 21 " not in (line := await client.response()) or "FETCH" not in line:
                if "FETCH" in line:
                    number, _, rest = line.removeprefix("* ").partition(" ")
                    seen[number] = rest
            assert len(seen) == 20
            assert not any("Flagged" in rest for rest in seen.values())
