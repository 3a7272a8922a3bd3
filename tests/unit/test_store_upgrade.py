"""Data of earlier schemas is opened and upgraded by the current program (docs/spec/store.md §13). Until there is one, a
schema with a migration that no program has stands for a later version.
"""

from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.gentestdata import ACCOUNTS, made_up
from moxlite.store.auth.credentials import credential
from moxlite.store.backup.copying import copy_database
from moxlite.store.backup.layout import databases
from moxlite.store.backup.verify import verify
from moxlite.store.file import migrations
from moxlite.store.file.migrations import Kind, migrations_of, open_file
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.upkeep.check import check_account
from tests.upgrade_fixtures import ADD, FOLDER, later, names, unpack

REWRITE = "-- rewrites tables\nUPDATE message SET subject_base = 'lost';\n"


@pytest.fixture(params=names())
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each data directory of fixtures/upgrade/."""
    return unpack(request.param, tmp_path / "data")


def versions(data: Path) -> dict[str, int]:
    found = {}
    for one in databases(data):
        db = apsw.Connection(str(data / one.path), flags=apsw.SQLITE_OPEN_READONLY)
        found[str(one.path)] = int(db.pragma("user_version"))
        db.close()
    return found


async def test_an_older_account_is_opened_with_all_its_mail(data: Path, tmp_path: Path) -> None:
    """STORE-147, STORE-148."""
    accounts = Accounts(data, replace(made_up(), schema=later(tmp_path, ADD)))
    try:
        for name in ACCOUNTS:
            async with accounts.use(name) as account:
                assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
                boxes = await account.read(mailboxes, op="test")
                assert await account.read(credential, op="test") is not None
                totals = {box.name: box.total for box in boxes}
        assert totals["Inbox"] == 17
        assert totals["Sent"] == 8
    finally:
        await accounts.aclose()
    last = len(migrations_of(Kind.ACCOUNT)) + 1
    assert {version for path, version in versions(data).items() if path.startswith("accounts")} == {last}


def test_one_migration_at_a_time_gives_the_same(data: Path, tmp_path: Path) -> None:
    """STORE-147: stepwise, as by a chain of releases."""
    for one in databases(data):
        known = migrations_of(one.kind)
        for number in range(versions(data)[str(one.path)] + 1, len(known) + 1):
            schema = tmp_path / f"{one.kind.value}-{number}"
            (schema / one.kind.value).mkdir(parents=True, exist_ok=True)
            for migration in known[:number]:
                path = schema / one.kind.value / f"{migration.number:04}-{migration.name}.sql"
                path.write_text(migration.sql)
            open_file(data / one.path, one.kind, Options(min_free_space=0, schema=schema)).close()
            assert versions(data)[str(one.path)] == number
    found = verify(data, deep=True)
    assert (found.problems, [note for note in found.notes if "schema" in note]) == ([], [])


def test_verifydata_tries_the_upgrade_on_a_copy(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-144, STORE-147: and without being asked to, it only tells. Copies are where there is room for them."""
    monkeypatch.setattr(migrations, "SCHEMA", later(tmp_path, ADD))
    monkeypatch.setattr(migrations, "_cache", {})
    before = versions(data)
    known = {str(one.path): len(migrations_of(one.kind)) for one in databases(data)}
    old = [path for path, version in before.items() if version < known[path]]
    assert len(old) >= len(ACCOUNTS)
    assert verify(data).problems == []
    assert len([note for note in verify(data).notes if "--upgrade" in note]) == len(old)
    copied, copy = list[Path](), copy_database

    def note(path: Path, target: Path) -> int:
        copied.append(target)
        return copy(path, target)

    monkeypatch.setattr("moxlite.store.backup.verify.copy_database", note)
    (tmp_path / "room").mkdir()
    found = verify(data, deep=True, upgrade=True, scratch=tmp_path / "room")
    assert all(path.is_relative_to(tmp_path / "room") for path in copied)
    assert len(copied) == len(old)
    assert found.problems == []
    assert len([note for note in found.notes if "can be upgraded" in note]) == len(old)
    assert versions(data) == before


def test_there_is_a_fixture_of_the_current_schema(tmp_path: Path) -> None:
    """STORE-147."""
    newest = versions(unpack(names()[-1], tmp_path / "data"))
    for one in databases(tmp_path / "data"):
        assert newest[str(one.path)] == len(migrations_of(one.kind)), "python -m tests.upgrade_fixtures NAME"


def test_the_fixtures_are_small_and_named_in_the_readme() -> None:
    """STORE-147."""
    text = (FOLDER / "README.md").read_text()
    for name in names():
        assert name in text
        assert (FOLDER / f"{name}.tar.zst").stat().st_size < 300_000


def test_the_copy_of_before_an_upgrade_can_take_its_place(tmp_path: Path) -> None:
    """STORE-149: for a migration that rewrites tables."""
    data = unpack(names()[0], tmp_path / "data")
    one = next(one for one in databases(data) if one.account == ACCOUNTS[2])
    path = data / one.path
    version = versions(data)[str(one.path)]
    schema = later(tmp_path, REWRITE)
    open_file(path, one.kind, Options(min_free_space=0, schema=schema)).close()
    copy = path.with_name(f"account.db.before-{version + 1:04}")
    copy.replace(path)
    db = open_file(path, one.kind, Options(min_free_space=0))
    assert db.execute("SELECT count(*) FROM message WHERE subject_base = 'lost'").fetchone() == (0,)
    db.close()
