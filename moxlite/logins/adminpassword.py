"""The administrator's password: a file with its argon2id hash, named by ``admin_password_file`` (WEB-60)."""

from pathlib import Path
from typing import Final

from moxlite.config.files import write_atomically
from moxlite.store.auth.credentials import derive_credential

MAX_HASH: Final = 1024
"""Octets read of the file; a hash has about a hundred."""


def read_admin_hash(path: Path) -> str | None:
    """The hash in the file; None when there is no such file, or it is empty."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_HASH).decode("ascii", "replace").strip() or None
    except FileNotFoundError:
        return None


def write_admin_password(path: Path, password: str, *, owner: tuple[int, int] | None = None) -> None:
    """Hash `password` and replace the file, readable for its owner only.

    Args:
      owner: as `write_atomically` takes it: root gives the file to the service user, which reads it.

    Raises:
      BadPassword: too short, too long, or with forbidden characters.
      OSError: the file cannot be written.
    """
    hashed = derive_credential(password).password
    write_atomically(path, hashed.encode() + b"\n", mode=0o600, owner=owner)
