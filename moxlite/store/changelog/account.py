"""Handle of an account: reading, writing, subscribing to its changes. Packages below `accounts` take an `Account`; an
account that is open with text index and background tasks is `accounts.opened.OpenAccount`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, TypeVar, overload

import msgspec

from moxlite.processor import writing
from moxlite.store.changelog.bus import Bus, Cursor
from moxlite.store.changelog.catchup import Catchup, TooMany
from moxlite.store.changelog.unit import AccountTx, CommitHooks
from moxlite.store.errors import AlreadyDone
from moxlite.store.file.database import Database
from moxlite.store.file.jobs import SERIES_AHEAD
from moxlite.store.file.readers import Snapshot
from moxlite.store.file.transaction import Connection, Reader
from moxlite.store.options import AccountConfig, Options
from moxlite.store.types import Event, ModSeq

T = TypeVar("T")
S = TypeVar("S")

FEW_CHANGES: Final = 2_000
"""Changed rows up to which a catch-up is planned on the loop (STORE-3): 2 ms. A portion of a mass change has fewer, so
it does not wait for a thread, and there for Python's lock, while other tasks write and publish.
"""

COMPARED_FOR: Final = 3600.0
"""Seconds for which a comparison of an account with another file counts."""

MODSEQ: Final = "SELECT modseq FROM state WHERE id = 1"
FILE_ID: Final = "SELECT file_id FROM state WHERE id = 1"


class Account:
    """One account. `bus` and `database` are for the store itself.

    `changed`, `removed` and `owed` are hooks for work that follows a commit. They do nothing here; `OpenAccount` wakes
    its background tasks.
    """

    def __init__(self, name: str, database: Database, options: Options, modseq: ModSeq) -> None:
        """`modseq` is the modseq of the account's last change."""
        self.name = name
        self.database = database
        self.options = options
        self.bus = Bus(name, modseq, self._load, self.removed)

    @property
    def config(self) -> AccountConfig:
        """Present configuration of the account; the defaults once the account is removed from the configuration."""
        return self.options.account_config(self.name) or AccountConfig()

    @property
    def directory(self) -> Path:
        """Folder of the account's files."""
        return self.database.path.parent

    async def read(self, fn: Callable[[Reader], T], *, op: str, turn: bool = True) -> T:
        """Run `fn` in one snapshot, on the loop while the file is warm: at most 500 rows or 256 KiB (STORE-3). See
        `Database.read`.
        """
        return await self.database.read(fn, op=op, turn=turn)

    async def scan(self, fn: Callable[[Reader], T], *, op: str) -> T:
        """Run `fn` in one snapshot in a worker thread; a cancelled caller interrupts it. See `Database.scan`."""
        return await self.database.scan(fn, op=op)

    def snapshot(self, *, op: str, patient: bool = False) -> AbstractAsyncContextManager[Snapshot]:
        """Borrow one snapshot for several slices. See `Database.snapshot`."""
        return self.database.snapshot(op=op, patient=patient)

    async def write(
        self, unit: Callable[[AccountTx], T], origin: Cursor | None = None, key: bytes | None = None, *, weight: int = 0
    ) -> T:
        """Run a unit in the writer and commit it; its events are published before this returns (STORE-4, STORE-32). See
        `Database.write`.

        Args:
          origin: the cursor of the caller. It does not receive this unit's events: the unit's result reports them
            (STORE-33).
          key: an idempotency key; within 7 days a second unit with it does not run (STORE-189).
          weight: octets of bodies added.

        Raises:
          AlreadyDone: for a known `key`.
          StoreError: as `Database.write`.
        """

        if key is not None:
            unit = _once(unit, key)
        async with writing():
            return await self.database.submit(unit, self._maker(origin), weight=weight)

    async def write_series(
        self,
        units: Iterable[Callable[[AccountTx], T]],
        note: Callable[[T], None],
        between: Callable[[], Awaitable[None]] | None = None,
        *,
        origin: Cursor | None = None,
        ahead: int = SERIES_AHEAD,
    ) -> None:
        """Run the units of a long change, each as by `write`; units of other callers run in between. See
        `Database.write_series`.
        """
        await self.database.write_series(units, self._maker(origin), note, between, ahead=ahead)

    def _maker(self, origin: Cursor | None) -> Callable[[Connection], AccountTx]:
        config = self.config
        # Taken here, on the loop, as units run in the writer's thread. If the cursor moves on before, a message counts
        # as overtaken although its change was delivered: it is told twice, which does no harm.
        seen = ModSeq(0) if origin is None else origin.modseq

        def make(db: Connection) -> AccountTx:
            return AccountTx(
                db,
                account=self.name,
                config=config,
                bus=self.bus,
                origin=origin,
                seen=seen,
                wakes=CommitHooks(self.owed, self.removed, self.changed),
            )

        return make

    @overload
    async def subscribe(
        self, fn: None = None, *, op: str = ..., scan: bool = ..., keep_own: bool = ..., since: ModSeq | None = ...
    ) -> tuple[None, Cursor]: ...

    @overload
    async def subscribe(
        self,
        fn: Callable[[Reader], S],
        *,
        op: str = ...,
        scan: bool = ...,
        keep_own: bool = ...,
        since: ModSeq | None = ...,
    ) -> tuple[S, Cursor]: ...

    async def subscribe(
        self,
        fn: Callable[[Reader], S] | None = None,
        *,
        op: str = "subscribe",
        scan: bool = False,
        keep_own: bool = False,
        since: ModSeq | None = None,
    ) -> tuple[S | None, Cursor]:
        """Read with `fn` and open a cursor at exactly that state: no event is lost or delivered twice between the two
        (STORE-35).

        Args:
          fn: reads the state that the subscriber starts from; `scan` runs it in a thread, for more than a slice.
          keep_own: also deliver the subscriber's own units, in commit order, with its `Cursor.id` as origin.
          since: modseq that a returning subscriber has applied, not below `State.highest_purged_modseq`; the cursor
            begins there, with a catch-up from the database.

        The cursor must be closed.
        """
        # Before the read: a unit committed during it is in the tail, and is skipped if the snapshot has it. The other
        # way round, one that comes between the two would be lost.
        cursor = self.bus.add(keep_own=keep_own)

        def both(r: Reader) -> tuple[ModSeq, S | None]:
            return ModSeq(r.value(MODSEQ)), None if fn is None else fn(r)

        try:
            modseq, snapshot = await (self.scan(both, op=op) if scan else self.read(both, op=op))
        except BaseException:
            cursor.close()
            raise
        cursor.start(modseq, since)
        return snapshot, cursor

    def check_space(self) -> None:
        """Raise StorageFull when the disk has too little left for additions (STORE-157). To be called before work that
        ends in an addition.
        """
        self.database.health.check_space()

    def changed(self, rows: int) -> None:
        """Called after the commit of a unit that changed messages or mailboxes, so many rows of them."""

    def removed(self) -> None:
        """Called when messages were removed, or when a subscriber or the outbox released removed content: some of it
        may be erased now.
        """

    def owed(self) -> None:
        """Called after the commit of a unit that wrote a row of `outbox`, which owes something to another file."""

    async def _load(self, catchup: Catchup) -> list[Event]:
        """Return the next slice of a catch-up, for the bus. The first call plans it, on the loop if it is short, else
        in a thread.
        """
        if not catchup.planned:
            try:
                await self.read(lambda r: catchup.plan(r, FEW_CHANGES), op="catchup_plan")
            except TooMany:
                await self.scan(catchup.plan, op="catchup_plan")
        events = await self.read(catchup.slice, op="catchup")
        for event in events:
            msgspec.structs.force_setattr(event, "account", self.name)  # made here, seen by no subscriber yet
        return events


class RecentComparisons:
    """Accounts whose rows were compared with another file in the last hour: each opening would compare them else. One
    whose file is another one since then, which was restored, counts as not compared.
    """

    def __init__(self) -> None:
        self._at: dict[str, tuple[bytes, float]] = {}

    def __contains__(self, name: object) -> bool:
        """Whether an account was compared at any time since the start."""
        return name in self._at

    def due(self, name: str, r: Reader) -> bool:
        """Whether an account is to be compared. May run in any thread."""
        file_id, at = self._at.get(name, (b"", 0.0))
        return file_id != r.value(FILE_ID) or time.monotonic() - at >= COMPARED_FOR

    async def note(self, account: Account) -> None:
        """Note that an account was compared just now. Raises StoreError."""
        self._at[account.name] = await account.read(lambda r: r.value(FILE_ID), op="compared"), time.monotonic()


def _once(unit: Callable[[AccountTx], T], key: bytes) -> Callable[[AccountTx], T]:
    def once(tx: AccountTx) -> T:
        if not tx.once(key):
            raise AlreadyDone
        return unit(tx)

    return once
