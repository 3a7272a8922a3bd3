"""Data of versions before 0.1.0 gets the present schema, once (docs/spec/store.md §13)."""

import re
import shutil
import signal
import subprocess
import sys
import zlib
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import apsw
import pytest
import zstandard

from moxlite.cli import run
from moxlite.cli.backups.restore import _refusal
from moxlite.process.lock import DataLock
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.gentestdata import ACCOUNTS, made_up
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.backup import preview
from moxlite.store.backup.layout import databases
from moxlite.store.backup.preview import FOLDER, upgrade_preview
from moxlite.store.backup.restore import restore
from moxlite.store.backup.verify import newer_schema, verify
from moxlite.store.content.body import Encoding, encode_chunk
from moxlite.store.errors import BadTarget, PreviewSchema, StorageFull
from moxlite.store.file.migrations import PREVIEW, SCHEMA, Kind, migrations_of, open_file
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.personnames import full_name
from moxlite.store.upkeep.check import check_account
from tests.upgrade_fixtures import PREVIEW as FIXTURES, names, unpack

OPTIONS = Options(min_free_space=0)
LAST = "0056"
OBJECTS = """
SELECT type || ' ' || name || ' ' || tbl_name, coalesce(sql, '') FROM sqlite_schema
WHERE name NOT LIKE '_litestream%' ORDER BY 1"""
LAST_IDS = """
SELECT coalesce(max(seq) FILTER (WHERE name = 'message'), 0), coalesce(max(seq) FILTER (WHERE name = 'body'), 0)
FROM sqlite_sequence"""
MISSING = "SELECT email_id, reference FROM thread_missing ORDER BY 1, 2"
TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
NUMBERS = "application_id", "user_version", "auto_vacuum", "page_size", "journal_mode"


@pytest.fixture(params=names(FIXTURES))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A data directory as each of the two versions left it."""
    data = unpack(request.param, tmp_path / "data", FIXTURES)
    (data / f"accounts/{ACCOUNTS[0]}/search.db").write_bytes(b"an index that is built anew")
    (data / f"accounts/{ACCOUNTS[0]}/search.db-wal").touch()
    open_file(data / "cache.db", Kind.CACHE, OPTIONS, create=True).close()
    return data


def quiet(_: str) -> None:
    """Lines for the terminal."""


def normalized(sql: str) -> str:
    """A definition without comments, spacing, and the quotes of a table that was renamed."""
    words = " ".join(line.partition("--")[0] for line in sql.splitlines()).replace('"', "").split()
    return re.sub(r"\s*([(),;])\s*", r"\1", " ".join(words))


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def small(name: str, target: Path) -> Path:
    """A fixture with one account, which has no mail."""
    data = unpack(name, target, FIXTURES)
    for account in ACCOUNTS[1:]:
        shutil.rmtree(data / "accounts" / account)
        (data / "made" / account).unlink()
    (data / "reports.db").unlink()
    return data


def version(path: Path) -> object:
    return query(path, "PRAGMA user_version")[0][0]


def is_present(data: Path) -> bool:
    """Whether all databases have the present schema."""
    return all(version(data / one.path) == len(migrations_of(one.kind)) for one in databases(data))


def schema_of(path: Path) -> dict[str, str]:
    return {str(name): normalized(str(sql)) for name, sql in query(path, OBJECTS)}


def rows_of(data: Path) -> dict[str, list[str]]:
    """Rows of all tables of all databases, sorted."""
    found = {}
    for one in databases(data):
        for (table,) in query(data / one.path, TABLES):
            found[f"{one.path} {table}"] = sorted(map(repr, query(data / one.path, f'SELECT * FROM "{table}"')))
    return found


@pytest.mark.parametrize("kind", [Kind.ACCOUNT, Kind.AUTH, Kind.QUEUE, Kind.REPORTS])
def test_the_first_migration_makes_what_all_of_before_have_made(tmp_path: Path, kind: Kind) -> None:
    """STORE-149a: tables with their columns in order, indices, triggers, the file's numbers; and the first rows."""
    data = unpack(LAST, tmp_path / "data", FIXTURES)
    path = tmp_path / f"{kind.value}.db"
    (tmp_path / kind.value).mkdir()
    shutil.copy(SCHEMA / kind.value / "0001-initial.sql", tmp_path / kind.value)
    open_file(path, kind, Options(min_free_space=0, schema=tmp_path), create=True).close()
    before = data / next(one.path for one in databases(data) if one.kind is kind)
    assert schema_of(path) == schema_of(before)
    assert query(path, "PRAGMA application_id") == query(before, "PRAGMA application_id")
    assert (version(path), version(before)) == (1, PREVIEW[kind][-1])
    filled = {table: query(path, f'SELECT * FROM "{table}"') for (table,) in query(path, TABLES)}
    if kind is Kind.ACCOUNT:
        assert filled.pop("gathering") == [(1, 0, 0)]
        [(number, file_id, *counters, _, total, parsed, threads, _)] = filled.pop("state")
        assert (number, counters, total, parsed, threads) == (1, [0, 0], 0, 1, 2)
        assert len(bytes(file_id)) == 16  # type: ignore[call-overload]  # a BLOB
    assert not any(filled.values())


async def test_data_of_before_is_upgraded(old: Path) -> None:
    """STORE-149a: all mail stays; files are what the present version makes, down to the pages on which tables begin."""
    cache = (old / "cache.db").read_bytes()
    messages = {one.path: query(old / one.path, "SELECT * FROM message") for one in databases(old) if one.account}
    ids = {path: query(old / path, LAST_IDS) for path in messages}
    with closing(apsw.Connection(str(old / f"accounts/{ACCOUNTS[2]}/account.db"))) as db:
        db.execute("INSERT INTO thread_missing SELECT 'é\"@x', min(email_id), 0 FROM message").fetchall()
        db.execute("INSERT INTO thread_missing SELECT 'b@x', min(email_id), 1 FROM message").fetchall()
    missing = {path: query(old / path, MISSING) for path in messages}
    told: list[str] = []
    assert upgrade_preview(old, told.append) == 6
    assert re.fullmatch(r"this requires \d+ bytes of disk space in .* \(\d+ free\)", told[0])
    assert len(told) == 7
    assert (old / "cache.db").read_bytes() == cache
    assert not (old / FOLDER).exists()
    assert [path.name for path in (old / f"accounts/{ACCOUNTS[0]}").iterdir()] == ["account.db"]
    for one in databases(old):
        open_file(old.parent / f"{one.kind.value}.new", one.kind, OPTIONS, create=True).close()
        new = "SELECT * FROM sqlite_schema ORDER BY rowid"
        assert query(old / one.path, new) == query(old.parent / f"{one.kind.value}.new", new)
        for number in NUMBERS:
            pragma = f"PRAGMA {number}"
            assert query(old / one.path, pragma) == query(old.parent / f"{one.kind.value}.new", pragma)
    found = verify(old, deep=True)
    assert (found.problems, [note for note in found.notes if "schema" in note]) == ([], [])
    for path, rows in messages.items():
        assert query(old / path, "SELECT * FROM message") == rows
        assert query(old / path, "SELECT last_message_id, last_body_id FROM state") == ids[path]
        named = "SELECT h.email_id, j.value FROM message_header h, json_each(h.missing) j ORDER BY 1, 2"
        assert query(old / path, named) == query(old / path, MISSING) == missing[path]
    assert upgrade_preview(old, quiet) == 0
    accounts = Accounts(old, made_up())
    try:
        async with accounts.use(ACCOUNTS[2]) as account:
            assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
            totals = {box.name: box.total for box in await account.read(mailboxes, op="test")}
            assert (totals["Inbox"], totals["Sent"]) == (17, 8)
    finally:
        await accounts.aclose()


def test_both_versions_lead_to_the_same_schema(tmp_path: Path) -> None:
    """STORE-149a: also the rows that migrations made of others are those that the last version has."""
    first, last = (unpack(name, tmp_path / name, FIXTURES) for name in names(FIXTURES))
    for data in (first, last):
        upgrade_preview(data, quiet)
    path = f"accounts/{ACCOUNTS[2]}/account.db"
    for table in ("message_info", "message_header", "message_dkim", "contact", "group_card", "entry_facts"):
        counts = [query(data / path, f"SELECT count(*) FROM {table}") for data in (first, last)]
        assert counts[0] == counts[1], table


class Kills:
    """Copies of a data directory as kills would leave it: before each file that is opened, renamed or deleted."""

    def __init__(self, data: Path, copies: Path) -> None:
        self.left: list[Path] = []
        self.watching = True
        self._data, self._copies = data, copies
        sys.addaudithook(self._told)

    def _told(self, event: str, args: tuple[object, ...]) -> None:
        if self.watching and event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            self.watching = False
            copy = self._copies / str(len(self.left))
            shutil.copytree(self._data, copy)
            self.left.append(copy)
            self.watching = True


async def test_a_kill_at_each_step_leaves_the_old_data_or_the_new(tmp_path: Path) -> None:
    """STORE-149a, ADMIN-68: and the next run finishes; no server starts in between."""
    data = small(LAST, tmp_path / "data")
    before = rows_of(data)
    kills = Kills(data, tmp_path)
    upgrade_preview(data, quiet)
    kills.watching = False
    new = rows_of(data)
    states = set()
    now = len(migrations_of(Kind.AUTH))
    for copy in kills.left:
        decided = (copy / FOLDER).is_dir()
        if not decided and version(copy / "auth.db") != now:
            assert rows_of(copy) == before, "untouched, also for the version that wrote it"
        if version(copy / "auth.db") != now:
            with pytest.raises(PreviewSchema):
                await AuthDB.open(copy / "auth.db", OPTIONS)
        else:
            assert is_present(copy), "auth.db comes last"
        states.add((decided, version(copy / "auth.db")))
        if not decided and int(copy.name) % 16:
            continue
        upgrade_preview(copy, quiet)
        assert rows_of(copy) == new
        assert not (copy / FOLDER).exists()
        assert not (copy / "tmp" / FOLDER).exists()
    assert states == {(False, 15), (True, 15), (True, now)}
    assert len(kills.left) > 20


def test_what_an_old_version_wrote_after_a_kill_is_not_replaced(tmp_path: Path) -> None:
    """STORE-149a: mail that came in between is in the old files alone; other files among accounts don't matter."""
    data = small(LAST, tmp_path / "data")
    (data / "accounts/.DS_Store").write_bytes(b"x")
    kills = Kills(data, tmp_path)
    upgrade_preview(data, quiet)
    kills.watching = False
    left = next(copy for copy in kills.left if (copy / FOLDER).is_dir())
    path = left / "queue.db"
    db = apsw.Connection(str(path))
    db.execute("PRAGMA user_version=11")
    db.execute("CREATE TABLE later (a); DROP TABLE later").fetchall()
    db.close()
    written = path.read_bytes()
    with pytest.raises(BadTarget, match=r"queue\.db changed after the upgrade; delete .*/upgrade-preview"):
        upgrade_preview(left, quiet)
    assert path.read_bytes() == written
    shutil.rmtree(left / FOLDER)
    upgrade_preview(left, quiet)
    assert version(path) == 1


CHILD = """
import os, signal, sys
from pathlib import Path
from moxlite.store.backup import preview
left = int(sys.argv[2])
def step(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return True
import apsw
apsw.connection_hooks.append(lambda db: setattr(db, "exec_trace", step))
sys.addaudithook(lambda event, args: event in ("os.rename", "os.remove") and step())
preview.upgrade_preview(Path(sys.argv[1]), lambda line: None)
"""


@pytest.mark.slow
@pytest.mark.nightly(smoke="tests/unit/test_store_preview.py::test_a_kill_at_each_step_leaves_the_old_data_or_the_new")
def test_a_killed_process_leaves_data_that_the_next_one_upgrades(tmp_path: Path) -> None:
    """STORE-149a, ADMIN-68: SIGKILL before statements and changes of files, the first version's data."""
    original = small(names(FIXTURES)[0], tmp_path / "original")
    step, killed = 0, 0
    while True:
        data = tmp_path / str(step)
        shutil.copytree(original, data)
        done = subprocess.run([sys.executable, "-c", CHILD, str(data), str(step)], timeout=300)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        upgrade_preview(data, quiet)
        assert verify(data, deep=True).problems == []
        assert is_present(data)
        shutil.rmtree(data)
        step, killed = step + 29, killed + 1
    assert killed > 10


def test_what_cannot_be_upgraded_stays_as_it_is(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-149a: no room, a damaged database, one of a schema before, or of another program."""
    path = old / f"accounts/{ACCOUNTS[2]}/account.db"
    original = path.read_bytes()

    def refused(error: type[Exception], text: str) -> None:
        before = {file: file.read_bytes() for file in sorted(old.rglob("*")) if file.is_file()}
        with pytest.raises(error, match=text):
            upgrade_preview(old, quiet)
        after = {file: file.read_bytes() for file in sorted(old.rglob("*")) if file.is_file()}
        assert {file: after[file] for file in before} == before
        assert not [file for file in after if FOLDER in file.parts]

    with monkeypatch.context() as patch:
        patch.setattr(preview.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 1))  # type: ignore[attr-defined]
        refused(StorageFull, "not enough disk space")
    for sql, text in (
        ("PRAGMA user_version = 45", "unknown schema version 45"),
        ("PRAGMA application_id = 7", "isn't a moxlite database"),
        ("CREATE TABLE of_another (id INTEGER)", "of_another"),
        ("ALTER TABLE keyword ADD COLUMN of_another TEXT", "unexpected columns in table keyword"),
    ):
        db = apsw.Connection(str(path))
        db.execute(sql).fetchall()
        db.close()
        refused(BadTarget, text)
        path.write_bytes(original)
    (old / "RESTORING").touch()
    refused(BadTarget, "incomplete")


async def test_what_background_tasks_had_to_do_is_done(tmp_path: Path) -> None:
    """STORE-149a, DAV-22, STORE-96d: rows of cards are made anew; contacts that are no cards yet stop the upgrade."""
    data = unpack(LAST, tmp_path / "data", FIXTURES)
    path = data / f"accounts/{ACCOUNTS[2]}/account.db"
    db = apsw.Connection(str(path))
    [(card, before)] = db.execute("SELECT id, listed FROM contact ORDER BY id LIMIT 1").fetchall()
    db.execute("UPDATE contact SET listed = json_remove(listed, '$.photo'), sorted = 'x'; DELETE FROM contact_address")
    add = (
        "INSERT INTO correspondent (id, localpart, domain, name, found, rank) VALUES (999, 'a', 'x.example', ?, '', 0)"
    )
    db.execute(add, ("Ada Lind",))
    db.execute("INSERT INTO contact_due (id, changed, card) VALUES (999, 0, '{}')")
    db.close()
    with pytest.raises(BadTarget, match=r"contacts \(1\) aren't stored as vCards yet"):
        upgrade_preview(data, quiet)
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM contact_due WHERE id = 999")
    db.close()
    upgrade_preview(data, quiet)
    assert query(path, "SELECT folded FROM correspondent WHERE id = 999") == [(full_name("Ada Lind"),)]
    accounts = Accounts(data, made_up())
    try:
        async with accounts.use(ACCOUNTS[2]) as account:
            await account.gatherer.once()
            assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
    finally:
        await accounts.aclose()
    assert query(path, f"SELECT listed FROM contact WHERE id = {card}") == [(before,)]
    assert query(path, "SELECT count(*) FROM contact_due") == [(0,)]


def old_chunk(enc: int, stored: bytes) -> tuple[int, int, bytes]:
    return enc, int.from_bytes(blake2b(stored, digest_size=8).digest(), "big", signed=True), stored


def test_chunks_get_the_present_kind_of_check(tmp_path: Path) -> None:
    """STORE-149a, STORE-181: the first versions had another; a damaged chunk is not made sound by that."""
    data = unpack(LAST, tmp_path / "data", FIXTURES)
    path = data / f"accounts/{ACCOUNTS[2]}/account.db"
    plain = b"words of a body, again and again" * 100
    packed = zlib.compress(plain)
    db = apsw.Connection(str(path))
    chunks = {
        1: old_chunk(0, plain),
        2: old_chunk(1, zstandard.compress(plain)),
        3: old_chunk(2, packed),
        4: (0, 77, plain),
    }
    for number, chunk in chunks.items():
        db.execute("INSERT INTO body_chunk (id, enc, digest, data) VALUES (?, ?, ?, ?)", (number, *chunk))
    db.close()
    upgrade_preview(data, quiet)
    found = query(path, "SELECT enc, digest, data FROM body_chunk WHERE id < 5 ORDER BY id")
    again = encode_chunk(plain)
    assert found == [
        (Encoding.RAW, zlib.crc32(plain), plain),
        (again.enc, again.check, again.data),
        (Encoding.ZLIB, zlib.crc32(packed), packed),
        (Encoding.RAW, -1, plain),
    ]


async def test_the_command_upgrades_a_stopped_server_and_others_name_it(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """STORE-149a, STORE-144, STORE-164: every program that meets such a file says what to do."""
    with pytest.raises(PreviewSchema, match="upgrade-preview"):
        await AuthDB.open(old / "auth.db", OPTIONS)
    assert "upgrade-preview" in newer_schema(old / "auth.db", Kind.AUTH)
    assert all("upgrade-preview" in problem.text for problem in verify(old).problems)
    with DataLock(old / "lock"):
        assert run(["store", "upgrade-preview", str(old)]) == 1
    assert "already running" in capsys.readouterr().err
    assert run(["store", "upgrade-preview", str(old)]) == 0
    assert capsys.readouterr().out.endswith("\nupgraded 6 databases\n")
    assert run(["verifydata", "--deep", str(old)]) == 0
    assert run(["store", "upgrade-preview", str(old)]) == 0
    assert capsys.readouterr().out.endswith(": OK\nalready up to date\n")


def test_a_backup_of_before_is_upgraded_and_restored(old: Path, tmp_path: Path) -> None:
    """STORE-149a, STORE-145."""
    backup = tmp_path / "backup"
    backup.mkdir()
    old.rename(backup / "data")
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(PreviewSchema):
        restore(backup, target, OPTIONS, resume_queue=False)
    refused = _refusal("backup", [str(problem) for problem in verify(backup).problems])
    assert "use `moxlite store upgrade-preview DIR`, then restore DIR" in str(refused)
    assert run(["store", "upgrade-preview", str(backup)]) == 0
    assert verify(backup, deep=True).problems == []
    restore(backup, target, OPTIONS, resume_queue=False)
    assert verify(target, deep=True).problems == []
    assert len(databases(target)) == 7
    assert is_present(target)
