"""Backups of the reference account beside deliveries (STORE-141, STORE-183, ADMIN-84)."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import apsw
import trio

from bench.storelines import Figures, account_of, file_of, p99
from bench.storemail import ACCOUNT, Letters, beside, fill
from moxlite.store.backup.copying import back_up
from moxlite.store.backup.layout import Source
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.storage import Folder
from moxlite.store.backup.verify import verify
from moxlite.store.changelog.account import Account
from moxlite.store.errors import BackupError
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.types import Flag

__all__ = ["backups", "beside_work", "messages_of", "source_of", "whole"]

T = TypeVar("T")

INTERVAL: Final = 0.05
"""Seconds between two deliveries."""

MIB: Final = 1 << 20


async def beside_work(account: Account, work: Callable[[], T]) -> tuple[T, float, list[float]]:
    """Run `work` in a thread with deliveries beside it: its result, its seconds, and the seconds of the deliveries."""
    took: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(beside, account, Letters(), took, INTERVAL)
        began = time.perf_counter()
        result = await trio.to_thread.run_sync(work)
        seconds = time.perf_counter() - began
        nursery.cancel_scope.cancel()
    return result, seconds, took


def source_of(folder: Path) -> Source:
    """What is backed up."""
    return Source(folder / "data", folder / "config", frozenset({ACCOUNT}))


def messages_of(file: Path) -> set[int]:
    """The ids of all messages of an account."""
    db = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return {int(number) for (number,) in db.execute("SELECT id FROM message")}
    finally:
        db.close()


def whole(copy: Path, before: set[int]) -> float:
    """Raise unless a copy is sound and has all messages that were there before; messages checked a second."""
    began = time.perf_counter()
    found = verify(copy, deep=True)
    seconds = time.perf_counter() - began
    if found.problems:
        raise AssertionError(f"{copy}: {found.problems[:5]}")
    if lost := before - messages_of(copy / "data/accounts" / ACCOUNT / "account.db"):
        raise AssertionError(f"{copy}: {len(lost)} messages that were acknowledged before are not there")
    return found.messages / seconds


def backups(folder: Path) -> Figures:
    """A full backup, the first snapshot of a repository, a second one after 1 % of new mail, a third one after flags of
    1 % of the messages were changed. All copies are checked.
    """
    source, file = source_of(folder), file_of(folder)
    full, repo, out = folder / "full", folder / "repo", folder / "out"
    for path in (full, repo, out):
        shutil.rmtree(path, ignore_errors=True)

    def extracted(repository: Repository, before: set[int]) -> None:
        repository.extract(out)
        whole(out, before)
        shutil.rmtree(out)

    async def run() -> Figures:
        figures: Figures = {}
        async with account_of(folder) as account:
            _, _, took = await beside_work(account, partial(time.sleep, 5))
            figures["delivery p99, no backup, ms"] = p99(took) * 1e3

            before = await trio.to_thread.run_sync(messages_of, file)
            report, seconds, took = await beside_work(account, lambda: back_up(source, full))
            assert not report.errors
            figures["full backup, MiB/s"] = report.octets / seconds / MIB
            figures["delivery p99 beside a full backup, ms"] = p99(took) * 1e3
            figures["verifydata --deep, messages/s"] = await trio.to_thread.run_sync(whole, full, before)
            shutil.rmtree(full)

            create_repository(Folder(repo), source.data)
            repository = Repository(Folder(repo))
            before = await trio.to_thread.run_sync(messages_of, file)
            first, seconds, took = await beside_work(account, lambda: repository.back_up(source))
            assert not first.errors
            figures["first snapshot, MiB/s"] = first.octets / seconds / MIB
            figures["first snapshot, stored, % of the data"] = first.stored / first.octets * 100
            figures["delivery p99 beside a snapshot, ms"] = p99(took) * 1e3
            began = time.perf_counter()
            await trio.to_thread.run_sync(extracted, repository, before)
            figures["restore and verifydata --deep of a snapshot, s"] = time.perf_counter() - began

            number = time.time_ns() // 1_000_000
            new = len(before) // 100
            await fill(account, Letters(), range(number, number + new), time.time_ns() // 1000)
            began = time.perf_counter()
            second = await trio.to_thread.run_sync(repository.back_up, source)
            figures["snapshot after 1 % of new mail, s"] = time.perf_counter() - began
            figures["snapshot after 1 % of new mail, stored, % of the data"] = second.stored / second.octets * 100

            some = random.Random(number).sample(sorted(before), new)
            await account.write(partial(store_flags_ids, ids=some, mode="replace", flags=Flag.ANSWERED))
            third = await trio.to_thread.run_sync(repository.back_up, source)
            figures["snapshot after flags of 1 %, stored, % of the data"] = third.stored / third.octets * 100
            assert not second.errors
            assert not third.errors
            before = await trio.to_thread.run_sync(messages_of, file)
            fourth = await trio.to_thread.run_sync(repository.back_up, source)
            assert not fourth.errors
            await trio.to_thread.run_sync(extracted, repository, before)
            shutil.rmtree(repo)

            with suppress(BackupError):  # the package pyrage is optional
                create_repository(Folder(repo), source.data, passphrase="of a measure")
                sealed = Repository(Folder(repo), data=source.data)
                report, seconds, _ = await beside_work(account, lambda: sealed.back_up(source))
                assert not report.errors
                figures["first snapshot, encrypted, MiB/s"] = report.octets / seconds / MIB
                shutil.rmtree(repo)
        return figures

    return trio.run(run)
