"""Keys of backups: encryption for its reader (STORE-184), and the signature of the server that made it (STORE-184f)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import threading
from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from moxlite.encoding import from_json, to_json
from moxlite.lazyimport import how_to_install
from moxlite.safefile import key_file, open_regular, read_regular
from moxlite.store.backup.storage import Storage
from moxlite.store.errors import BackupError, RepositoryError

# Encrypted repositories (STORE-184): age version 1 by the library pyrage, an optional package.
#
# All is encrypted to recipients, whose identities (private keys) need not be on the server. With a passphrase
# instead, a fresh identity is made for the repository, kept in it as `identity.age`, encrypted with the passphrase:
# deriving a key from a passphrase takes a second, far too long for each block. The `age` tool reads all of it.
#
# Names of blocks would tell what is in them to a reader who has the same file; so they are hashes with a key. The key
# is in the data directory of the server (`backup.key`), and in the repository encrypted like all else (`names.age`).


KEY_FILE: Final = "backup.key"
NAMES: Final = "names.age"
PROTECTED: Final = "identity.age"
KEY_SIZE: Final = 32
"""Octets of the key for names of blocks: as many as SHA-256 gives."""

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
            return bytes(age.encrypt(data, [age.x25519.Recipient.from_str(recipient) for recipient in self.recipients]))
        except Exception as error:  # pyrage's errors have no tree of their own
            raise BackupError(f"can't encrypt: {error}") from error


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
            raise RepositoryError(f"can't decrypt: {error}") from error


def _age() -> ModuleType:
    try:
        import pyrage
    except ImportError:
        text = f"encrypted backups require the Python package pyrage: {how_to_install('pyrage')}"
        raise BackupError(text) from None
    found: ModuleType = pyrage
    return found


def sealer_of(recipients: tuple[str, ...], key: bytes) -> Sealer:
    """A sealer for recipients that were checked. Raises BackupError."""
    age = _age()
    for recipient in recipients:
        try:
            age.x25519.Recipient.from_str(recipient)
        except Exception as error:  # pyrage's errors have no tree of their own
            raise BackupError(f"{recipient[:80]!r} isn't an age recipient (age1…): {error}") from error
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
        raise RepositoryError(f"{what} is damaged: not in age format")


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
            raise RepositoryError("this repository doesn't have a passphrase; specify an identity file") from None
        except BackupError:
            raise
        except Exception as error:  # pyrage's errors have no tree of their own
            raise RepositoryError(f"couldn't decrypt with this passphrase: {error}") from error
    elif identity is not None:
        text = identity
    else:
        return None
    for line in text.splitlines():
        if line.startswith("AGE-SECRET-KEY-1"):
            return Opener(line.strip())
    raise RepositoryError("no AGE-SECRET-KEY-1… line found in the identity file")


def load_key(data: Path, *, create: bool) -> bytes | None:
    """The key of names of this server; made where it is missing. None where it is not there. Raises OSError."""
    path = data / KEY_FILE
    try:
        key = key_file(path, KEY_SIZE, create=create, mode=0o600)
    except FileNotFoundError:
        return None
    if len(key) != KEY_SIZE:
        raise BackupError(f"{path} is damaged; restore it from a backup")
    return key


# Signatures of backups, by a key of the server's own (STORE-184f): Ed25519 (RFC 8032).
#
# That a snapshot can be opened with its owner's identity tells nothing of who made it: an age recipient is public. So
# the server signs each snapshot of a repository (``REPO/signatures/ID``), and the configuration that a stand-by gets.
# What it signs are the stored octets; a manifest names its blocks by their hashes, so that these are proven, too.
#
# CONFIG/backup-signing.key   the private key; in encrypted backups alone
#
# A signer is its public key as text, ``moxlite-signer-…``, which is printed at set-up, and which its owner keeps with
# the age identity, as a comment in that file. A machine that takes over makes a new key, and has the old one sign it:
# who knows the old signer believes the new one.


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
"""Kinds of signed content. They're part of what's signed, so a signature isn't valid for another kind."""

SUCCESSOR: Final = "successor"

MAX_SIGNATURE: Final = 64 << 10
"""Octets of a signature. Each takeover adds 150."""


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
        return to_json(_KeyFile(_text(self._key.private_bytes_raw()), self._links)) + b"\n"

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
        raise BackupError(f"{path} is damaged; restore it from a backup, or delete it: {error}") from None


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
    return [f"{match[0]}" for match in SIGNER.finditer(text)]


def read_signature(data: bytes) -> Signature:
    """A signature in its stored form. Raises RepositoryError."""
    try:
        if len(data) > MAX_SIGNATURE:
            raise ValueError("too long")
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
        raise RepositoryError(f"invalid signature: {kind} {name} was changed after signing") from None
    return found


def check_trusted(found: list[str], trusted: Collection[str], what: str) -> None:
    """Raise RepositoryError unless what is signed by the signers `found` (none: unsigned) may be believed."""
    if not found:
        raise RepositoryError(
            f"{what} isn't signed, so anyone with write access could have created it. If you trust its origin, "
            "use --unsigned"
        )
    if not set(found) & set(trusted):
        known = "not by a signer this machine trusts" if trusted else "but this machine doesn't trust any signers yet"
        raise RepositoryError(
            f"{what} is signed by {found[0]}, {known}. If this matches the signer stored with your key, specify it "
            "with --signer. If you don't have a signer but trust the origin, use --unsigned"
        )


def _message(kind: str, name: str, data: bytes) -> bytes:
    return f"moxlite {kind} 1\n{name}\n".encode() + hashlib.sha256(data).digest()


def _key_of(signer: str) -> Ed25519PublicKey:
    """The public key of a signer. Raises ValueError."""
    if SIGNER.fullmatch(signer) is None:
        raise ValueError("isn't a valid signer")
    return Ed25519PublicKey.from_public_bytes(_octets(signer.removeprefix(PREFIX)))


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _octets(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
