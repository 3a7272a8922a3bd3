"""Configuration, keys and small files of the first machine, encrypted: an uncompressed tar within age (STORE-186a).

Names are as in a full backup: ``config/``, ``named/`` and ``data/``. All private keys of the host are in it, so it
is encrypted whatever the target.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from moxlite.store.backup.errors import BackupError, RepositoryError
from moxlite.store.backup.layout import other_files
from moxlite.store.backup.sealing import opener_of, sealer_of
from moxlite.store.backup.sources import CONFIG, NAMED, Report, Source, config_files
from moxlite.store.backup.storage import Storage

__all__ = ["DATA", "collect", "digest", "open_pack", "seal", "unpack"]

DATA: Final = "data"

MAX_FILES: Final = 64 << 20
"""Octets of all files together: certificates and keys have kilobytes; a folder with something else is refused."""

NEWS: Final = frozenset({"backup-sample.json", "doctor.json", "rehearsal.json", "updates.json"})
"""Files of the data directory that change often and that no other machine needs."""

FILE_MODE: Final = 0o600


def collect(source: Source) -> dict[str, bytes]:
    """All files of the pack by name. Blocks. Raises BackupError: a key cannot be read, or there is too much."""
    report, found, size = Report(), {}, 0
    for one in config_files(source, keys=True, report=report):
        try:
            found[one.name] = one.path.read_bytes() if one.content is None else one.content
        except FileNotFoundError:
            continue  # removed meanwhile
        except OSError as error:
            report.errors.append(f"{one.path}: cannot be read: {error.strerror or error}")
        size += len(found.get(one.name, b""))
        _check_size(size)
    for other in other_files(source.data):
        if not other.regular or other.path.name in NEWS:
            continue
        try:
            found[f"{DATA}/{other.path}"] = data = (source.data / other.path).read_bytes()
        except FileNotFoundError:
            continue
        size += len(data)
        _check_size(size)
    if report.errors:
        raise BackupError(report.errors[0])
    return found


def _check_size(size: int) -> None:
    if size > MAX_FILES:
        raise BackupError(f"the files of configuration and data have more than {MAX_FILES >> 20} MiB together")


def digest(files: dict[str, bytes]) -> str:
    """A hash of all names and contents."""
    found = hashlib.sha256()
    for name, data in sorted(files.items()):
        found.update(f"{len(name)} {name} {len(data)} ".encode() + data)
    return found.hexdigest()


def seal(files: dict[str, bytes], recipients: tuple[str, ...]) -> bytes:
    """The pack. Raises BackupError."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), FILE_MODE
            tar.addfile(entry, io.BytesIO(data))
    return sealer_of(recipients, b"").seal(packed.getvalue())


def open_pack(data: bytes, storage: Storage, identity: Path) -> dict[str, bytes]:
    """The files of a pack by name. Raises BackupError: the key is wrong or cannot be read, or damage."""
    try:
        opener = opener_of(storage, identity, None)
        assert opener is not None
        octets = opener.open(data)
    except OSError as error:
        raise BackupError(f"the key {identity} cannot be read: {error.strerror or error}") from None
    except RepositoryError as error:
        raise BackupError(
            f"{identity} does not open configuration and keys of the first machine: it is not the key of its "
            f"standby.encrypt_to, or they are damaged ({error})"
        ) from None
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(octets), mode="r:") as tar:
            for entry in tar:
                path = PurePosixPath(entry.name)
                file = tar.extractfile(entry) if entry.isreg() else None
                if (
                    file is None
                    or path.is_absolute()
                    or ".." in path.parts
                    or path.parts[0] not in (CONFIG, NAMED, DATA)
                ):
                    raise BackupError(f"the files of the first machine have the odd name {entry.name[:80]!r}")
                found[entry.name] = file.read()
    except tarfile.TarError as error:
        raise BackupError(f"the files of the first machine are damaged: {error}") from None
    return found


def unpack(files: dict[str, bytes], folder: Path) -> None:
    """Replace the files of an older pack in the folder of a full backup. Databases stay. Blocks. Raises OSError."""
    for part in (CONFIG, NAMED):
        shutil.rmtree(folder / part, ignore_errors=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
            file.write(data)
