"""Fixtures of a real store in a temp folder: import the names you use, `from tests.store_fixtures import accounts`.

Each account is checked deeply whenever its last user leaves (STORE-41): a finding raises CheckFailed out of
`async with accounts.use(...)`.

Beside a clock that jumps by itself, work in the store's threads looks like idleness, so deadlines around it may pass
while it runs: give such a test `MockClock(autojump_threshold=0.05)` instead of the fixture `autojump_clock`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.file import migrations
from moxlite.store.options import Options
from tests.supervised import supervised

__all__ = ["accounts", "auth", "schema", "soon", "store_options", "unserved"]


@pytest.fixture
def store_options() -> Options:
    """The options of `accounts`; override it in a test module for other ones."""
    return Options(check_on_close=True, min_free_space=0)


@pytest.fixture
async def accounts(tmp_path: Path, store_options: Options) -> AsyncIterator[Accounts]:
    """Accounts below a fresh data directory, served as in a server: any allowed name can be used and is created at its
    first use.
    """
    found = Accounts(tmp_path / "data", store_options)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, found)
        yield found
        nursery.cancel_scope.cancel()


@pytest.fixture
async def unserved(tmp_path: Path, store_options: Options) -> AsyncIterator[Accounts]:
    """The same, but nothing is learnt, indexed, erased or carried over in the background: a test says itself when.
    On a busy machine what comes a second later may come before the next line of a test.
    """
    found = Accounts(tmp_path / "data", store_options)
    yield found
    await found.aclose()


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[AuthDB]:
    """A fresh auth.db, served as in a server."""
    db = await AuthDB.open(tmp_path / "auth.db", Options(min_free_space=0), create=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, db)
        yield db
        nursery.cancel_scope.cancel()
    await db.aclose()


async def soon(condition: Callable[[], Awaitable[object]], *, seconds: float = 60.0) -> None:
    """Wait, by real time, until `condition` holds: for what threads and background tasks do."""
    with trio.fail_after(seconds):
        while not await condition():  # noqa: ASYNC110 - nothing tells of it
            await trio.sleep(0.005)


class Schema:
    """A schema folder of its own, to which migrations are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "queue").mkdir(parents=True)
        self.add(1, "CREATE TABLE item (id INTEGER PRIMARY KEY, data BLOB) STRICT;")

    def add(self, number: int, sql: str) -> None:
        (self.folder / "queue" / f"{number:04}-step.sql").write_text(sql)
        migrations._cache.clear()

    @property
    def options(self) -> Options:
        return Options(schema=self.folder, min_free_space=0)


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    """A schema with one migration."""
    return Schema(tmp_path / "schema")
