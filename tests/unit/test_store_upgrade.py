"""Data of earlier schemas is opened and upgraded by the current program (docs/spec/store.md §13). A schema with a
migration that no program has stands for a later version.
"""

import shutil
from contextlib import closing
from functools import partial
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from moxlite.cli import run
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.gentestdata import ACCOUNTS, made_up
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.auth.credentials import credential
from moxlite.store.backup.copying import copy_database
from moxlite.store.backup.layout import databases
from moxlite.store.backup.verify import verify
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.file import migrations
from moxlite.store.file.migrations import Kind, migrations_of, open_file
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import copy_messages
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.options import Options
from moxlite.store.recover.rebuild import recover
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes
from moxlite.store.rows.views import members
from moxlite.store.types import MessageID
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
    schema = later(tmp_path, REWRITE)
    open_file(path, one.kind, Options(min_free_space=0, schema=schema)).close()
    copy = path.with_name(f"account.db.before-{len(migrations_of(Kind.ACCOUNT)) + 1:04}")
    copy.replace(path)
    db = open_file(path, one.kind, Options(min_free_space=0))
    assert db.execute("SELECT count(*) FROM message WHERE subject_base = 'lost'").fetchone() == (0,)
    db.close()


# Schema 2 of accounts: ids are counted in `state`


WAITS = MessageID(3)
"""Message of the inbox that waits for two others."""

GIVEN = 40
"""Ids that messages and bodies had which were erased before."""

MISSING = "SELECT email_id, reference FROM thread_missing ORDER BY 1, 2"
NAMED = "SELECT h.email_id, j.value FROM message_header h, json_each(h.missing) j ORDER BY 1, 2"
HIGHEST = "SELECT seq FROM sqlite_sequence WHERE name IN ('message', 'body') ORDER BY name DESC"
NEWEST = "SELECT (SELECT max(id) FROM message), (SELECT max(id) FROM body)"
LAST = "SELECT last_message_id, last_body_id FROM state"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The file of an account of schema 1."""
    data = unpack("0.1.0-schema-1", tmp_path / "data")
    path = data / "accounts" / ACCOUNTS[2] / "account.db"
    with closing(apsw.Connection(str(path))) as db:
        db.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name IN ('message', 'body')", (GIVEN,))
        db.execute("INSERT INTO thread_missing VALUES ('é\"@x', ?1, 0), ('b@x', ?1, 1)", (WAITS,))
    return path


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return db.execute(sql).fetchall()


async def add_and_copy(account: OpenAccount, number: int) -> list[MessageID]:
    box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
    assert box is not None
    message = await prepare(Spool.of(b"Subject: %d\r\n\r\n%d\r\n" % (number, number)))
    [added] = await append(account, box.id, [Append(message)])
    copied = await account.write(lambda tx: copy_messages(tx, box.id, [added.uid], box.id))
    return [added.message_id, *copied.message_ids]


async def erase(account: OpenAccount, ids: list[MessageID]) -> None:
    await account.write(lambda tx: expunge_ids(tx, ids))
    await account.settle()


async def test_ids_of_before_the_upgrade_do_not_come_again(first: Path) -> None:
    """STORE-20, STORE-148: nor do later ones, when messages are delivered, copied and erased, and the account is opened
    again and again. What an email waits for goes with it (STORE-195).
    """
    last, last_body = (int(str(seq)) for (seq,) in query(first, HIGHEST))
    missing = query(first, MISSING)
    assert len(missing) == 2
    before = query(first, NEWEST)
    for turn in range(3):
        accounts = Accounts(first.parents[2], replace(made_up(), undelete_grace=0, check_on_close=True))
        async with accounts.use(ACCOUNTS[2]) as account:
            assert query(first, LAST) == [(last, last_body)]
            assert query(first, NAMED) == query(first, MISSING) == missing
            new = await add_and_copy(account, turn)
            assert new == [last + 1, last + 2]
            assert query(first, NEWEST) == query(first, LAST) == [(last + 2, last_body + 1)]
            last, last_body = last + 2, last_body + 1
            await erase(account, new if turn == 0 else [*new, WAITS])
            missing = missing if turn == 0 else []
            assert query(first, MISSING) == missing
            assert query(first, NEWEST) == before
        await accounts.aclose()
    assert query(first, HIGHEST) == []
    assert run(["verifydata", "--deep", str(first.parents[2])]) == 0


def test_an_upgrade_that_fails_at_its_end_leaves_the_first_schema(first: Path, tmp_path: Path) -> None:
    """STORE-148: its tables' definitions too; the next open does it."""
    before = query(first, "SELECT * FROM sqlite_schema ORDER BY rowid"), query(first, HIGHEST)
    schema = tmp_path / "broken"
    shutil.copytree(migrations.SCHEMA, schema)
    with next((schema / "account").glob("0002-*")).open("a") as file:
        file.write("INSERT INTO nowhere VALUES (1);")
    with pytest.raises(apsw.SQLError, match="nowhere"):
        open_file(first, Kind.ACCOUNT, Options(min_free_space=0, schema=schema))
    assert (query(first, "SELECT * FROM sqlite_schema ORDER BY rowid"), query(first, HIGHEST)) == before
    assert query(first, "PRAGMA integrity_check") == [("ok",)]
    assert query(first, "PRAGMA user_version") == [(1,)]
    open_file(first, Kind.ACCOUNT, Options(min_free_space=0)).close()
    assert run(["verifydata", "--deep", str(first.parents[2])]) == 0


def test_who_has_the_file_open_sees_the_upgraded_tables(first: Path) -> None:
    """STORE-148: a connection that read the first schema, and the one that upgrades, count ids no more."""
    with closing(apsw.Connection(str(first))) as other:
        assert len(other.execute(HIGHEST).fetchall()) == 2
        with closing(open_file(first, Kind.ACCOUNT, Options(min_free_space=0))) as db:
            for number, one in enumerate((db, other)):
                one.execute("INSERT INTO body (id, hash, size, refs) VALUES (?, zeroblob(32), 0, 0)", (999 + number,))
                one.execute("DELETE FROM body WHERE id = ?", (999 + number,))
                assert one.execute(HIGHEST).fetchall() == []
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.pragma("writable_schema") == 0


@pytest.mark.parametrize("upgraded", [False, True])
def test_a_damaged_file_of_the_first_schema_is_salvaged(first: Path, tmp_path: Path, upgraded: bool) -> None:
    """STORE-188: as it is, and once it is upgraded."""
    if upgraded:
        open_file(first, Kind.ACCOUNT, Options(min_free_space=0)).close()
    messages = "SELECT count(*) FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE NOT b.system"
    before = query(first, messages)
    [(root,)] = query(first, "SELECT rootpage FROM sqlite_schema WHERE name = 'body_chunk'")
    with first.open("r+b") as file:
        file.seek((int(str(root)) - 1) * 4096)
        file.write(bytes(range(256)) * 16)
    done = recover(ACCOUNTS[2], first, tmp_path / "out")
    assert (done.losses, done.orphans) == ([], 0)
    assert query(tmp_path / "out/accounts" / ACCOUNTS[2] / "account.db", messages) == before
    assert verify(tmp_path / "out", deep=True).problems == []


# Schema 3 of accounts: the first message of a thread is in no index of threads, new idempotency keys are in `state`


THREADS = "SELECT threadid, group_concat(id) FROM (SELECT threadid, id FROM message ORDER BY id) GROUP BY threadid"
INDEXED = "SELECT count(*) FROM message INDEXED BY message_threadid WHERE threadid <> id"
LATER = "SELECT count(*) FROM message WHERE threadid <> id"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """The file of an account of schema 2."""
    data = unpack("0.1.0-schema-2", tmp_path / "data")
    path = data / "accounts" / ACCOUNTS[2] / "account.db"
    with closing(apsw.Connection(str(path))) as db:
        db.execute("INSERT INTO unit_key VALUES (?, unixepoch() * 1000000)", (b"before",))
    return path


async def test_threads_and_keys_of_before_the_upgrade_are_found(second: Path) -> None:
    """STORE-148, STORE-189: each thread with all its messages, by the smaller index. A unit of before is not run
    again.
    """
    threads = {int(str(thread)): str(ids) for thread, ids in query(second, THREADS)}
    longest = max(threads, key=lambda thread: len(threads[thread]))
    assert "," in threads[longest]
    accounts = Accounts(second.parents[2], replace(made_up(), check_on_close=True))
    async with accounts.use(ACCOUNTS[2]) as account:
        for thread, ids in threads.items():
            found = await account.read(partial(members, threadid=thread, limit=100), op="test")
            assert sorted(member.row.id for member in found) == sorted(map(int, ids.split(",")))
        assert 0 < int(str(query(second, INDEXED)[0][0])) < sum(len(ids.split(",")) for ids in threads.values())
        assert query(second, INDEXED) == query(second, LATER)
        assert not await account.write(lambda tx: tx.once(b"before"))
        assert await account.write(lambda tx: tx.once(b"after"))
        assert not await account.write(lambda tx: tx.once(b"after"))
    await accounts.aclose()
    assert query(second, "SELECT key FROM unit_key WHERE key IN (x'6265666f7265', x'6166746572')") == [(b"before",)]
    assert run(["verifydata", "--deep", str(second.parents[2])]) == 0


def test_an_upgrade_to_fewer_b_trees_that_fails_leaves_the_second_schema(second: Path, tmp_path: Path) -> None:
    """STORE-148: its indices too; the next open does it."""
    before = query(second, "SELECT * FROM sqlite_schema ORDER BY rowid")
    schema = tmp_path / "broken"
    shutil.copytree(migrations.SCHEMA, schema)
    with next((schema / "account").glob("0003-*")).open("a") as file:
        file.write("INSERT INTO nowhere VALUES (1);")
    with pytest.raises(apsw.SQLError, match="nowhere"):
        open_file(second, Kind.ACCOUNT, Options(min_free_space=0, schema=schema))
    assert query(second, "SELECT * FROM sqlite_schema ORDER BY rowid") == before
    assert query(second, "PRAGMA integrity_check") == [("ok",)]
    assert query(second, "PRAGMA user_version") == [(2,)]
    open_file(second, Kind.ACCOUNT, Options(min_free_space=0)).close()
    assert run(["verifydata", "--deep", str(second.parents[2])]) == 0
