"""Encrypted repositories (STORE-184): age version 1 by the library pyrage, an optional package.

All is encrypted to recipients, whose identities (private keys) need not be on the server. With a passphrase instead, a
fresh identity is made for the repository, kept in it as `identity.age`, encrypted with the passphrase: deriving a
key from a passphrase takes a second, far too long for each block. The `age` tool reads all of it.

Names of blocks would tell what is in them to a reader who has the same file; so they are hashes with a key. The key
is in the data directory of the server (`backup.key`), and in the repository encrypted like all else (`names.age`).
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec

from moxlite.optional import how_to_install
from moxlite.safefile import key_file
from moxlite.store.backup.errors import BackupError, RepositoryError
from moxlite.store.backup.storage import Storage

KEY_FILE: Final = "backup.key"
NAMES: Final = "names.age"
PROTECTED: Final = "identity.age"
KEY_SIZE: Final = 32

HEADER: Final = b"age-encryption.org/v1\n"
"""Beginning of all that age has encrypted."""


class Sealer(msgspec.Struct, frozen=True):
    """Encrypts to `recipients` (``age1…``); `name_key` is the key of names."""

    recipients: tuple[str, ...]
    name_key: bytes

    def seal(self, data: bytes) -> bytes:
        """Encrypt. Raises BackupError."""
        age = _age()
        try:
            return bytes(age.encrypt(data, [age.x25519.Recipient.from_str(one) for one in self.recipients]))
        except Exception as error:  # pyrage's errors have no tree of their own
            raise BackupError(f"cannot encrypt: {error}") from error


class Opener(msgspec.Struct, frozen=True):
    """Decrypts with `identity` (``AGE-SECRET-KEY-1…``)."""

    identity: str

    def __repr__(self) -> str:
        """Without the key."""
        return "Opener()"

    def open(self, data: bytes) -> bytes:
        """Decrypt. Raises RepositoryError."""
        age = _age()
        try:
            return bytes(age.decrypt(data, [age.x25519.Identity.from_str(self.identity)]))
        except Exception as error:  # pyrage's errors have no tree of their own
            raise RepositoryError(f"cannot decrypt: {error}") from error


def _age() -> ModuleType:
    try:
        import pyrage
    except ImportError:
        text = f"encrypted backups need the Python package pyrage: {how_to_install('pyrage')}"
        raise BackupError(text) from None
    found: ModuleType = pyrage
    return found


def sealer_of(recipients: tuple[str, ...], key: bytes) -> Sealer:
    """A sealer for recipients that were checked. Raises BackupError."""
    age = _age()
    for one in recipients:
        try:
            age.x25519.Recipient.from_str(one)
        except Exception as error:  # pyrage's errors have no tree of their own
            raise BackupError(f"{one[:80]!r} is no age recipient (age1…): {error}") from error
    return Sealer(recipients, key)


def make_identity(passphrase: str) -> tuple[str, bytes]:
    """A fresh identity: its recipient, and itself encrypted with the passphrase. Takes a second. Raises BackupError."""
    age = _age()
    identity = age.x25519.Identity.generate()
    return str(identity.to_public()), bytes(age.passphrase.encrypt(f"{identity}\n".encode(), passphrase))


def make_key() -> tuple[str, str]:
    """A fresh identity, and its recipient. Raises BackupError."""
    identity = _age().x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def check_sealed(data: bytes, what: str) -> None:
    """Raise RepositoryError if octets do not begin as age begins."""
    if not data.startswith(HEADER):
        raise RepositoryError(f"{what} is damaged: it does not begin as age does")


def opener_of(
    storage: Storage, identity_file: Path | None, passphrase: str | None, identity: str | None = None
) -> Opener | None:
    """Key that decrypts a repository: an identity file as `age-keygen` writes it, a passphrase, or the identity itself.
    None without any.

    Raises RepositoryError, BackupError, OSError.
    """
    if identity_file is not None:
        text = identity_file.read_text(encoding="utf-8", errors="replace")
    elif passphrase is not None:
        try:
            text = bytes(_age().passphrase.decrypt(storage.read(PROTECTED), passphrase)).decode()
        except FileNotFoundError:
            raise RepositoryError("this repository has no passphrase, it needs an identity file") from None
        except BackupError:
            raise
        except Exception as error:  # pyrage's errors have no tree of their own
            raise RepositoryError(f"wrong passphrase? {error}") from error
    elif identity is not None:
        text = identity
    else:
        return None
    for line in text.splitlines():
        if line.startswith("AGE-SECRET-KEY-1"):
            return Opener(line.strip())
    raise RepositoryError("the identity file has no line AGE-SECRET-KEY-1…")


def load_key(data: Path, *, create: bool) -> bytes | None:
    """The key of names of this server; made where it is missing. None where it is not there. Raises OSError."""
    path = data / KEY_FILE
    try:
        key = key_file(path, KEY_SIZE, create=create, mode=0o600)
    except FileNotFoundError:
        return None
    if len(key) != KEY_SIZE:
        raise BackupError(f"{path} is damaged: restore it from a backup")
    return key
