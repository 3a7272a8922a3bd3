"""Where the names of accounts are kept outside of their folders."""

import apsw
import pytest

from moxlite.store.file.migrations import Kind, migrations_of
from moxlite.store.file.traces import KEPT, TRACES

NAMING = {"account", "owner", "guest", "identifier", "author", "actor", "delegate", "member"}
"""Names of columns that have the name of an account."""


def schema(kind: Kind) -> apsw.Connection:
    """An empty database of a kind."""
    db = apsw.Connection(":memory:")
    for migration in migrations_of(kind):
        db.execute(migration.sql).fetchall()
    return db


def columns(kind: Kind) -> set[str]:
    """All columns of the tables of a kind, as ``table.column``."""
    db = schema(kind)
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {f"{table}.{row[1]}" for table in tables for row in db.execute(f"PRAGMA table_info({table})")}


@pytest.mark.parametrize("kind", Kind)
def test_each_column_with_the_name_of_an_account_is_a_known_place(kind: Kind) -> None:
    """STORE-140: a later account of the name of a removed one finds nothing of it. If this fails for a new column, say
    in `TRACES` what a removal does with it, or in `KEPT` why it may stay.
    """
    places = {*TRACES.get(kind, {}), *KEPT.get(kind, {})}
    assert {column for column in columns(kind) if column.partition(".")[2] in NAMING} <= places
    assert places <= columns(kind), "a place that isn't in the schema"
    assert not TRACES.get(kind, {}).keys() & KEPT.get(kind, {}).keys()


@pytest.mark.parametrize(
    ("kind", "place"),
    [(kind, place) for kind, places in TRACES.items() for place in places if place.partition(".")[2] in NAMING],
)
def test_a_removal_clears_the_place(kind: Kind, place: str) -> None:
    """STORE-140, ADMIN-15: of the removed account alone."""
    table, _, column = place.partition(".")
    db = schema(kind)
    db.execute("PRAGMA ignore_check_constraints=ON; PRAGMA foreign_keys=OFF").fetchall()
    filled = [row[1:3] for row in db.execute(f"PRAGMA table_info({table})")]
    for number, account in enumerate(("kim", "kimberly")):
        values = [account if name == column else _value(kind_of, number) for name, kind_of in filled]
        db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values).fetchall()
    before = set(db.execute(f"SELECT {column} FROM {table}"))
    assert before == {("kim",), ("kimberly",)}
    db.execute(TRACES[kind][place], ("kim",)).fetchall()
    after = set(db.execute(f"SELECT {column} FROM {table}"))
    assert ("kim",) not in after
    assert ("kimberly",) in after
    assert after - {("kimberly",)} <= {("kim (removed)",)}


def _value(kind: str, number: int) -> object:
    return {"INTEGER": number + 1, "TEXT": f"text {number}", "BLOB": bytes([number])}[kind]
