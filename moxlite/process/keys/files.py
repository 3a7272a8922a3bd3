"""Certificates and private keys in the files that moxlite.toml names: their paths, and reading them, at the start and
again (WEB-112, 120, 121).
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from moxlite.config.listeners import KeyCert
from moxlite.config.static import Static
from moxlite.net.tls.certificates import CertificateError, KeyPair, PrivateKey, load_private_key
from moxlite.process.errors import StartFailed
from moxlite.process.fences import told
from moxlite.process.privileges import acting_as
from moxlite.safefile import replaceable

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
    pairs = [pair for _, found in _listeners(static) for pair in found]
    return list(dict.fromkeys(path for pair in pairs for path in (pair.cert_file, pair.key_file)))


def host_key_files(static: Static) -> list[Path]:
    """The files of the host's own keys for certificates by ACME, each once."""
    found = (one.tls.host_private_key_files for one in static.listeners.values() if one.tls is not None)
    return list(dict.fromkeys(path for paths in found for path in paths))


def backup_key_files(static: Static) -> list[Path]:
    """The files with the keys of targets on another machine or in object storage, of backups and of a stand-by."""
    found = [file for one in (static.backup, static.standby) for file in (one.ssh_key_file, one.storage_keys_file)]
    return list(dict.fromkeys(one for one in found if one is not None))


def read_named(path: Path, ids: tuple[int, int] | None) -> bytes:
    """The octets of a file that the configuration names. If the service user, whose `ids` these are, could replace the
    file, it is read as that user (ADMIN-37). Raises OSError.
    """
    if ids is None or not replaceable(path):
        return path.read_bytes()
    with acting_as(*ids):
        return path.read_bytes()


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


def load_certificates(static: Static, read: Read = Path.read_bytes) -> dict[str, tuple[KeyPair, ...]]:
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
        what = f"{path}: {told(error, path)}"
        raise StartFailed(f"listeners.{listener}.tls: cannot read {what}") from None
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
                cure = "; `moxlite config ensure-acme-host-keys` makes it anew" if error.errno == errno.ENOENT else ""
                faults.append(f"{key}: cannot read {path}: {told(error, path)}{cure}")
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
            faults.append(f"acme.{name}: cannot read {binding.key_file}: {told(error, binding.key_file)}")
        except UnicodeDecodeError:
            faults.append(f"acme.{name}: {binding.key_file} is not a key in base64url")
    return ACMEKeys(hosts, bindings)
