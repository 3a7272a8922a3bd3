"""Keys that the server reads at its start: host keys, DKIM keys, the key of Received ids. Making them is not here."""

import base64
import binascii
import errno
import os
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from moxlite.config.domains import DomainConfig, Domains, Selector
from moxlite.config.listeners import KeyCert
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import Static
from moxlite.config.toml.decode import KeyPath, Mistake
from moxlite.findings import Finding, fault
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import (
    PrivateKey as DKIMKey,
    PrivateKeyError,
    Signer,
    SigningError,
    load_private_key as load_dkim_key,
    sign,
)
from moxlite.net.tls.certificates import CertificateError, KeyPair, PrivateKey, load_private_key
from moxlite.process.errors import StartFailed
from moxlite.process.fences import explain_os_error
from moxlite.process.privileges import acting_as
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.safefile import key_file, read_file, replaceable

Read: TypeAlias = Callable[[Path], bytes]
"""Gives the octets of a file; raises OSError."""

Certificates: TypeAlias = Mapping[str, tuple[KeyPair, ...]]
"""Certificates from files, by listener; one for each of its `key_certs`, in their order."""


class ACMEKeys(msgspec.Struct, frozen=True):
    """Keys for automatic certificates, in files that may be readable for root only.

    hosts: `host_private_key_files` by name of the listener. ECDSA keys are first, because their certificates are
    shorter. bindings: keys of external account bindings (base64url) by name of the authority.
    """

    hosts: dict[str, tuple[PrivateKey, ...]]
    bindings: dict[str, str]


def certificate_files(static: Static) -> list[Path]:
    """The files of all certificates and their keys, each once."""
    pairs = [pair for _, key_certs in _listeners(static) for pair in key_certs]
    files = [path for pair in pairs for path in (pair.cert_file, pair.key_file)]
    return list(dict.fromkeys(files))


def host_key_files(static: Static) -> list[Path]:
    """The files of the host's own keys for certificates by ACME, each once."""
    found = (listener.tls.host_private_key_files for listener in static.listeners.values() if listener.tls is not None)
    return list(dict.fromkeys(path for paths in found for path in paths))


def backup_key_files(static: Static) -> list[Path]:
    """The files with the keys of targets on another machine or in object storage, of backups and of a stand-by."""
    paths = [file for one in (static.backup, static.standby) for file in (one.ssh_key_file, one.storage_keys_file)]
    return list(dict.fromkeys(path for path in paths if path is not None))


def read_authorities(static: Static) -> tuple[list[x509.Certificate], list[Finding]]:
    """The authorities of ``[tls.ca]`` and of each ``acme.NAME.ca_cert_file``, which also certify servers of a closed
    network; and findings about files that can't be used: only connections to servers that they certify fail then.
    """
    certificates: list[x509.Certificate] = []
    findings: list[Finding] = []
    for key, path in authority_files(static):
        try:
            certificates += x509.load_pem_x509_certificates(read_file(path))
        except OSError as error:
            why = f"can't read {path}: {explain_os_error(error, path)}"
        except ValueError:
            why = f"no PEM certificates found in {path}"
        else:
            continue
        name = ".".join(part for part in key if isinstance(part, str))
        findings.append(fault(str(path), f"{name}: {why}, so certificates from this CA aren't trusted"))
    return certificates, findings


def authority_files(static: Static) -> Iterator[tuple[KeyPath, Path]]:
    """Files with authorities, each with its key in the configuration."""
    if static.tls is not None and static.tls.ca is not None:
        for index, path in enumerate(static.tls.ca.cert_files):
            yield ("tls", "ca", "cert_files", index), path
    for name, acme in static.acme.items():
        if acme.ca_cert_file is not None:
            yield ("acme", name, "ca_cert_file"), acme.ca_cert_file


def read_named(path: Path, ids: tuple[int, int] | None) -> bytes:
    """The octets of a file that the configuration names. If the service user, whose `ids` these are, could replace the
    file, it is read as that user (ADMIN-37). Raises OSError.
    """
    if ids is None or not replaceable(path):
        return read_file(path)
    with acting_as(*ids):
        return read_file(path)


def load_keys(static: Static, read: Read) -> tuple[dict[str, tuple[KeyPair, ...]], ACMEKeys]:
    """Read all certificates and keys for the start.

    Raises:
      StartFailed: some cannot be read, or are not valid: a line for each.
    """
    faults: list[str] = []
    found = _load_certificates(static, read, faults), _load_acme_keys(static, read, faults)
    if faults:
        raise StartFailed("\n".join(faults))
    return found


def load_certificates(static: Static, read: Read = read_file) -> dict[str, tuple[KeyPair, ...]]:
    """Read the certificates and keys of each listener that names files. Certificates by ACME are in `autotls`. Raises
    as `load_keys`.
    """
    faults: list[str] = []
    found = _load_certificates(static, read, faults)
    if faults:
        raise StartFailed("\n".join(faults))
    return found


def _load_certificates(static: Static, read: Read, faults: list[str]) -> dict[str, tuple[KeyPair, ...]]:
    found: dict[str, tuple[KeyPair, ...]] = {}
    for name, pairs in _listeners(static):
        loaded: list[KeyPair] = []
        for pair in pairs:
            try:
                loaded.append(_load(name, pair, read))
            except StartFailed as error:
                faults.append(str(error))
        found[name] = tuple(loaded)
    return found


def renewed(static: Static, read: Read, before: Certificates) -> tuple[dict[str, tuple[KeyPair, ...]], list[str]]:
    """Read the certificates and keys again. Pairs that cannot be used stay as they were `before`, and get a line each
    in the second result.
    """
    found: dict[str, tuple[KeyPair, ...]] = {}
    problems: list[str] = []
    for name, pairs in _listeners(static):
        loaded = []
        for pair, old in zip(pairs, before[name], strict=True):
            try:
                loaded.append(_load(name, pair, read))
            except StartFailed as error:
                loaded.append(old)
                problems.append(str(error))
        found[name] = tuple(loaded)
    return found, problems


def _listeners(static: Static) -> Iterator[tuple[str, tuple[KeyCert, ...]]]:
    """Listeners with certificates from files, each with its `key_certs`."""
    for name, listener in static.listeners.items():
        if listener.tls is not None and listener.tls.acme is None:
            yield name, listener.tls.key_certs


def _load(listener: str, pair: KeyCert, read: Read) -> KeyPair:
    try:
        return KeyPair.read(pair.cert_file, pair.key_file, read)
    except OSError as error:
        path = Path(os.fsdecode(error.filename)) if error.filename else pair.cert_file
        what = f"{path}: {explain_os_error(error, path)}"
        raise StartFailed(f"listeners.{listener}.tls: can't read {what}") from None
    except CertificateError as error:
        raise StartFailed(f"listeners.{listener}.tls: {error}") from None


def _load_acme_keys(static: Static, read: Read, faults: list[str]) -> ACMEKeys:
    hosts: dict[str, tuple[PrivateKey, ...]] = {}
    for name, listener in static.listeners.items():
        if listener.tls is None or listener.tls.acme is None:
            continue
        keys: list[PrivateKey] = []
        for path in listener.tls.host_private_key_files:
            key = f"listeners.{name}.tls.host_private_key_files"
            try:
                keys.append(load_private_key(read(path)))
            except OSError as error:
                cure = (
                    "; to create it again, run `moxlite config ensure-acme-host-keys`"
                    if error.errno == errno.ENOENT
                    else ""
                )
                faults.append(f"{key}: can't read {path}: {explain_os_error(error, path)}{cure}")
            except CertificateError as error:
                faults.append(f"{key}: {path}: {error}")
        hosts[name] = tuple(sorted(keys, key=lambda key: not isinstance(key, ec.EllipticCurvePrivateKey)))
    bindings: dict[str, str] = {}
    for name, acme in static.acme.items():
        binding = acme.external_account_binding
        if binding is None:
            continue
        try:
            bindings[name] = read(binding.key_file).decode("ascii").strip()
        except OSError as error:
            faults.append(f"acme.{name}: can't read {binding.key_file}: {explain_os_error(error, binding.key_file)}")
        except UnicodeDecodeError:
            faults.append(f"acme.{name}: {binding.key_file} isn't a base64url key")
    return ACMEKeys(hosts, bindings)


# The keys with which domains sign, read at the start and whenever domains.toml changes (AUTH-41, AUTH-45).

ONLY_SHA256: Final = "ed25519 keys can only sign with sha256 (RFC 8463)"


def selectors_of(domains: Domains) -> Iterator[tuple[KeyPath, Selector]]:
    """All selectors, each with the place in the configuration that names its key file."""
    for domain, settings in domains.domains.items():
        for name, selector in settings.dkim.selectors.items():
            yield ("domains", domain, "dkim", "selectors", name, "key_file"), selector


class _CachedKey(msgspec.Struct, frozen=True):
    """A key, and the values that distinguish versions of its file."""

    stamp: tuple[int, int, int]
    key: DKIMKey


class SigningKeys:
    """The private keys of all selectors, by their files."""

    def __init__(self) -> None:
        self._keys: dict[Path, _CachedKey] = {}

    def read(self, snapshot: Snapshot) -> list[Mistake]:
        """Read the keys that a configuration names; returns the faults, each with the path of the file. Blocks.

        A file that has not changed is not read again. If a file cannot be read any more, because the server has given
        up its privileges, its key stays.
        """
        keys: dict[Path, _CachedKey] = {}
        mistakes: list[Mistake] = []
        for path, selector in selectors_of(snapshot.domains):
            file = selector.key_file
            try:
                found = file.stat()
                # The inode, too: a key renamed into place within one tick of the clock may have the size of the former.
                stamp = found.st_mtime_ns, found.st_size, found.st_ino
                known = self._keys.get(file)
                keys[file] = (
                    known if known and known.stamp == stamp else _CachedKey(stamp, load_dkim_key(read_file(file)))
                )
            except PermissionError as error:
                if file in self._keys:
                    keys[file] = self._keys[file]
                else:
                    mistakes.append(
                        Mistake(path, f"can't read {file}: {error.strerror}", "change its owner to the service user")
                    )
            except OSError as error:
                mistakes.append(Mistake(path, f"can't read {file}: {error.strerror}"))
            except PrivateKeyError as error:
                mistakes.append(Mistake(path, f"{file} {error}"))
            else:
                if isinstance(keys[file].key, Ed25519PrivateKey) and selector.hash == "sha1":
                    mistakes.append(Mistake((*path[:-1], "hash"), ONLY_SHA256))
        if not mistakes:  # all or none: a version of domains.toml with a fault is not used, nor are its keys
            self._keys = keys
        return mistakes

    def key(self, file: Path) -> DKIMKey | None:
        """The key of a file; None if it was never read."""
        known = self._keys.get(file)
        return None if known is None else known.key

    def signers(self, settings: DomainConfig | None) -> tuple[Signer, ...]:
        """The signers of a domain, one for each selector that signs. Raises SigningError: the key of one was never
        read.
        """
        if settings is None:
            return ()
        return tuple(self.signer(name, settings.dkim.selectors[name]) for name in settings.dkim.sign)

    def signer(self, name: str, selector: Selector) -> Signer:
        """The signer of one selector. Raises SigningError: its key was never read."""
        known = self._keys.get(selector.key_file)
        if known is None:
            raise SigningError(f"key not found for selector {name}")
        return Signer(
            selector=name,
            key=known.key,
            hash=selector.hash,
            header=selector.header,
            body=selector.body,
            sealed=selector.headers,
            unsealed=selector.unsealed_headers,
            seal=selector.seal,
            expiration=selector.expiration,
        )

    async def sign_own(self, snapshot: Snapshot, octets: bytes, author: Address) -> bytes:
        """Sign a message of the server itself, from an address at its hostname; returns the signature fields. The
        signing domain is the nearest one at or above the hostname that has selectors (SMTP-113). Empty if no domain
        has.

        Raises SigningError.
        """
        labels = author.domain.ascii.split(".")
        for at in range(len(labels)):
            try:
                domain = Domain.parse(".".join(labels[at:]))
            except AddressError:
                continue
            if signers := self.signers(snapshot.domain(domain)):
                return await sign(Message.of(octets), author, signers, time.time(), domain=domain)
        return b""


# The opaque id of a connection in Received headers and error pages (SMTP-9, WEB-8).
#
# Connection ids consist of milliseconds and counters. Shown unchanged, they would reveal when the server started and
# how busy it is. So others see one AES block instead, which ``moxlite cid`` decrypts.

KEY_FILE: Final = "receivedid.key"
AES_KEY: Final = 16
"""Octets of the key: AES-128 is more than enough to hide a counter."""

INSTALL: Final = 8
"""Octets of the mark: with the eight of a connection id they fill one block."""

CID_BITS: Final = 48
"""Bits of a connection id: milliseconds until the year 10889. Above it stands the number of a message."""

MAX_CID: Final = (1 << CID_BITS) - 1
MAX_NUMBER: Final = (1 << 64 - CID_BITS) - 1

KEY_SIZE: Final = AES_KEY + INSTALL
"""Octets of the file: the AES-128 key, and 8 octets that mark the ids of this installation."""


class ReceivedID:
    """Converts connection ids into ids of 22 characters, and back. Messages of one connection have different ids, by
    which readers can't tell that they were sent together.
    """

    def __init__(self, key: bytes) -> None:
        # One block, never two with the same content: plain AES is the right mode here.
        cipher = Cipher(algorithms.AES(key[:AES_KEY]), modes.ECB())  # noqa: S305
        # Of all blocks, for each is apart; making one takes longer than AES.
        self._encryptor: Final = cipher.encryptor()
        self._decryptor: Final = cipher.decryptor()
        self._install: Final = key[AES_KEY:]

    def encode(self, cid: int, number: int = 0) -> str:
        """The id of a connection, as others see it, or of a message that came by it, counted from 1."""
        block = self._install + struct.pack(">Q", (number & MAX_NUMBER) << CID_BITS | cid & MAX_CID)
        return base64.urlsafe_b64encode(self._encryptor.update(block)).rstrip(b"=").decode()

    def decode(self, text: str) -> int | None:
        """The connection id; None for an id of another installation."""
        try:
            block = base64.urlsafe_b64decode(text + "==")
        except (binascii.Error, ValueError):
            return None
        if len(block) != INSTALL + 8:
            return None
        plain = self._decryptor.update(block)
        if plain[:INSTALL] != self._install:
            return None
        (cid,) = struct.unpack(">Q", plain[INSTALL:])
        return int(cid) & MAX_CID


def load_key(data_dir: Path, *, create: bool = True) -> bytes:
    """The key of this installation, made if it is missing.

    Raises:
      OSError: it can neither be read nor made, or isn't a key.
    """
    path = data_dir / KEY_FILE
    key = key_file(path, KEY_SIZE, create=create)
    if len(key) != KEY_SIZE:
        raise OSError(f"{path} must be {KEY_SIZE} bytes; restore the file from a backup, or delete it")
    return key
