"""Data directories of released schemas, compressed, in fixtures/upgrade/ (STORE-147), and of versions before 0.1.0, in
fixtures/preview/ (STORE-149a).

`python -m tests.upgrade_fixtures NAME` adds one of the current state, with its row in the README: do that with each
release and each new migration.
"""

import io
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import apsw
import zstandard

from moxlite.queue.testdata import generate
from moxlite.store.backup.layout import databases
from moxlite.store.file.migrations import Kind, migrations_of
from tests.tools import top, untar

__all__ = ["ADD", "FOLDER", "PREVIEW", "later", "names", "pack", "unpack"]

FOLDER = top() / "fixtures/upgrade"
PREVIEW = top() / "fixtures/preview"
SUFFIX = ".tar.zst"

ADD = "ALTER TABLE keyword ADD COLUMN color TEXT NOT NULL DEFAULT 'red';"
"""A migration of accounts that no program has."""


def names(folder: Path = FOLDER) -> list[str]:
    """All fixtures, the oldest first."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))


def later(folder: Path, *more: str) -> Path:
    """A schema of a later version, in `folder`: that of the program, and more migrations of accounts."""
    schema = folder / "schema"
    shutil.copytree(top() / "moxlite/schema", schema)
    for number, sql in enumerate(more, len(migrations_of(Kind.ACCOUNT)) + 1):
        (schema / "account" / f"{number:04}-later.sql").write_text(sql)
    return schema


def pack(data: Path, name: str) -> Path:
    """Write a data directory as a fixture. Its databases are made small, which also folds their logs in."""
    for one in databases(data):
        db = apsw.Connection(str(data / one.path))
        db.execute("VACUUM")
        db.close()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(data.rglob("*")):
            if path.is_file() and path.name != "lock" and "tmp" not in path.parts[-2:]:
                tar.add(path, path.relative_to(data), recursive=False)
    target = FOLDER / f"{name}{SUFFIX}"
    target.write_bytes(zstandard.ZstdCompressor(level=19).compress(archive.getvalue()))
    return target


def unpack(name: str, target: Path, folder: Path = FOLDER) -> Path:
    """Unpack a fixture to the new folder `target`."""
    data = zstandard.ZstdDecompressor().stream_reader((folder / f"{name}{SUFFIX}").read_bytes()).read()
    untar(data, target)
    return target


def main() -> None:
    """Make a fixture of the current state."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        generate(data)
        print(pack(data, sys.argv[1]))
    with (FOLDER / "README.md").open("a") as readme:
        readme.write(f"| `{sys.argv[1]}` | {', '.join(_last(kind) for kind in Kind)} |\n")


def _last(kind: Kind) -> str:
    return f"{kind.value} {len(migrations_of(kind))}"


if __name__ == "__main__":
    main()
