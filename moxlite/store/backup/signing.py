"""Signatures of backups, by a key of the server's own (STORE-184f): Ed25519 (RFC 8032).

That a snapshot can be opened with its owner's identity tells nothing of who made it: an age recipient is public. So the
server signs each snapshot of a repository (``REPO/signatures/ID``), and the configuration that a stand-by gets. What it
signs are the stored octets; a manifest names its blocks by their hashes, so that these are proven, too.

CONFIG/backup-signing.key   the private key; in encrypted backups alone

A signer is its public key as text, ``moxlite-signer-…``, which is printed at set-up, and which its owner keeps with the
age identity, as a comment in that file. A machine that takes over makes a new key, and has the old one sign it: who
knows the old signer believes the new one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from moxlite.decoders import from_json
from moxlite.safefile import open_regular, read_regular
from moxlite.store.backup.errors import BackupError, RepositoryError

PREFIX: Final = "moxlite-signer-"
SIGNER: Final = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
"""32 octets in base64url (RFC 4648 §5), without padding."""

SIGNING_KEY: Final = "backup-signing.key"
KEY_MODE: Final = 0o640
"""The service user reads it, also where root made it; no other user enters the folder (ADMIN-37)."""

_MAKING: Final = threading.Lock()
"""Held while a key is read or made: a backup and the stand-by may want the first one at once."""

SNAPSHOT_SIGNED: Final = "snapshot"
FILES_SIGNED: Final = "files"
"""Kinds of what is signed, so that none is taken for another."""

SUCCESSOR: Final = "successor"

MAX_SIGNATURE: Final = 64 << 10
"""Octets of a signature; each take-over adds 150."""


class Link(msgspec.Struct, frozen=True):
    """The word of the signer `by` that the next signer succeeds it."""

    by: str
    signature: str


class Signature(msgspec.Struct, frozen=True, omit_defaults=True):
    """A signature (64 octets in base64url), and the signers that `signer` has succeeded, the earliest first."""

    signer: str
    signature: str
    links: tuple[Link, ...] = ()


class _KeyFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of `SIGNING_KEY`: the private key, 32 octets in base64url."""

    key: str
    links: tuple[Link, ...] = ()


class Signer:
    """The key by which a server signs."""

    def __init__(self, key: Ed25519PrivateKey, links: tuple[Link, ...] = ()) -> None:
        self._key = key
        self._links = links
        self.public = PREFIX + _text(key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        """Without the private key."""
        return f"Signer({self.public!r})"

    @property
    def known(self) -> list[str]:
        """Itself, and the signers that it has succeeded."""
        return [self.public, *(link.by for link in self._links)]

    def sign(self, kind: str, name: str, data: bytes) -> Signature:
        """Sign octets of a kind, which have a name there."""
        return Signature(self.public, _text(self._key.sign(_message(kind, name, data))), self._links)

    def successor(self) -> Signer:
        """A new signer that this one vouches for."""
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        word = Link(self.public, _text(self._key.sign(_message(SUCCESSOR, "", public))))
        return Signer(key, (*self._links, word))

    def packed(self) -> bytes:
        """The content of the key's file."""
        return msgspec.json.encode(_KeyFile(_text(self._key.private_bytes_raw()), self._links)) + b"\n"

    @classmethod
    def unpack(cls, data: bytes) -> Signer:
        """The signer of such a content. Raises ValueError."""
        try:
            found = from_json(data, _KeyFile)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from None
        return cls(Ed25519PrivateKey.from_private_bytes(_octets(found.key)), found.links)


def load_signer(config: Path, *, create: bool) -> tuple[Signer | None, bool]:
    """The signer of the server with this folder of configuration, and whether it was made just now. None where it is
    missing; with `create` it is made.

    Raises BackupError: it is damaged; OSError: it cannot be read or made.
    """
    path = config / SIGNING_KEY
    with _MAKING:
        try:
            return _signer_of(path), False
        except FileNotFoundError:
            if not create:
                return None, False
        signer = Signer(Ed25519PrivateKey.generate())
        _write(path, signer)
    return signer, True


def _signer_of(path: Path) -> Signer:
    try:
        return Signer.unpack(read_regular(path))
    except ValueError as error:
        raise BackupError(f"{path} is damaged: restore it from a backup, or remove it: {error}") from None


def _write(path: Path, signer: Signer) -> None:
    """Write a key's file, or replace it. Raises OSError."""
    partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    fd = open_regular(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(signer.packed())
            file.flush()
            os.fsync(fd)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def rotate_signer(config: Path) -> str:
    """Replace the key of a machine that was replaced by one of this machine's own; the new signer, "" where there was
    none. Raises BackupError, OSError.
    """
    old, _ = load_signer(config, create=False)
    if old is None:
        return ""
    signer = old.successor()
    _write(config / SIGNING_KEY, signer)
    return signer.public


def signers_in(text: str) -> list[str]:
    """All signers that a text names, such as the comments of an age identity."""
    return [f"{found[0]}" for found in SIGNER.finditer(text)]


def read_signature(data: bytes) -> Signature:
    """A signature in its stored form. Raises RepositoryError."""
    try:
        if len(data) > MAX_SIGNATURE:
            raise ValueError("it is too long")
        return from_json(data, Signature)
    except (msgspec.DecodeError, ValueError) as error:
        raise RepositoryError(f"a signature is damaged: {error}") from None


def speakers(signature: Signature, kind: str, name: str, data: bytes) -> list[str]:
    """The signer of octets, then the signers that it has succeeded, the latest first. Raises RepositoryError: the
    signature is not one of these octets.
    """
    try:
        _key_of(signature.signer).verify(_octets(signature.signature), _message(kind, name, data))
        found = [signature.signer]
        for link in reversed(signature.links):
            successor = _key_of(found[-1]).public_bytes_raw()
            _key_of(link.by).verify(_octets(link.signature), _message(SUCCESSOR, "", successor))
            found.append(link.by)
    except (InvalidSignature, ValueError):
        raise RepositoryError(f"{kind} {name} has a wrong signature: it was changed after it was signed") from None
    return found


def check_trusted(found: list[str], trusted: Collection[str], what: str) -> None:
    """Raise RepositoryError unless what is signed by the signers `found` (none: unsigned) may be believed."""
    if not found:
        raise RepositoryError(
            f"{what} is not signed, so that anyone who may write to that place can have made it; if you know where it "
            "is from: --unsigned"
        )
    if not set(found) & set(trusted):
        known = "not by the signer that is known here" if trusted else "and no signer is known here"
        raise RepositoryError(
            f"{what} is signed by {found[0]}, {known}: compare it with the signer that you keep with the key, and name "
            "that by --signer; if you have none, but know where the backup is from: --unsigned"
        )


def _message(kind: str, name: str, data: bytes) -> bytes:
    return f"moxlite {kind} 1\n{name}\n".encode() + hashlib.sha256(data).digest()


def _key_of(signer: str) -> Ed25519PublicKey:
    """The public key of a signer. Raises ValueError."""
    if SIGNER.fullmatch(signer) is None:
        raise ValueError("is no signer")
    return Ed25519PublicKey.from_public_bytes(_octets(signer.removeprefix(PREFIX)))


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
