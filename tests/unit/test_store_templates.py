"""The copies that databases begin with in tests (tests/templates.py)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.options import Options
from tests.templates import COPIED, open_copy

PRAGMAS = ("application_id", "user_version", "page_size", "auto_vacuum", "journal_mode", "foreign_keys", "synchronous")


def made_of(db: apsw.Connection) -> Iterator[object]:
    """Settings and tables of a file, and how many rows these have."""
    yield [db.pragma(pragma) for pragma in PRAGMAS]
    yield db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
        yield name, db.execute(f'SELECT count(*) FROM "{name}"').get


@pytest.mark.parametrize("kind", sorted(COPIED, key=str), ids=lambda kind: kind.value)
def test_a_copy_is_as_a_new_file(tmp_path: Path, kind: Kind) -> None:
    """STORE-1, STORE-2: nothing else than the migrations decides what a test finds."""
    new, copy = tmp_path / "new.db", tmp_path / "copy.db"
    options = Options(min_free_space=0)
    with (
        closing(open_file(new, kind, options, create=True)) as one,
        closing(open_copy(copy, kind, options, create=True)) as two,
    ):
        assert list(made_of(one)) == list(made_of(two))
        assert new.stat().st_mode == copy.stat().st_mode


def test_each_copy_of_an_account_has_its_own_random_octets(tmp_path: Path) -> None:
    """STORE-110: an index of another account is not taken for its own."""
    found = set()
    for name in ("one.db", "two.db"):
        with closing(open_copy(tmp_path / name, Kind.ACCOUNT, Options(min_free_space=0), create=True)) as db:
            found.add(db.execute("SELECT file_id FROM state").get)
    assert len(found) == 2
    assert {len(one) for one in found} == {16}
