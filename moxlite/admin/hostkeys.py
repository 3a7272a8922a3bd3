"""Private keys of a host, made once. Its certificates keep them at each renewal, so that its TLSA records stay valid
(AUTH-67, WEB-117).
"""

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from moxlite.admin.dkimkeys import write_new
from moxlite.config.files import write_atomically
from moxlite.config.static import Static
from moxlite.config.toml.edit import Document
from moxlite.net.tls.certificates import CertificateError, KeyPair, PrivateKey, load_private_key
from moxlite.safefile import open_regular

Kind = Literal["rsa2048", "ecdsap256"]

HOST_KEYS: Final = "hostkeys"
"""Name of the folder, next to moxlite.toml."""
KINDS: Final[tuple[Kind, ...]] = ("rsa2048", "ecdsap256")
ENDING: Final = "privatekey.pkcs8.pem"
MAX_FILE: Final = 1 << 20
"""Octets read of a file with a certificate."""


def make_host_key(folder: Path, hostname: str, kind: Kind, now: dt.datetime, key: PrivateKey | None = None) -> str:
    """Write a new key of a host, or `key`; its path relative to `folder`, the folder of the configuration. Raises
    OSError.
    """
    if key is None:
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsap256" else rsa.generate_private_key(65537, 2048)
    name = f"{HOST_KEYS}/{hostname}.{now:%Y%m%dT%H%M%S}.{kind}.{ENDING}"
    write_new(folder / name, KeyPair((), key).key_pem())
    return name


def ensure_host_keys(folder: Path, static: Static, now: dt.datetime) -> dict[str, list[str]]:
    """Ensure that each listener with certificates by ACME has a key of each kind.

    Keys that the configuration names stay, except for missing files. In their place, the host's other keys below
    ``hostkeys`` are used, or the key of its present certificate by ACME, which stays valid that way. Otherwise a key is
    made.

    Args:
      folder: of the configuration.

    Returns: the values that ``host_private_key_files`` should have, by listener, for listeners with another value now.

    Raises OSError, CertificateError.
    """
    found: dict[str, list[str]] = {}
    for name, listener in static.listeners.items():
        if listener.tls is None or listener.tls.acme is None:
            continue
        named = listener.tls.host_private_key_files
        paths = [path for path in named if not _is_missing(path)]
        kinds = [_kind(load_private_key(path.read_bytes())) for path in paths]
        hostname = (listener.hostname or static.hostname).ascii
        missing = [kind for kind in KINDS if kind not in kinds]
        if missing or len(paths) < len(named):
            certificate = static.data_dir / "acme/keycerts" / listener.tls.acme / hostname
            more = [
                _existing(folder, hostname, kind) or _new(folder, hostname, kind, now, certificate) for kind in missing
            ]
            found[name] = [*_below(folder, paths), *more]
    return found


def name_host_keys(config: Path, found: Mapping[str, Sequence[str]]) -> None:
    """Make moxlite.toml name the keys of `ensure_host_keys`; its other lines stay unchanged. Raises OSError."""
    document = Document(config.read_text(encoding="utf-8"))
    for name, paths in found.items():
        document.put(("listeners", name, "tls", "host_private_key_files"), list(paths))
    write_atomically(config, str(document).encode())


def _is_missing(path: Path) -> bool:
    """Whether there is no such file. A file that this user may not access is not missing. Raises OSError."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    return False


def _kind(key: PrivateKey) -> Kind | None:
    match key:
        case rsa.RSAPrivateKey():
            return "rsa2048"
        case ec.EllipticCurvePrivateKey() if isinstance(key.curve, ec.SECP256R1):
            return "ecdsap256"
        case _:
            return None


def _existing(folder: Path, hostname: str, kind: Kind) -> str | None:
    """The newest key of the host that no listener names, as after a run whose lines were not added."""
    # Names have the time in them, so the last one is the newest.
    paths = sorted((folder / HOST_KEYS).glob(f"{hostname}.*.{kind}.{ENDING}"))
    return f"{HOST_KEYS}/{paths[-1].name}" if paths else None


def _new(folder: Path, hostname: str, kind: Kind, now: dt.datetime, certificate: Path) -> str:
    (folder / HOST_KEYS).mkdir(mode=0o750, exist_ok=True)
    return make_host_key(folder, hostname, kind, now, _of_certificate(certificate, kind))


def _of_certificate(path: Path, kind: Kind) -> PrivateKey | None:
    """The key of a certificate by ACME, if it is of this kind. Links are not followed, because the service user may
    write to the file's folder.
    """
    try:
        with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
            key = load_private_key(file.read(MAX_FILE))
    except (OSError, CertificateError):
        return None
    return key if _kind(key) == kind else None


def _below(folder: Path, paths: Sequence[Path]) -> list[str]:
    """Paths in the form that the configuration has: relative if below its folder, else absolute."""
    return [str(path.relative_to(folder) if path.is_relative_to(folder) else path) for path in paths]
