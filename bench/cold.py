"""Listing a mailbox from a disk that is slow and remembers nothing: how long the event loop is held (STORE-3).

In-process: the real IMAP session and store over a VFS in which each read of a page takes a millisecond.
"""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import msgspec
import trio
import trio.testing

from bench.imapload import corpus
from moxlite.config.holder import ConfigHolder
from moxlite.imapd.connection import serve_connection
from moxlite.imapd.session.context import Context
from moxlite.imapd.session.sessions import Sessions
from moxlite.logins.logins import Logins
from moxlite.net.admission import ConnectionInfo, Gate, Shutdown, TLSFacts
from moxlite.net.limits import NEW_CONNECTIONS, OpenConnections, RateLimiter
from moxlite.process.ports import failure_limits
from moxlite.process.spools import Spools
from moxlite.server import SWITCH_INTERVAL
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import change_password
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool, SpoolSpace
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag
from tests.faultvfs import FaultVFS
from tests.supervised import supervised

__all__ = ["cold"]

MESSAGES = 20_000
PAGE_SECONDS = 0.001
SLOW = 0.005  # STORE-3: what the loop may be held for
STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
postmaster = { account = "mia", mailbox = "Postmaster" }
listeners.local.ips = ["127.0.0.1"]
"""
DOMAINS = """\
[domains."example.org"]
[accounts.mia]
domain = "example.org"
destinations."mia@example.org" = {}
"""
LIST = b"UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"


class Held(trio.abc.Instrument):
    """How long the loop was busy at a stretch, each time."""

    def __init__(self) -> None:
        self.began = 0.0
        self.stretches: list[float] = []

    def after_io_wait(self, timeout: float) -> None:
        """The loop goes on."""
        self.began = time.perf_counter()

    def before_io_wait(self, timeout: float) -> None:
        """The loop looks at its sockets again."""
        if self.began:
            self.stretches.append(time.perf_counter() - self.began)


def cold(folder: Path) -> dict[str, float]:
    """Figures for a listing of 20,000 cold messages."""
    (folder / "moxlite.toml").write_text(STATIC)
    (folder / "domains.toml").write_text(DOMAINS)
    (folder / "data/tmp").mkdir(parents=True)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        trio.run(_fill, folder)
        vfs = FaultVFS()
        held = Held()
        seconds = trio.run(_list, folder, vfs, held, instruments=[held])
    finally:
        sys.setswitchinterval(before)
    slow = [n for n, stretch in enumerate(held.stretches) if stretch > SLOW]
    after = held.stretches[slow[0] + 1 :] if slow else held.stretches
    return {
        "cold listing of 20,000, ms": seconds * 1e3,
        "cold listing: first slow slice held the loop, ms": held.stretches[slow[0]] * 1e3 if slow else 0.0,
        "cold listing: loop held at most after that, ms": max(after) * 1e3,
        "cold listing: stretches over 5 ms after that": len(slow[1:]),
    }


@asynccontextmanager
async def _house(folder: Path, options: Options) -> AsyncIterator[tuple[Context, Accounts]]:
    """The store and what IMAP needs beside it."""
    holder, _ = ConfigHolder.open(folder / "moxlite.toml")
    accounts = Accounts(folder / "data", options)
    auth = await AuthDB.open(folder / "data/auth.db", msgspec.structs.replace(options, vfs=None), create=True)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(supervised, accounts)
            await nursery.start(supervised, auth)
            logins = Logins(
                config=holder,
                accounts=accounts,
                auth=auth,
                failures=failure_limits(holder.current.static.rate_limits),
                secret=b"x" * 32,
            )
            context = Context(
                service="imaps",
                accounts=accounts,
                auth=auth,
                logins=logins,
                config=holder,
                sessions=Sessions(),
                gate=Gate(RateLimiter(NEW_CONNECTIONS), OpenConnections()),
                spools=Spools(SpoolSpace(folder / "data/tmp")),
            )
            yield context, accounts
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await auth.aclose()


async def _fill(folder: Path) -> None:
    async with _house(folder, Options(min_free_space=0)) as (_, accounts), accounts.use("mia") as account:
        await change_password(account, "correct horse")
        box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="bench")
        assert box is not None
        for first in range(0, MESSAGES, 500):
            items = [Append(await prepare(Spool.of(corpus(n))), Flag(n % 2)) for n in range(first, first + 500)]
            await append(account, box.id, items)


async def _list(folder: Path, vfs: FaultVFS, held: Held) -> float:
    """Seconds for the listing; what came before it is taken out of `held`."""
    async with (
        _house(folder, Options(min_free_space=0, vfs=vfs.name)) as (context, accounts),
        accounts.use("mia") as account,
        trio.open_nursery() as nursery,
    ):
        ours, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(serve_connection, theirs, _info(), context)
        await _until(ours, b"* OK")
        await ours.send_all(b'l LOGIN mia@example.org "correct horse"\r\n')
        await _until(ours, b"l OK")
        await account.database.trim()  # nothing is in memory, and reads are back on the loop
        vfs.read_delay = PAGE_SECONDS
        held.stretches.clear()
        began = time.perf_counter()
        await ours.send_all(b"s SELECT Inbox\r\nf " + LIST + b"\r\n")
        await _until(ours, b"f OK")
        seconds = time.perf_counter() - began
        stretches = list(held.stretches)
        vfs.read_delay = 0.0
        await ours.aclose()
    held.stretches = stretches
    return seconds


def _info() -> ConnectionInfo:
    return ConnectionInfo(
        cid=1,
        remote=ip_address("198.51.100.7"),
        remote_port=1,
        local=ip_address("127.0.0.1"),
        local_port=993,
        listener="local",
        shutdown=Shutdown(),
        tls=TLSFacts(version="TLSv1.3", cipher="TLS_AES_128_GCM_SHA256"),
    )


async def _until(stream: trio.abc.Stream, mark: bytes) -> None:
    """Read until a line begins with `mark`."""
    last = b"\n"
    while b"\n" + mark not in last:
        data = await stream.receive_some(1 << 18)
        if not data:
            raise ConnectionError("the session ended")
        last = last[-100:] + data
