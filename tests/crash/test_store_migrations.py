"""A kill in each step of an upgrade: the next open goes on as if nothing had been (STORE-148, STORE-149, STORE-160)."""

import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

import apsw
import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.gentestdata import ACCOUNTS
from moxlite.store.backup.layout import databases
from moxlite.store.file.migrations import Kind, migrations_of, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from moxlite.store.upkeep.check import check_account
from tests.faultvfs import FaultVFS
from tests.upgrade_fixtures import later, names, unpack

_children = multiprocessing.get_context("forkserver")
"""Forked from a process that has all modules loaded: there are some hundred of them."""


def upgrade(path: Path, schema: Path, left: int) -> None:
    """Open an account with that schema, and be killed before the statement with number `left`."""

    def traced(*_: object) -> bool:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return True

    apsw.connection_hooks.append(lambda db: setattr(db, "exec_trace", traced))
    open_file(path, Kind.ACCOUNT, Options(min_free_space=0, schema=schema), create=True).close()


ADDED = (
    "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT; INSERT INTO more SELECT id FROM message;",
    "ALTER TABLE message ADD COLUMN weight INTEGER NOT NULL DEFAULT 0; UPDATE message SET weight = size;",
)
REWRITE = """-- rewrites tables
CREATE TABLE keyword_new (lower TEXT PRIMARY KEY, spelling TEXT NOT NULL, color TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO keyword_new SELECT lower, spelling, 'red' FROM keyword;
DROP TABLE keyword;
ALTER TABLE keyword_new RENAME TO keyword;
"""


def account(data: Path) -> Path:
    return data / next(one.path for one in databases(data) if one.account == ACCOUNTS[2])


@pytest.mark.slow
@pytest.mark.nightly(smoke="tests/crash/test_store_migrations.py::test_a_kill_at_each_step_of_a_new_file_is_made_good")
def test_a_kill_before_each_statement_of_an_upgrade_is_made_good(tmp_path: Path) -> None:
    """STORE-148, STORE-149, STORE-160, ADMIN-68: from the oldest fixture, by later migrations, the last of which
    rewrites a table."""
    original = account(unpack(names()[0], tmp_path / "data"))
    last = len(migrations_of(Kind.ACCOUNT)) + 3
    schema = later(tmp_path, *ADDED, REWRITE)
    killed = 0
    _children.set_forkserver_preload([__name__])
    while True:
        folder = tmp_path / str(killed)
        folder.mkdir()
        path = folder / "account.db"
        shutil.copy(original, path)
        child = _children.Process(target=upgrade, args=(path, schema, killed))
        child.start()
        child.join(timeout=300)
        db = open_file(path, Kind.ACCOUNT, Options(min_free_space=0, schema=schema), create=True)
        assert db.pragma("user_version") == last
        assert db.execute("SELECT count(*) FROM keyword WHERE color = 'red'").fetchone() != (0,)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert check_account(Reader(db), deep=True) == []
        db.close()
        copy = apsw.Connection(str(path.with_name(f"account.db.before-{last:04}")))
        assert copy.pragma("user_version") == last - 1
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        copy.close()
        shutil.rmtree(folder)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        killed += 1
    assert killed > 20


class Kills:
    """Copies of a folder as kills would leave it: before each write of SQLite, and before a file is opened for writing,
    made, renamed or deleted.
    """

    def __init__(self, folder: Path, copies: Path) -> None:
        self.left: list[Path] = []
        self.vfs = FaultVFS()
        self.vfs.before_change = self._copy
        self._folder = folder
        self._copies = copies
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        _watching.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _watching.remove(self)

    def _copy(self) -> None:
        if self._lock.acquire(blocking=False):  # copying makes files, too
            try:
                copy = self._copies / str(len(self.left))
                if self._folder.exists():
                    shutil.copytree(self._folder, copy)
                    self.left.append(copy)
            finally:
                self._lock.release()

    def before(self, event: str, path: object) -> None:
        """Before Python changes a file."""
        if event in ("open", "os.rename", "os.mkdir", "os.remove") and str(path).startswith(f"{self._folder}/"):
            self._copy()


_watching: list[Kills] = []


def _told(event: str, args: tuple[object, ...]) -> None:
    for kills in _watching:
        kills.before(event, args[0])


sys.addaudithook(_told)


@pytest.mark.parametrize("kind", [Kind.ACCOUNT, Kind.SEARCH])
def test_a_kill_at_each_step_of_a_new_file_is_made_good(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-148, STORE-160: it appears whole. Else a log of a file that was lost would be folded into it."""
    made = tmp_path / "made"
    made.mkdir()
    (made / "new.db-wal").write_bytes(b"of a lost file")
    steps: list[str] = []

    def noted(name: str, real: Callable[..., None], *args: object) -> None:
        steps.append(name)
        real(*args)

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, partial(noted, name, getattr(os, name)))
    with Kills(made, tmp_path) as kills:
        open_file(made / "new.db", kind, Options(vfs=kills.vfs.name), create=True).close()
    assert steps == ["fsync", "replace"], "durable before it has its name"
    assert len(kills.left) >= 4
    for folder in [*kills.left, made]:
        db = open_file(folder / "new.db", kind, Options(), create=True)
        assert db.pragma("user_version") == len(migrations_of(kind))
        assert db.pragma("journal_mode") == "wal"
        assert db.pragma("auto_vacuum") == 2
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.close()
        assert [path.name for path in folder.iterdir()] == ["new.db"]


async def test_a_kill_at_each_step_of_a_new_account_is_made_good(tmp_path: Path) -> None:
    """STORE-11, STORE-158d, STORE-160: the next use makes the rest, and no two accounts are the same file."""

    async def identity(data: Path, vfs: str | None = None) -> bytes:
        accounts = Accounts(data, Options(min_free_space=0, vfs=vfs))
        async with accounts.use("mia") as account:
            found = await account.read(lambda r: (r.value("SELECT file_id FROM state"), names_of(r)), op="test")
            assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
        await accounts.aclose()
        assert found[1] == ["Archive", "Drafts", "Inbox", "Junk", "Sent", "Trash"]
        assert sorted(path.name for path in (data / "accounts/mia").iterdir()) == ["account.db"]
        assert isinstance(found[0], bytes)
        return found[0]

    def names_of(r: Reader) -> list[str]:
        return [row[0] for row in r.rows("SELECT name FROM mailbox ORDER BY name")]

    with Kills(tmp_path / "data", tmp_path) as kills:
        first = await identity(tmp_path / "data", kills.vfs.name)
    assert len(kills.left) > 15
    assert await identity(tmp_path / "data") == first
    empty = [folder for folder in kills.left if not (folder / "accounts/mia/account.db-wal").exists()]
    found = [await identity(folder) for folder in kills.left]
    assert len(set(found[: len(empty) // 2])) == len(empty) // 2, "as long as it has no mailboxes, each is another one"
