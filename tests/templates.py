"""A new database in a test begins as a copy of one whose schema is complete: migrating takes most of the time in which
an account is made. Tests of migrations call `open_file` itself, or have a schema of their own.
"""

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import apsw
import pytest

from moxlite.safefile import open_regular
from moxlite.store.file import database, migrations
from moxlite.store.file.migrations import Kind
from moxlite.store.options import Options

__all__ = ["install", "open_copy"]

COPIED: Final = frozenset({Kind.ACCOUNT, Kind.AUTH, Kind.QUEUE})
"""Kinds with so many migrations that a copy is quicker: 3 ms of the processor in place of 48 for an account."""

OWN: Final = "UPDATE state SET file_id=randomblob(16), next_uidvalidity=unixepoch() >> 1, created=unixepoch() * 1000000"
"""What the migrations of an account write that differs from file to file."""


def install() -> None:
    """Have `Database` copy, until the process ends."""
    pytest.MonkeyPatch().setattr(database, "open_file", open_copy)


def open_copy(path: Path, kind: Kind, options: Options, *, create: bool = False) -> apsw.Connection:
    """As `migrations.open_file`."""
    plain = create and kind in COPIED and options.schema is None and options.vfs is None
    fresh = plain and path.parent.is_dir() and not any(path.parent.glob(f"{path.name}*"))
    if fresh:
        with os.fdopen(open_regular(path, os.O_CREAT | os.O_RDWR), "wb") as file:
            file.write(template(kind))
    db = migrations.open_file(path, kind, options, create=create)
    if fresh and kind is Kind.ACCOUNT:
        db.execute(OWN).fetchall()
    return db


@cache
def template(kind: Kind) -> bytes:
    """The octets of a new database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        migrations.open_file(path, kind, Options(min_free_space=0), create=True).close()
        return path.read_bytes()
