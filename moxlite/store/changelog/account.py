"""The handle of an account: reading, writing, subscribing to its changes. What stands below `accounts` takes one of
these; an account that is really open, with text index and background tasks, is `accounts.opened.OpenAccount`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, TypeVar, overload

import msgspec

from moxlite.store.changelog.bus import Bus, Cursor
from moxlite.store.changelog.catchup import Catchup, TooMany
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import AlreadyDone
from moxlite.store.file.database import Database, Snapshot
from moxlite.store.file.series import SERIES_AHEAD
from moxlite.store.file.transaction import Connection, Reader
from moxlite.store.options import AccountConfig, Options
from moxlite.store.types import Event, ModSeq

__all__ = ["MODSEQ", "Account"]

T = TypeVar("T")
S = TypeVar("S")

FEW_CHANGES: Final = 2_000
"""Changed rows up to which a catch-up is planned on the loop (STORE-3): 2 ms. So a portion of a mass change is, which
would have to wait for a thread, and in it for Python's lock, while others change and are told as well.
"""

MODSEQ: Final = "SELECT modseq FROM state WHERE id = 1"


class Account:
    """One account. `bus` and `database` are for the store itself.

    `changed`, `removed` and `owed` tell that there is something to do afterwards. Here nothing follows; `OpenAccount`
    wakes its background tasks.
    """

    def __init__(self, name: str, database: Database, options: Options, modseq: ModSeq) -> None:
        """`modseq` is that of the account's last change."""
        self.name = name
        self.database = database
        self.options = options
        self.bus = Bus(name, modseq, self._load, self.removed)

    @property
    def config(self) -> AccountConfig:
        """What the configuration says of the account now; the defaults when it is in there no more."""
        return self.options.account_config(self.name) or AccountConfig()

    @property
    def directory(self) -> Path:
        """The folder of the account's files."""
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
          origin: the cursor of the caller, which will not be told what this unit did: its result says it (STORE-33).
          key: an idempotency key; within 7 days a second unit with it does not run (STORE-189).
          weight: octets of bodies added.

        Raises:
          AlreadyDone: for a known `key`.
          What `Database.write` raises.
        """

        if key is not None:
            unit = _once(unit, key)
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
        """Run the units of a long change, each as by `write`; others need not wait for all of it. See
        `Database.write_series`.
        """
        await self.database.write_series(units, self._maker(origin), note, between, ahead=ahead)

    def _maker(self, origin: Cursor | None) -> Callable[[Connection], AccountTx]:
        config = self.config
        seen = ModSeq(0) if origin is None else origin.modseq

        def make(db: Connection) -> AccountTx:
            return AccountTx(
                db,
                account=self.name,
                config=config,
                bus=self.bus,
                origin=origin,
                seen=seen,
                owes=self.owed,
                removed=self.removed,
                changed=self.changed,
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
        """What `fn` reads, and a cursor at just that state: nothing is lost or told twice between the two (STORE-35).

        Args:
          fn: reads what the subscriber starts from; with `scan` in a thread, for more than a slice.
          keep_own: also tell the subscriber its own units, with its `Cursor.id` as origin, in their place among the
            others.
          since: where a subscriber that was here before stands, not below `State.highest_purged_modseq`; the cursor
            begins there, with a catch-up from the database.

        The cursor must be closed.
        """
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
        """Raise StorageFull when the disk has too little left for additions (STORE-157)."""
        self.database.check_space()

    def changed(self) -> None:
        """A unit was committed that changed messages or mailboxes."""

    def removed(self) -> None:
        """Messages were removed, or what still held their content has let go: some of it may be erased now."""

    def owed(self) -> None:
        """A unit was committed that owes something to other files, by a row of `outbox`."""

    async def _load(self, catchup: Catchup) -> list[Event]:
        """For the bus: the next slice of a catch-up; first its plan, here if it is short, else in a thread."""
        if not catchup.planned:
            try:
                await self.read(lambda r: catchup.plan(r, FEW_CHANGES), op="catchup_plan")
            except TooMany:
                await self.scan(catchup.plan, op="catchup_plan")
        events = await self.read(catchup.slice, op="catchup")
        for event in events:
            msgspec.structs.force_setattr(event, "account", self.name)  # made here, seen by no subscriber yet
        return events


def _once(unit: Callable[[AccountTx], T], key: bytes) -> Callable[[AccountTx], T]:
    def once(tx: AccountTx) -> T:
        if not tx.once(key):
            raise AlreadyDone
        return unit(tx)

    return once
