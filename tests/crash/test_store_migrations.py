"""A kill in each step of an upgrade: the next open goes on as if nothing had been (STORE-148, STORE-149, STORE-160)."""

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import apsw
import pytest

from moxlite.store.accounts.gentestdata import ACCOUNTS
from moxlite.store.backup.layout import databases
from moxlite.store.file.migrations import Kind, migrations_of, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from moxlite.store.upkeep.check import check_account
from tests.faultvfs import FaultVFS
from tests.tools import top
from tests.upgrade_fixtures import names, unpack

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


REWRITE = """-- rewrites tables
CREATE TABLE keyword_new (lower TEXT PRIMARY KEY, spelling TEXT NOT NULL, color TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO keyword_new SELECT lower, spelling, 'red' FROM keyword;
DROP TABLE keyword;
ALTER TABLE keyword_new RENAME TO keyword;
"""


def account(data: Path) -> Path:
    return data / next(one.path for one in databases(data) if one.account == ACCOUNTS[2])


@pytest.mark.slow
@pytest.mark.nightly(
    smoke="tests/crash/test_store_migrations.py::test_a_kill_before_each_write_to_a_new_file_is_made_good"
)
def test_a_kill_before_each_statement_of_an_upgrade_is_made_good(tmp_path: Path) -> None:
    """STORE-148, STORE-149, STORE-160, ADMIN-68: from the oldest fixture, with a rewrite of a table at the end."""
    original = account(unpack(names()[0], tmp_path / "data"))
    schema = tmp_path / "schema"
    shutil.copytree(top() / "moxlite/schema", schema)
    last = len(migrations_of(Kind.ACCOUNT)) + 1
    (schema / "account" / f"{last:04}-rewrite.sql").write_text(REWRITE)
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


@pytest.mark.landing("Kind.SEARCH")
@pytest.mark.parametrize("kind", [Kind.ACCOUNT, Kind.SEARCH])
def test_a_kill_before_each_write_to_a_new_file_is_made_good(tmp_path: Path, kind: Kind) -> None:
    """STORE-148, STORE-160: also in the change to WAL, which leaves a rollback journal that only a writer can undo."""
    vfs = FaultVFS()
    made = tmp_path / "made"
    made.mkdir()
    left: list[Path] = []

    def copy() -> None:
        left.append(tmp_path / str(len(left)))
        shutil.copytree(made, left[-1])

    vfs.before_change = copy
    open_file(made / "new.db", kind, Options(vfs=vfs.name), create=True).close()
    assert any((folder / "new.db-journal").exists() and (folder / "new.db").stat().st_size for folder in left)
    for folder in left:
        db = open_file(folder / "new.db", kind, Options(), create=True)
        assert db.pragma("user_version") == len(migrations_of(kind))
        assert db.pragma("journal_mode") == "wal"
        assert db.pragma("auto_vacuum") == 2
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.close()
