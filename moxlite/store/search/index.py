"""The file of a text index (STORE-110, STORE-113).

The index only makes searches faster: without an index its answers are None, and callers read the messages themselves.
So no error of the index reaches a caller. A file that cannot be used (missing, damaged, of another account file or
program) is neither waited for nor repaired: the builder deletes it and begins anew.

The file is opened at its first use and closed soon after its last use: most accounts are idle.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import apsw
import msgspec
import trio

from moxlite.proto.mime.types import PARSE_VERSION
from moxlite.store import metrics, metrics as store_metrics
from moxlite.store.changelog.account import Account
from moxlite.store.errors import SchemaTooNew, StoreError, WrongFile
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import Options
from moxlite.store.search.texts import IndexDamaged
from moxlite.store.types import ModSeq
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.store.search")

T = TypeVar("T")

INDEX_VERSION: Final = 3
"""Version of the file's content, raised when the text of a message, its folding or the use of tables changes: older
files are built anew. A change that concerns few messages has a migration instead, and the builder replaces these.
"""

FILES: Final = ("search.db", "search.db-journal", "search.db-wal", "search.db-shm")
"""Names of the files, in the order of their deletion: after a kill in between, SQLite deletes a journal or log beside a
file without pages, but would trust a file without its log.
"""

STATE: Final = "SELECT file_id, layout, parse_version, watermark FROM state WHERE id = 1"
BEGIN: Final = "INSERT INTO state (id, file_id, layout, parse_version, watermark) VALUES (1, ?, ?, ?, 0)"
COUNT: Final = "SELECT count(*) FROM text INDEXED BY text_boundary"
ACCOUNT: Final = """
SELECT s.file_id, s.parse_version, EXISTS (SELECT 1 FROM upgrade WHERE name = 'reparse'),
s.last_message_id FROM state s"""
# All messages are counted in the smallest index, the few at the end by id.
LIVE: Final = "SELECT (SELECT count(*) FROM message) - (SELECT count(*) FROM message WHERE id > ?)"


class AccountState(msgspec.Struct, frozen=True):
    """State of the account that its index must fit: `ready` unless its messages are being parsed anew; `highest` is the
    last message id given out.
    """

    file_id: bytes
    ready: bool
    highest: int


def account_state(r: Reader) -> AccountState:
    """Read the state of the account, for `account.read`."""
    row = r.row(ACCOUNT)
    assert row is not None
    file_id, parse_version, reparsing, highest = row
    return AccountState(file_id, parse_version == PARSE_VERSION and not reparsing, highest)


class Preparation(msgspec.Struct, frozen=True):
    """How far the index of an account is: the number of messages in it, and of all messages."""

    indexed: int
    messages: int


class Index:
    """`search.db` of one open account.

    Attributes:
      enabled: the setting `store.search_index`.
      preparation: while the builder adds so many messages that searches are slow until its end (`FAR_BEHIND`).
      wakeup: set when there may be work for the builder.
      broken: reason why the file must be deleted, "" without one. leftovers: it may have texts of removed messages.
      used: time of the last use (`time.monotonic`).
    """

    def __init__(self, account: Account) -> None:
        self.enabled = account.options.search_index
        self.preparation: Preparation | None = None
        self.wakeup = Wakeup(is_set=True)
        self.broken = ""
        self.leftovers = False
        self.used = 0.0
        self._account = account
        self._edge = storage(Edge(self._name))
        self._database: Database | None = None
        self._users = 0
        self._lock = trio.Lock()
        self._closed = False

    @property
    def path(self) -> Path:
        """The file."""
        return self._account.directory / FILES[0]

    @property
    def _name(self) -> str:
        return f"{self._account.name} search"

    @property
    def opened(self) -> bool:
        """Whether the file is open."""
        return self._database is not None

    async def ask(self, fn: Callable[[Reader], T], op: str) -> T | None:
        """Read in the index; None if it cannot answer."""
        answer: T | None = None
        if self.enabled:
            try:
                async with self.use(create=False) as database:
                    if database is not None:
                        answer = await database.scan(fn, op=op)
            except StoreError as error:
                logger.warning("ignoring text index", extra={"kv": {"account": self._account.name, "err": str(error)}})
        metrics.QUESTIONS.labels("none" if answer is None else "given").inc()
        return answer

    # The file

    @asynccontextmanager
    async def use(self, *, create: bool) -> AsyncIterator[Database | None]:
        """The open file, or None if no usable file exists.

        With `create`, for the builder only, an unusable file is replaced; None if the account is not ready for it.

        Raises:
          StorageFull, StorageBusy, StorageBroken, and errors of the block; `broken` is set if the file is damaged.
        """
        with self._edge:
            async with self._lock:
                if create and self.broken:
                    await self._delete(self.broken)
                if self._database is None and not self._closed:
                    self._database = await self._open(create=create)
                    if self._database is not None and not create:
                        self.wakeup.set()  # the builder updates the file from now on, and closes it
                database = self._database
                self._users += 1
        try:
            yield None if self.broken else database
        except (StoreError, apsw.SQLError) as error:
            if _is_damage(error, database):
                self.distrust()
            if isinstance(error, StoreError):
                raise
            raise IndexDamaged(f"{self._name}: {error}") from error
        finally:
            self._users -= 1
            self.used = time.monotonic()

    async def close_idle(self, seconds: float) -> None:
        """Close the file if it was not used for so long."""
        async with self._lock:
            if self._database is not None and not self._users and time.monotonic() - self.used >= seconds:
                await self._close()

    def distrust(self) -> None:
        """Do not use the file any more; the builder deletes it."""
        self.broken = "damaged"
        self.wakeup.set()

    async def delete(self, reason: str) -> None:
        """Delete the file; its users continue without an index. Raises StorageBusy, StorageBroken."""
        with self._edge:
            async with self._lock:
                await self._delete(reason)

    async def aclose(self) -> None:
        """Close the file for good."""
        self._closed = True
        with trio.CancelScope(shield=True):  # bounded: reads are interrupted, the writer ends after the waiting units
            async with self._lock:
                await self._close()

    async def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            await database.aclose()

    async def _delete(self, reason: str) -> None:
        await self._close()
        self.broken = ""
        if await trio.to_thread.run_sync(self._unlink):
            store_metrics.BROKEN.labels(self._name).set(0)
            metrics.REBUILT.labels(reason).inc()
            logger.info("text index deleted", extra={"kv": {"account": self._account.name, "reason": reason}})

    def _unlink(self) -> bool:
        there = self.path.exists()
        for name in FILES:
            self.path.with_name(name).unlink(missing_ok=True)
        return there

    async def _open(self, *, create: bool) -> Database | None:
        state = await self._account.read(account_state, op="search-standing")
        if not state.ready:
            return None
        if not await trio.to_thread.run_sync(self.path.exists):
            return await self._make(state) if create else None
        found = await self._open_fitting(state)
        if isinstance(found, Database):
            return found
        if not create:
            return None
        await self._delete(found)
        return await self._make(state)

    async def _open_fitting(self, state: AccountState) -> Database | str:
        """Open the file; returns it, or the reason why it cannot be used."""
        try:
            database = await self._open_file()
        except (WrongFile, SchemaTooNew):
            return "other file"
        except (StoreError, apsw.SQLError) as error:
            if _is_damage(error):
                return "damaged"
            raise
        try:
            unfit = await self._unfit(database, state)
        except BaseException as error:
            await database.aclose()
            if _is_damage(error, database):
                return "damaged"
            raise
        if unfit:
            await database.aclose()
        return unfit or database

    async def _make(self, state: AccountState) -> Database:
        database = await self._open_file()
        try:
            await database.write(lambda tx: _begin(tx, state.file_id))
        except BaseException:
            await database.aclose()
            raise
        return database

    async def _open_file(self) -> Database:
        return await Database.open(self.path, Kind.SEARCH, options=self._account.options, name=self._name, create=True)

    async def _unfit(self, database: Database, state: AccountState) -> str:
        """The reason why the file cannot be used; "" if it can."""
        row, count = await database.scan(lambda r: (r.row(STATE), r.value(COUNT)), op="search-state")
        if row is None:
            return "never begun"
        file_id, layout, parse_version, watermark = row
        if file_id != state.file_id:
            return "other account"
        if (layout, parse_version) != (INDEX_VERSION, PARSE_VERSION):
            return "outdated"
        if watermark > state.highest:
            return "ahead"
        # Each message up to the watermark has a row. A surplus row is of a message that was removed without notice to
        # the builder, which will delete it; searches never return it.
        live = await self._account.scan(lambda r: r.value(LIVE, watermark), op="search-state")
        if count > live:
            self.leftovers = True
        return "incomplete" if count < live else ""


class IndexedAccount(Account):
    """An account with its text index, `search`."""

    def __init__(self, name: str, database: Database, options: Options, modseq: ModSeq) -> None:
        super().__init__(name, database, options, modseq)
        self.search = Index(self)


def _begin(tx: Tx, file_id: bytes) -> None:
    tx.execute(BEGIN, file_id, INDEX_VERSION, PARSE_VERSION)


def _is_damage(error: BaseException, database: Database | None = None) -> bool:
    """Whether an error means that the content of the index is damaged, rather than that the disk fails or is full, or
    that the account is damaged. `database` is the index, if it could be opened.

    FTS5 reports some damage by SQLError, the error of a wrong statement; our statements are correct.
    """
    if isinstance(error, IndexDamaged | apsw.SQLError):
        return True
    of_index = database is None or database.health.is_damaged
    return of_index and isinstance(error.__cause__, apsw.CorruptError | apsw.NotADBError | apsw.SQLError)
