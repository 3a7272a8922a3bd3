"""Places of backups: a folder of this machine, one of another by ssh, or one in object storage, with the keys of the
configuration (STORE-184a, STORE-184b).
"""

import contextlib
import hashlib
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from moxlite.config.static import Backup, Standby
from moxlite.net.storage.locking import PAUSES
from moxlite.net.storage.sftp import PATIENCE, SFTP, Login
from moxlite.process.fences import explain_os_error
from moxlite.proto.sshurl import SCHEME, SCHEMES, SSHURL, ObjectURL, parse_object_url, parse_ssh_url
from moxlite.store.backup.storage import Folder, Storage
from moxlite.store.errors import BackupError

Target: TypeAlias = Path | SSHURL | ObjectURL

Access: TypeAlias = Login | Mapping[str, str]
"""Keys for a target that is not on this machine: for ssh, or the settings of object storage."""

URLS: Final = (SCHEME, *SCHEMES)
"""Beginnings of the URLs of targets."""

SCRATCH: Final = Path("/var/tmp")  # noqa: S108 - folders with random names are made there
"""For copies of packs, where the caller names no folder: `/tmp` may be in memory."""

TRY: Final = 30.0
"""Seconds for each step of a trial."""


def target_of(text: str) -> Target:
    """The place that a text names: a URL, or a path, which is made absolute. Raises BackupError."""
    if not text.startswith(URLS):
        return Path(text).resolve()
    try:
        return parse_object_url(text) if text.startswith(SCHEMES) else parse_ssh_url(text)
    except ValueError as error:
        raise BackupError(f"{text} {error}") from None


def login_for(target: Target, backup: Backup | Standby | None, read: Callable[[Path], bytes]) -> Access | None:
    """The keys where `target` is that of the configuration; None for a folder of this machine, and where the ssh
    program's own settings or the environment count. Raises BackupError: the keys cannot be read.
    """
    if isinstance(target, Path) or backup is None or target != backup.target:
        return None
    section = "backup" if isinstance(backup, Backup) else "standby"
    if isinstance(target, ObjectURL):
        return None if backup.storage_keys_file is None else _storage_keys(section, backup.storage_keys_file, read)
    if backup.ssh_key_file is None:
        return None
    try:
        key = read(backup.ssh_key_file)
    except OSError as error:
        text = explain_os_error(error, backup.ssh_key_file)
        raise BackupError(f"{section}.ssh_key_file: can't read {backup.ssh_key_file}: {text}") from None
    return Login(key, backup.ssh_host_keys, standby=section == "standby")


def _storage_keys(section: str, file: Path, read: Callable[[Path], bytes]) -> Mapping[str, str]:
    from moxlite.net.storage.objectstore import read_keys  # few servers need it

    try:
        return read_keys(read(file))
    except OSError as error:
        raise BackupError(f"{section}.storage_keys_file: can't read {file}: {explain_os_error(error, file)}") from None
    except ValueError as error:
        raise BackupError(f"{section}.storage_keys_file: {file}: {error}") from None


def owner_word(data: Path) -> str:
    """The word for the server of a data directory in locks: it makes one backup at a time."""
    return f"{socket.gethostname()}-{hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:8]}"


def scratch_folder() -> Path | None:
    """The folder for copies, None for that of TMPDIR."""
    return SCRATCH if "TMPDIR" not in os.environ and os.access(SCRATCH, os.W_OK) else None


@contextmanager
def opened(
    target: Target,
    login: Access | None,
    *,
    scratch: Path | None = None,
    owner: str = "",
    check: Callable[[], None] = lambda: None,
    pauses: Sequence[float] = PAUSES,
    patience: float = PATIENCE,
    upload_limit: int = 0,
) -> Iterator[Storage]:
    """The storage of a target while the block lasts. Nothing is asked of another machine yet.

    Args:
      scratch: a folder with room for copies of packs.
      owner: word for locks; "" for a process that is no server.
      check, pauses, patience, upload_limit: see `SFTP`.

    Raises OSError.
    """
    if isinstance(target, Path):
        yield Folder(target)
        return
    with tempfile.TemporaryDirectory(prefix="backup-", dir=scratch or scratch_folder()) as folder:
        if isinstance(target, ObjectURL):
            from moxlite.net.storage.objectstore import ObjectStore

            assert not isinstance(login, Login)
            yield ObjectStore(
                target, Path(folder), keys=login, owner=owner, check=check, pauses=pauses, upload_limit=upload_limit
            )
            return
        assert login is None or isinstance(login, Login)
        yield SFTP(
            target,
            Path(folder),
            login=login,
            owner=owner,
            check=check,
            pauses=pauses,
            patience=patience,
            upload_limit=upload_limit,
        )


def reach_fault(url: SSHURL | ObjectURL, backup: Backup | Standby, read: Callable[[Path], bytes]) -> str:
    """The reason why no backup can be written to the configuration's target on another machine, "" for none. Tried by
    an object that is removed again; bounded in time.
    """
    try:
        login = login_for(url, backup, read)
        with opened(url, login, pauses=(), patience=TRY) as storage:
            name = f".moxlite-{os.getpid()}"
            storage.make()
            storage.write(name, b"")  # a listing would not tell: keys that may read need not be able to write
            with contextlib.suppress(PermissionError):  # storage may forbid that: see `Repository.prune`
                storage.remove([name])
    except BackupError as error:
        return str(error)
    except OSError as error:
        return f"the server can't write to {url}: {error.strerror or error}"
    return ""
