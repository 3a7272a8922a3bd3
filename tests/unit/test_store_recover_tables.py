"""Salvaging damaged files of the server itself (docs/spec/store.md, STORE-188a)."""

from pathlib import Path

import apsw
import pytest

from moxlite.queue.testdata import generate
from moxlite.store.backup.verify import verify
from moxlite.store.file.migrations import Kind
from moxlite.store.recover.pages import PAGE
from moxlite.store.recover.tables import recover_tables

KINDS = {"auth.db": Kind.AUTH, "queue.db": Kind.QUEUE, "reports.db": Kind.REPORTS}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with something of everything, of the current schema."""
    generate(tmp_path / "data")
    return tmp_path / "data"


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        columns = "id, content_id, rcpt_localpart, prefix" if table == "msg" else "*"
        return db.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
    finally:
        db.close()


TABLES = {
    "auth.db": ("login_attempt", "tls_public_key", "audit"),
    "queue.db": ("msg", "content", "content_chunk", "local"),
    "reports.db": ("dmarc_report", "tls_report", "dmarc_evaluation", "tls_result", "report_suppression"),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("first_page", [False, True])
def test_all_is_saved_of_a_file_whose_tables_are_whole(name: str, first_page: bool, data: Path, tmp_path: Path) -> None:
    """STORE-188a: also without its first page."""
    before = {table: rows(data / name, table) for table in TABLES[name]}
    assert all(before.values())
    if first_page:
        octets = (data / name).read_bytes()
        (data / name).write_bytes(b"x" * PAGE + octets[PAGE:])
    done = recover_tables(KINDS[name], data / name, tmp_path / "out")
    assert bool(done.losses) == first_page
    assert {table: rows(tmp_path / "out" / name, table) for table in TABLES[name]} == before
    if name == "queue.db":
        assert set(rows(tmp_path / "out" / name, "(SELECT hold FROM msg)")) == {(1,)}
    assert not verify(tmp_path / "out").problems


@pytest.mark.parametrize("name", KINDS)
def test_any_page_may_be_damaged(name: str, data: Path, tmp_path: Path) -> None:
    """STORE-188a: what comes of it is a sound file, with no row that was not there."""
    original = (data / name).read_bytes()
    before = {table: set(rows(data / name, table)) for table in TABLES[name]}
    for number in range(len(original) // PAGE):
        start, end = number * PAGE + 3, number * PAGE + 900
        flipped = bytes(octet ^ 0xA5 for octet in original[start:end])
        (data / name).write_bytes(original[:start] + flipped + original[end:])
        out = tmp_path / f"out{number}"
        recover_tables(KINDS[name], data / name, out)
        assert not verify(out).problems
        for table in set(TABLES[name]) - {"content"}:
            assert set(rows(out / name, table)) <= before[table]
