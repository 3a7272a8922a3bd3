"""What is measured of the store on the reference account, line by line of docs/spec/store.md, "Performance".

Each function takes the folder of the account and gives named figures, their unit at the end of the name. Each runs in a
process of its own.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio
import trio.testing

from bench.storemail import ACCOUNT, FREQUENT, HUNDREDTH, MESSAGES, RARE, Letters, beside, facts_of, options
from moxlite.proto.cards.vcard import Contact, Entry
from moxlite.proto.mime.text import fold
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.catchup import Catchup
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.delivery.reputation import Key, history, received_since
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.cards import MAX_CONTACTS
from moxlite.store.groupware.contacts import import_contacts
from moxlite.store.mail.facts import NO_FACTS, ip_classes
from moxlite.store.mail.fetching import fetch_rows
from moxlite.store.mail.flags import store_flags, store_flags_ids
from moxlite.store.mail.recipients import wrote_to, wrote_to_domain, wrote_to_orgdomain
from moxlite.store.mail.threadlinks import Links
from moxlite.store.options import DAY
from moxlite.store.people import correspondents
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.search.finding import MessageQuery, Search
from moxlite.store.search.queries import AllOf, Contains
from moxlite.store.types import Flag, MailboxID, ModSeq
from moxlite.web.webmail.calls.composing import completed
from tests.faultvfs import FaultVFS

__all__ = ["Figures", "account_of", "file_of", "p99"]

Figures = dict[str, float]

TRIES: Final = 200
"""Times of which the median is told."""
FSYNC: Final = 0.005
"""Seconds of a sync on an ordinary disk (docs/developers/design-facts.md §2)."""
SUBSCRIBERS: Final = 50
CONTACTS: Final = 200
"""Contacts that are added in one unit."""


def file_of(folder: Path) -> Path:
    """The account's database."""
    return folder / "data/accounts" / ACCOUNT / "account.db"


@asynccontextmanager
async def account_of(folder: Path, *, vfs: str | None = None) -> AsyncIterator[OpenAccount]:
    """The reference account, open."""
    accounts = Accounts(folder / "data", options(vfs=vfs))
    async with accounts.use(ACCOUNT) as account:
        yield account
    await accounts.aclose()


async def timed(fn: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await fn()
    return (time.perf_counter() - began) * 1e3


def p99(times: list[float]) -> float:
    """Of which one in a hundred is longer."""
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]


def forget(folder: Path) -> None:
    """Have the kernel drop the account's pages from memory."""
    for path in file_of(folder).parent.iterdir():
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)


async def inbox(account: OpenAccount) -> MailboxID:
    """Its id."""
    box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="bench")
    assert box is not None
    return box.id


def fresh(count: int) -> Iterator[tuple[int, bytes]]:
    """So many letters of 10 KiB that no run has had before, with their numbers."""
    letters = Letters()
    first = time.time_ns() // 1_000_000
    for number in range(first, first + count):
        yield number, letters.octets(number, size=10_240, attachments=False)


# Deliveries


def deliver_alone(folder: Path) -> Figures:
    """Deliveries of 10 KiB one after the other, and what a sync takes on this disk between them."""
    probe = folder / "probe"

    async def run() -> Figures:
        took, syncs = [], []
        fd = os.open(probe, os.O_WRONLY | os.O_CREAT, 0o600)
        async with account_of(folder) as account:
            for number, octets in fresh(TRIES):
                os.write(fd, bytes(8192))
                began = time.perf_counter()
                os.fdatasync(fd)
                syncs.append((time.perf_counter() - began) * 1e3)
                took.append(await timed(partial(_deliver, account, number, octets)))
        os.close(fd)
        probe.unlink()
        alone, sync = statistics.median(took), statistics.median(syncs)
        return {
            "deliver 10 KiB alone, p50, ms": alone,
            "deliver 10 KiB alone, p99, ms": p99(took),
            "fsync, p50, ms": sync,
            "deliver 10 KiB alone, p50 without the fsync, ms": alone - sync,
        }

    return trio.run(run)


async def _deliver(account: OpenAccount, number: int, octets: bytes) -> None:
    await deliver(account, await prepare(Spool.of(octets)), facts_of(number), "Inbox")


def deliver_at_once(folder: Path) -> Figures:
    """32 deliverers on a disk that takes 5 ms for a sync."""
    vfs = FaultVFS()
    vfs.sync_delay = FSYNC
    mail = list(fresh(2000))

    async def run() -> Figures:
        async with account_of(folder, vfs=vfs.name) as account:

            async def some(mine: list[tuple[int, bytes]]) -> None:
                for number, octets in mine:
                    await _deliver(account, number, octets)

            began = time.perf_counter()
            async with trio.open_nursery() as nursery:
                for first in range(32):
                    nursery.start_soon(some, mail[first::32])
            seconds = time.perf_counter() - began
        return {"deliver 10 KiB, 32 at once, fsync 5 ms longer, 1/s": len(mail) / seconds}

    return trio.run(run)


def deliver_large(folder: Path) -> Figures:
    """25 MiB, which come in pieces as from the network."""
    size = 25 << 20
    rng = random.Random(time.time_ns())
    piece = b"\r\n".join(rng.randbytes(36).hex().encode() for _ in range(900))
    head = b"Subject: large\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    async def run() -> Figures:
        took = []
        async with account_of(folder) as account:
            await _deliver(account, *next(fresh(1)))  # all that the first delivery loads
            before = _begin_peak()
            for number in range(5):
                with Spool(folder / "data") as spool:
                    await spool.write(head + b"%d\r\n" % number)
                    while spool.size < size:
                        await spool.write(piece + b"%d\r\n" % spool.size)
                    began = time.perf_counter()
                    await spool.finish()
                    await deliver(account, await prepare(spool), NO_FACTS, "Large")
                    took.append(time.perf_counter() - began)
            return {
                "deliver 25 MiB, s": statistics.median(took),
                "deliver 25 MiB, peak of RSS above what it was, MiB": (_status("VmHWM") - before) / 1024,
            }

    return trio.run(run)


def _begin_peak() -> int:
    """Have the kernel forget the peak of RSS; what RSS is, KiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    """KiB, of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise KeyError(name)


# Flags, changes, listings


def flags(folder: Path) -> Figures:
    r"""``\Flagged`` set and removed on one and on 10,000 messages of the Inbox."""

    async def run() -> Figures:
        async with account_of(folder) as account:
            box = await inbox(account)
            uids = [
                row[0]
                for row in await account.scan(
                    lambda r: r.rows("SELECT uid FROM message WHERE mailbox_id = ? ORDER BY uid LIMIT 10000", box),
                    op="bench",
                )
            ]

            def change(tx: AccountTx, some: list[int], mode: Any) -> int:
                return len(store_flags(tx, box, some, mode=mode, flags=Flag.FLAGGED).changed)

            async def both(some: list[int]) -> list[float]:
                await account.write(partial(change, some=some, mode="remove"))
                return [await timed(lambda m=mode: account.write(partial(change, some=some, mode=m))) for mode in MODES]  # type: ignore[misc]

            one = [took for number in range(TRIES // 2) for took in await both([uids[number * 7]])]
            many = [took for _ in range(3) for took in await both(uids)]
            return {
                "store flags of 1 message, p50, ms": statistics.median(one),
                "store flags of 1 message, p99, ms": p99(one),
                "store flags of 10,000 messages, ms": statistics.median(many),
            }

    return trio.run(run)


MODES: Final = ("add", "remove")


def changes(folder: Path) -> Figures:
    """What happened since a modseq: flags of 100 messages in all mailboxes; the counts of these are told as well."""

    async def run() -> Figures:
        async with account_of(folder) as account:
            since = await account.read(lambda r: ModSeq(r.value("SELECT modseq FROM state")), op="bench")
            rng = random.Random(since)
            for message_id in rng.sample(range(1, MESSAGES // 2), 100):
                await account.write(
                    lambda tx, one=message_id: store_flags_ids(tx, [one], mode="replace", flags=Flag.ANSWERED)  # type: ignore[misc]
                )

            def read(r: Reader) -> int:
                catchup = Catchup(since)
                catchup.plan(r)
                count = 0
                while not catchup.done:
                    count += len(catchup.slice(r))
                return count

            count = await account.read(read, op="bench")
            took = [await timed(lambda: account.read(read, op="bench")) for _ in range(TRIES)]
            return {"events of 100 changes": count, "catch-up with 100 changes, p50, ms": statistics.median(took)}

    return trio.run(run)


def envelopes(folder: Path) -> Figures:
    """1000 messages of the Inbox with envelope and flags, as a FETCH reads them; from memory and from the disk."""

    async def run() -> Figures:
        forget(folder)
        async with account_of(folder) as account:
            box = await inbox(account)

            async def listing() -> None:
                for first in (1, 501):
                    uids = array("q", range(first, first + 500))
                    rows, _ = await account.read(
                        lambda r, some=uids: fetch_rows(r, box, some, ("modseq", "size", "received", "envelope")),  # type: ignore[misc]
                        op="bench",
                    )
                    assert len(rows) == 500

            cold = await timed(listing)
            return {
                "1000 envelopes and flags, p50, ms": statistics.median([await timed(listing) for _ in range(TRIES)]),
                "1000 envelopes and flags, cold, ms": cold,
            }

    return trio.run(run)


# What a delivery asks


def threads(folder: Path) -> Figures:
    """The place of an answer, of an answer to a message that is not there, and of one that says so by its subject."""

    async def run() -> Figures:
        letters = Letters()
        rng = random.Random(1)
        keys = []
        for _ in range(TRIES):
            octets = letters.octets(rng.randrange(MESSAGES // 5) * 5 + 4, size=1000, attachments=False)
            keys.append((await prepare(Spool.of(octets))).thread)
            lost = octets.replace(b"@bench.example", b"@nowhere.example")
            keys.append((await prepare(Spool.of(lost))).thread)
        async with account_of(folder) as account:
            box = await inbox(account)
            now = time.time_ns() // 1000

            def match(r: Reader) -> list[float]:
                took = []
                for one in keys:
                    began = time.perf_counter()
                    Links(r, box, (one,)).place(one, now)
                    took.append((time.perf_counter() - began) * 1e3)
                return took

            took = await account.scan(match, op="bench")
            return {"thread match, p50, ms": statistics.median(took), "thread match, p99, ms": p99(took)}

    return trio.run(run)


def reputation(folder: Path) -> Figures:
    """What smtpd asks of the past of a message: ten histories, what came lately, whether one wrote to its sender."""

    async def run() -> Figures:
        rng = random.Random(1)
        async with account_of(folder) as account:
            # What was judged is in Archive and Junk, and came there: for the Inbox there is nothing to be found.
            boxes = await account.read(
                lambda r: {name: mailbox_by_name(r, name).id for name in ("Archive", "Inbox")},  # type: ignore[union-attr]
                op="bench",
            )
            now = time.time_ns() // 1000

            cpu: list[float] = []

            def ask(r: Reader, number: int, box: MailboxID) -> None:
                began = time.thread_time()
                smtp = facts_of(number).smtp
                assert smtp is not None
                networks = dict(zip((Key.IP1, Key.IP2, Key.IP3), (smtp.ip1, smtp.ip2, smtp.ip3), strict=True))
                for key in Key:
                    value = {
                        Key.EHLO_DOMAIN: smtp.ehlo_domain,
                        Key.MSGFROM_ORGDOMAIN: smtp.msgfrom_orgdomain,
                        **networks,
                    }.get(key, smtp.msgfrom_domain)
                    history(r, key, value, box, now=now, localpart=smtp.msgfrom)
                received_since(r, ip_classes(smtp.remote_ip), since=now - DAY, now=now)
                wrote_to(r, smtp.msgfrom, smtp.msgfrom_domain)
                wrote_to_domain(r, smtp.msgfrom_domain)
                wrote_to_orgdomain(r, smtp.msgfrom_orgdomain)
                cpu.append((time.thread_time() - began) * 1e3)

            async def often(box: MailboxID) -> list[float]:
                asked = [partial(ask, number=rng.randrange(MESSAGES), box=box) for _ in range(TRIES)]
                return [await timed(partial(account.read, one, op="bench")) for one in asked]

            took = await often(boxes["Archive"])
            work = statistics.median(cpu)
            nothing = await often(boxes["Inbox"])
            cold = []
            for _ in range(20):
                await account.database.trim()
                forget(folder)
                one = partial(ask, number=rng.randrange(MESSAGES), box=boxes["Archive"])
                cold.append(await timed(partial(account.scan, one, op="bench")))
            return {
                "reputation queries, p50, ms": statistics.median(took),
                "reputation queries, p99, ms": p99(took),
                "reputation queries, of a processor, p50, ms": work,
                "reputation queries of a mailbox without any, p50, ms": statistics.median(nothing),
                "reputation queries, cold, p50, ms": statistics.median(cold),
            }

    return trio.run(run)


def suggestions(folder: Path) -> Figures:
    """Recipients that hold a text, of 100,000."""

    async def run() -> Figures:
        async with account_of(folder) as account:
            figures: Figures = {}
            for name, text in (
                ("of a common text", "person"),
                ("of a rare text", "person4711"),
                ("without a match", "nobody at all"),
                ("without a match, not ASCII", "müller"),
            ):
                cpu: list[float] = []

                def suggest(r: Reader, text: str = text, cpu: list[float] = cpu) -> None:
                    began = time.thread_time()
                    correspondents.suggest(r, text)
                    cpu.append((time.thread_time() - began) * 1e3)

                took = [await timed(partial(account.scan, suggest, op="bench")) for _ in range(20)]
                figures[f"suggestions {name}, p50, ms"] = statistics.median(took)
                figures[f"suggestions {name}, of a processor, p50, ms"] = statistics.median(cpu)
            figures["recipients"] = await account.read(lambda r: r.value("SELECT count(*) FROM recipient"), op="bench")
            return figures

    return trio.run(run)


def completion(folder: Path) -> Figures:
    """Completion of an address in the webmail, beside as many contacts as an account may have."""

    def add(tx: AccountTx, first: int) -> None:
        people = [
            Contact(
                uid=f"bench-{n}",
                name=f"Käthe {n:05} Lind",
                emails=(Entry(f"contact{n}@people{n % 500}.example"), Entry(f"k{n}@work.example")),
                organization=f"Works {n % 100}",
                groups=(f"Group {n % 20}",),
            )
            for n in range(first, first + CONTACTS)
        ]
        import_contacts(tx, people)

    async def run() -> Figures:
        async with account_of(folder) as account:
            for first in range(0, MAX_CONTACTS, CONTACTS):
                await account.write(partial(add, first=first))
            figures: Figures = {}
            texts = ("p", "k", "käthe 0", "lind", "contact4711", "person4711", "group 7", "nobody at all", "müller")
            for text in texts:
                cpu: list[float] = []

                def complete(r: Reader, text: str = text, cpu: list[float] = cpu) -> None:
                    began = time.thread_time()
                    completed(r, text)
                    cpu.append((time.thread_time() - began) * 1e3)

                took = [await timed(partial(account.scan, complete, op="bench")) for _ in range(20)]
                figures[f"completion of {text}, p50, ms"] = statistics.median(took)
                figures[f"completion of {text}, of a processor, p50, ms"] = statistics.median(cpu)
            slowest = max(figures[f"completion of {text}, p50, ms"] for text in texts)
            figures["completion, the slowest text, p50, ms"] = slowest
            return figures

    return trio.run(run)


# Search, opening, events


def indexing(folder: Path) -> Figures:
    """The whole index made anew, with ten deliveries a second beside it."""
    for path in file_of(folder).parent.glob("search.db*"):
        path.unlink()

    async def run() -> Figures:
        took: list[float] = []
        async with account_of(folder) as account, trio.open_nursery() as nursery:
            nursery.start_soon(beside, account, Letters(), took, 0.1)
            seconds = await timed(account.indexer.once) / 1e3
            nursery.cancel_scope.cancel()
            return {
                "messages indexed, 1/s": MESSAGES / seconds,
                "delivery p99 while indexing, ms": p99(took) * 1e3,
                "search.db, MB": account.search.path.stat().st_size / 1e6,
            }

    return trio.run(run)


def search(folder: Path) -> Figures:
    """Words that 10, 1 % and all of the messages have: by the index, and by a scan of the messages themselves."""

    async def run() -> Figures:
        figures: Figures = {}
        async with account_of(folder) as account:
            await account.indexer.once()
            for name, words, limit in (
                ("10 hits", [RARE], 50),
                ("10 hits, two words", [RARE.split("-")[0], FREQUENT], 50),
                ("1 % hit", [HUNDREDTH], 10_000),
                ("newest 10 of all", [FREQUENT], 10),
                ("no hit", ["nowhere to be found"], 10),
            ):
                results: list[object] = []

                async def look_up(words: list[str] = words, limit: int = limit, into: list[object] = results) -> None:
                    into.append(await _found(account, words, limit))

                by_index = statistics.median([await timed(look_up) for _ in range(21)])
                account.search.enabled = False
                by_scan = await timed(look_up)
                account.search.enabled = True
                if results[0] != results[-1]:
                    raise AssertionError(f"{name}: the index gives another result than the scan")
                figures[f"search, {name}, ms"] = by_index
                figures[f"search, {name}, by a scan, ms"] = by_scan
                figures[f"search, {name}, times faster"] = by_scan / by_index
        return figures

    return trio.run(run)


async def _found(account: OpenAccount, words: list[str], limit: int) -> list[int]:
    """Ids of the newest messages of all mailboxes that have all these words, about `limit` of them."""
    boxes = await account.read(lambda r: [MailboxID(row[0]) for row in r.rows("SELECT id FROM mailbox")], op="bench")
    search = Search(account, MessageQuery(tuple(boxes), term=AllOf(tuple([Contains(fold(word)) for word in words]))))
    found: list[int] = []
    while not search.done and len(found) < limit:
        found += [one.message_id for one in await search.step()]
    return found[:limit]


def opening(folder: Path) -> Figures:
    """Opening the account and reading from it, from memory and from the disk."""

    async def once() -> float:
        accounts = Accounts(folder / "data", options())

        async def open_it() -> None:
            async with accounts.use(ACCOUNT) as account:
                await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="bench")

        took = await timed(open_it)
        await accounts.aclose()
        return took

    async def run() -> Figures:
        forget(folder)
        cold = await once()
        warm = statistics.median([await once() for _ in range(20)])
        return {"open a clean account, p50, ms": warm, "open a clean account, cold, ms": cold}

    return trio.run(run)


def events(folder: Path) -> Figures:
    """From the moment at which a change is published until the last of 50 subscribers has taken it."""

    async def run() -> Figures:
        async with account_of(folder) as account:
            published = 0.0
            told = 0
            all_told = trio.Event()
            publish = account.bus.publish

            def noting(*args: Any, **options: Any) -> None:
                nonlocal published
                published = time.perf_counter()
                publish(*args, **options)

            account.bus.publish = noting  # type: ignore[method-assign]

            async def subscriber(cursor: Cursor) -> None:
                nonlocal told
                with cursor:
                    while True:
                        await cursor.wait()
                        cursor.acknowledge((await cursor.take()).modseq)
                        told += 1
                        if told == SUBSCRIBERS:
                            all_told.set()

            took = []
            await account.write(partial(store_flags_ids, ids=[1], mode="remove", flags=Flag.ANSWERED))
            async with trio.open_nursery() as nursery:
                for _ in range(SUBSCRIBERS):
                    _, cursor = await account.subscribe()
                    nursery.start_soon(subscriber, cursor)
                for number in range(TRIES):
                    told, all_told = 0, trio.Event()
                    await account.write(partial(store_flags_ids, ids=[1], mode=MODES[number % 2], flags=Flag.ANSWERED))
                    await all_told.wait()
                    took.append((time.perf_counter() - published) * 1e3)
                    await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
            return {"event to 50 subscribers, p50, ms": statistics.median(took), "event, p99, ms": p99(took)}

    return trio.run(run)
