"""Imports beside deliveries (STORE-122): an mbox of 50,000 messages, a Maildir that dovecot has made, and backups that
are taken while an import runs.

How long deliveries took is told for the time of staging; the final unit is told by itself.
"""

from __future__ import annotations

import imaplib
import resource
import shutil
import statistics
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

import trio

from bench.backup import INTERVAL, messages_of, source_of, whole
from bench.storelines import Figures, p99
from bench.storemail import ACCOUNT, Letters, facts_of, options, sender
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.copying import back_up
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.imports.engine import Imports
from moxlite.store.imports.items import Done, Form, Order, Progress
from moxlite.store.upkeep.check import check_account
from tests.realservers import Dovecot

__all__ = ["backup_beside_import", "maildir", "mbox"]

MESSAGES: Final = 50_000
OF_MAILDIR: Final = 5_000


class Generated:
    """An mbox of the letters, as a file."""

    def __init__(self, count: int) -> None:
        self._messages = _mbox(count)
        self._held = bytearray()
        self.octets = 0

    def seekable(self) -> bool:
        """Never."""
        return False

    def read(self, size: int = -1) -> bytes:
        """At most `size` octets."""
        while len(self._held) < size and (message := next(self._messages, None)):
            self._held += message
        data = bytes(self._held[:size])
        del self._held[:size]
        self.octets += len(data)
        return data


def _mbox(count: int) -> Iterator[bytes]:
    letters = Letters(count)
    for number in range(count):
        octets = letters.octets(number, attachments=False).replace(b"\r\n", b"\n")
        address = sender(number).partition("<")[2].rstrip(">").encode()
        head, _, body = octets.partition(b"\n\n")
        yield b"From %s Thu Oct  1 10:00:00 2026\n%s\nStatus: RO\n\n%s\n" % (address, head, body)


async def _deliveries(account: Account, progress: Progress, took: dict[str, list[float]]) -> None:
    """Deliver until the import has ended."""
    letters = Letters()
    number = time.time_ns() // 1_000_000
    while progress.end is None:
        step = progress.step
        octets = letters.octets(number, size=4000, attachments=False)
        began = trio.current_time()
        await deliver(account, await prepare(Spool.of(octets)), facts_of(number), "Inbox")
        seconds = trio.current_time() - began
        took.setdefault("finishing" if progress.step != step else step, []).append(seconds)
        number += 1
        await trio.sleep(max(INTERVAL - seconds, 0))


async def _import(
    account: Account, imports: Imports, order: Order, file: BinaryIO, count: int
) -> tuple[float, float, list[float]]:
    """Seconds of all and of the final unit; how long deliveries took while staging."""
    progress = imports.begin(ACCOUNT)
    took: dict[str, list[float]] = {}
    began = time.perf_counter()
    finishing = began

    async def watch() -> None:
        nonlocal finishing
        async for _ in progress.subscribe():
            if progress.step == "finishing" and finishing == began:
                finishing = time.perf_counter()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        nursery.start_soon(_deliveries, account, progress, took)
        await imports.run(progress, order, file)
    ended = time.perf_counter()
    assert progress.end == Done(count, 0, dry_run=False), progress.end
    findings = await account.scan(lambda r: check_account(r, idle=True), op="check")
    assert findings == [], findings[:5]
    return ended - began, ended - finishing, took["reading"]


def _house(folder: Path) -> tuple[Accounts, Imports]:
    """An empty place for accounts."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data/tmp").mkdir(parents=True)
    (folder / "config").mkdir()
    accounts = Accounts(folder / "data", options())
    return accounts, Imports(accounts, folder / "data/tmp")


def mbox(folder: Path) -> Figures:
    """50,000 messages into a new account."""

    async def run() -> Figures:
        accounts, imports = _house(folder / "import")
        async with accounts.use(ACCOUNT) as account:
            file = Generated(MESSAGES)
            order = Order(form=Form.MBOX, mailbox="Import")
            seconds, final, took = await _import(account, imports, order, cast("BinaryIO", file), MESSAGES)
        await accounts.aclose()
        return {
            "import of an mbox, MB": file.octets / 1e6,
            "import of an mbox, messages/s": MESSAGES / seconds,
            "import of an mbox, final unit, s": final,
            "delivery p50 while staging, ms": statistics.median(took) * 1e3,
            "delivery p99 while staging, ms": p99(took) * 1e3,
            "import of an mbox, RSS max, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }

    return trio.run(run)


def maildir(folder: Path) -> Figures:
    """A Maildir that Debian's dovecot has made, with flags and keywords; nothing where it is not installed."""
    if shutil.which("dovecot") is None:
        return {}
    archive = folder / "maildir.tar"
    letters = Letters()
    with tempfile.TemporaryDirectory(prefix="moxlite-dovecot-") as top, Dovecot(Path(top) / "dovecot") as server:
        session = imaplib.IMAP4("127.0.0.1", server.port)
        session.login("anna", "moxmoxmox")
        for number in range(OF_MAILDIR):
            flags = (r"(\Seen)", r"(\Seen \Answered work)", r"(\Flagged $Forwarded urgent)", "()")[number % 4]
            session.append("INBOX", flags, imaplib.Time2Internaldate(1_790_000_000), letters.octets(number))
        session.logout()
        with tarfile.open(archive, "w") as tar:
            tar.add(server.top / "mail/anna/Maildir", "Maildir")

    async def run() -> Figures:
        accounts, imports = _house(folder / "import")
        async with accounts.use(ACCOUNT) as account:
            with archive.open("rb") as file:
                order = Order(form=Form.TAR, mailbox="Import")
                seconds, _, took = await _import(account, imports, order, file, OF_MAILDIR)
            words = await account.read(
                lambda r: r.value("SELECT count(*) FROM message_keyword WHERE keyword IN ('work', 'urgent')"),
                op="bench",
            )
        await accounts.aclose()
        assert words == OF_MAILDIR // 2, words
        return {
            "import of a Maildir, messages/s": OF_MAILDIR / seconds,
            "delivery p99 while staging a Maildir, ms": p99(took) * 1e3,
        }

    return trio.run(run)


def backup_beside_import(folder: Path) -> Figures:
    """Full backups of the account that an import of 50,000 messages fills, one after the other until it ends; each is
    checked.
    """
    place = folder / "import"

    async def run() -> Figures:
        accounts, imports = _house(place)
        copies: list[tuple[Path, set[int], float]] = []
        async with accounts.use(ACCOUNT) as account:
            done = False

            async def copy() -> None:
                while not done:
                    before = await trio.to_thread.run_sync(messages_of, account.database.path)
                    target = folder / f"beside{len(copies)}"
                    shutil.rmtree(target, ignore_errors=True)
                    began = time.perf_counter()
                    report = await trio.to_thread.run_sync(back_up, source_of(place), target)
                    assert not report.errors, report.errors
                    copies.append((target, before, time.perf_counter() - began))
                    await trio.sleep(5)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(copy)
                order = Order(form=Form.MBOX, mailbox="Import")
                seconds, _, took = await _import(
                    account, imports, order, cast("BinaryIO", Generated(MESSAGES)), MESSAGES
                )
                done = True
        await accounts.aclose()
        for target, before, _ in copies:
            whole(target, before)
            shutil.rmtree(target)
        return {
            "backups while an import ran, all whole": len(copies),
            "the longest of them, s": max(took_each for *_, took_each in copies),
            "import beside backups, messages/s": MESSAGES / seconds,
            "delivery p99 beside import and backups, ms": p99(took) * 1e3,
        }

    return trio.run(run)
