"""A whole account as one file, to take it to another server: ``moxlite account export-full``, ``import-full``
(STORE-197).

The file is a line that says what it is, a line of JSON, and the account's database compressed by zstd. With its UIDs,
modseqs, password and junk words mail programs find the account as they left it; so there must not be two of it: it is
only put where no other is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import apsw
import msgspec
import zstandard

from moxlite import __version__
from moxlite.decoders import from_json
from moxlite.store.accounts.folders import make_closed
from moxlite.store.backup.copying import copy_database
from moxlite.store.backup.errors import BackupError, BadTarget
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from moxlite.store.upkeep.check import check_account

MAGIC: Final = b"moxlite account 1\n"
MAX_HEADER: Final = 4096
PIECE: Final = 1 << 20
MESSAGES: Final = "SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM expunged)"


class _Header(msgspec.Struct, frozen=True):
    """`size` and `sha256` of the database."""

    account: str
    version: str
    size: int
    sha256: str


def export_account(file: Path, name: str, target: Path) -> int:
    """Write the database `file` of the account `name` to the new file `target`, while it goes on; returns its octets.
    Blocks.

    Raises FileExistsError, OSError, StoreError.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists")
    partial = target.with_name(f"{target.name}.partial")
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as folder:
        copy = Path(folder) / "account.db"
        with storage(Edge(str(file))):
            size = copy_database(file, copy)
        with copy.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
            source.seek(0)
            header = msgspec.json.encode(_Header(name, __version__, size, digest))
            try:
                with partial.open("xb") as out:
                    if hasattr(os, "fchmod"):  # not on Windows
                        os.fchmod(out.fileno(), 0o600)  # it holds all mail, and the hash of the password
                    out.write(MAGIC + header + b"\n")
                    zstandard.ZstdCompressor(level=3, write_checksum=True).copy_stream(source, out)
                    out.flush()
                    os.fsync(out.fileno())
                partial.rename(target)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    return size


def unpack_account(source: Path, folder: Path, options: Options) -> None:
    """Make the new folder of an account out of an exported file: hash, schema and rows are checked, an older schema is
    upgraded. Blocks.

    Raises BadTarget: it is no such file, or damaged; StoreError, OSError.
    """
    make_closed(folder)
    target = folder / "account.db"
    with source.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise BadTarget("this is no file of `moxlite account export-full`")
        try:
            header = from_json(file.readline(MAX_HEADER), _Header)
        except msgspec.DecodeError as error:
            raise BadTarget(f"the file is damaged: {error}") from error
        if shutil.disk_usage(folder).free < header.size + options.min_free_space:
            raise BackupError(f"there is no room for an account of {header.size} octets")
        digest, size = hashlib.sha256(), 0
        try:
            with zstandard.ZstdDecompressor().stream_reader(file) as reader, target.open("xb") as out:
                while piece := reader.read(PIECE):
                    size += len(piece)
                    if size > header.size:
                        break
                    digest.update(piece)
                    out.write(piece)
        except zstandard.ZstdError as error:
            raise BadTarget(f"the file is damaged: {error}") from error
    if size != header.size or digest.hexdigest() != header.sha256:
        raise BadTarget("the file is damaged: its octets do not have the hash that it names")
    try:
        db = open_file(target, Kind.ACCOUNT, options)
        try:
            findings = check_account(Reader(db), deep=True)
            db.execute("DELETE FROM acl")  # it names accounts of another server, where others have these names
        finally:
            db.close(True)
    except apsw.Error as error:
        raise BadTarget(f"the account in the file is damaged: {error}") from error
    if findings:
        raise BadTarget(f"the account in the file is damaged: {findings[0].kind}: {findings[0].text}")


def is_unused(r: Reader) -> bool:
    """Whether the account has, and had lately, no message at all."""
    return bool(r.value(MESSAGES) == 0)
