"""The files in ``data/acme``: the account's key, certificates, and the state of each host (WEB-112).

::

    NAME.key               of the account at the CA, PKCS#8 PEM
    NAME.next-key          its next key, until the CA has said which one holds
    NAME.state             `State` as JSON
    NAME.account           the account's URI at the CA, for CAA records (RFC 8657)
    keycerts/NAME/HOST     key, leaf, chain in PEM; without the key where it is one of ``host_private_key_files``

Each is written atomically. All functions block.
"""

import base64
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import trio
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from moxlite.autotls.messages import ChallengeKind, Window
from moxlite.config.files import write_atomically
from moxlite.encoding import from_json, to_json
from moxlite.net.tls.certificates import CertificateError, KeyPair, PrivateKey
from moxlite.safefile import read_regular

logger = logging.getLogger("moxlite.autotls.files")

MODE: Final = 0o600
"""Mode of files, most of which have a private key."""

FOLDER_MODE: Final = 0o750
"""Mode of folders: others need not even look into them."""

ACCOUNT: Final = ".account"
_ACCOUNT: Final = re.compile(r"https://[!-:<-~]{1,200}")
"""URIs that a CAA record can hold: no blank, no semicolon."""

HostKeys = Mapping[str, Sequence[PrivateKey]]
"""Permanent keys of hosts (A-labels), for DANE."""


class HostState(msgspec.Struct, omit_defaults=True):
    """State of a host's orders and renewals.

    failures: failed orders in a row. next_try: seconds UTC of the next try after a failure; earlier if the fingerprint
    `saw` of addresses and settings has changed. error: text of the last failure. kind: the challenge that worked last.
    ordered: seconds UTC of the last successful order. of: id of the certificate that `window`, `renew_at` and `ask_at`
    are about. since: seconds UTC since which the name is wanted, until its first certificate. renew_at: seconds UTC of
    the renewal. ask_at: seconds UTC of the next request for renewal information.
    """

    failures: int = 0
    since: float = 0.0
    next_try: float = 0.0
    saw: str = ""
    error: str = ""
    kind: ChallengeKind | None = None
    ordered: float = 0.0
    of: str = ""
    window: Window | None = None
    renew_at: float | None = None
    ask_at: float = 0.0


class State(msgspec.Struct, omit_defaults=True):
    """States by host. `not_before`: seconds UTC before which the CA accepts no orders (RFC 8555 §6.6). `key_since`:
    seconds UTC since which the account has its key, 0 for unknown. `key_failures`: tries in a row to change it that got
    no clear answer.
    """

    hosts: dict[str, HostState] = {}
    not_before: float = 0.0
    key_since: float = 0.0
    key_failures: int = 0

    def set_right(self, now: float, longest: float) -> None:
        """Forget moments of a clock that was ahead: pauses last `longest` seconds at most."""
        self.key_since = min(self.key_since, now)
        self.not_before = self.not_before if self.not_before <= now + longest else 0.0
        for host in self.hosts.values():
            host.ordered = min(host.ordered, now)
            host.since = min(host.since, now)
            host.next_try = host.next_try if host.next_try <= now + longest else 0.0
            host.ask_at = host.ask_at if host.ask_at <= now + longest else 0.0


class Folder:
    """The files of one authority below ``data/acme``."""

    def __init__(self, folder: Path, authority: str) -> None:
        self._folder = folder
        self._authority = authority
        self._key = folder / f"{authority}.key"
        self._next_key = folder / f"{authority}.next-key"
        self._state = folder / f"{authority}.state"
        self._certificates = folder / "keycerts" / authority

    def account_key(self) -> str:
        """The account's key as PEM, made at the first call.

        Raises OSError. Raises ValueError if the file holds something else, which is left alone.
        """
        return self._made_once(self._key)

    def next_key(self, *, make: bool) -> str:
        """The account's next key as PEM; "" without one, unless `make` is set. Raises as `account_key`."""
        return self._made_once(self._next_key) if make or self._next_key.exists() else ""

    def settle_key(self, *, changed: bool) -> None:
        """Let the next key take the place of the account's key, or drop it. Raises OSError."""
        # In this order: killed in between, both files have the new key, and the CA is asked again which one holds.
        if changed:
            write_atomically(self._key, self._next_key.read_bytes(), mode=MODE)
        self._next_key.unlink()

    def _made_once(self, path: Path) -> str:
        try:
            text = path.read_text()
        except FileNotFoundError:
            text = account_key()
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            write_atomically(path, text.encode(), mode=MODE)
        if not isinstance(serialization.load_pem_private_key(text.encode(), None), ec.EllipticCurvePrivateKey):
            raise ValueError(f"{path} isn't an ECDSA key")
        return text

    def has_account(self) -> bool:
        """Whether the CA has told the URI of our account."""
        return account_uri(self._folder, self._authority) != ""

    def write_account(self, uri: str) -> None:
        """Write the account's URI, if it is another one. Raises OSError."""
        path = self._folder / f"{self._authority}{ACCOUNT}"
        if account_uri(self._folder, self._authority) != uri:
            write_atomically(path, uri.encode(), mode=MODE)

    def read_state(self) -> State:
        """Read the state; an empty one if the file cannot be read, which is logged."""
        try:
            return from_json(self._state.read_bytes(), State)
        except FileNotFoundError:
            return State()
        except (OSError, msgspec.DecodeError) as error:
            kv = {"path": self._state, "err": str(error)}
            logger.error("failed to read certificate state", extra={"kv": kv})
            return State()

    def write_state(self, state: State) -> None:
        """Write the state of the certificates' orders. Raises OSError."""
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        write_atomically(self._state, to_json(state), mode=MODE)

    def write_certificate(self, host: str, pair: KeyPair, *, with_key: bool) -> None:
        """Write a certificate file. Raises OSError, and leaves the old file unchanged then."""
        for folder in (self._folder, self._certificates.parent, self._certificates):  # what `parents` makes has no mode
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        key = pair.key_pem() if with_key else b""
        write_atomically(self._certificates / host, key + pair.certificate_pem(), mode=MODE)

    def has_certificate(self, host: str) -> bool:
        return (self._certificates / host).exists()

    def read_certificates(self, keys: HostKeys) -> dict[str, KeyPair]:
        """All certificates by host, including hosts that are not wanted any more. A file that cannot be used is logged.
        A certificate whose key is no longer in `keys` is left out.
        """
        key_pairs: dict[str, KeyPair] = {}
        try:
            paths = sorted(path for path in self._certificates.iterdir() if not path.name.startswith("."))
        except OSError:
            return key_pairs
        for path in paths:
            try:
                pair = _load(path.read_bytes(), keys.get(path.name, ()))
            except (OSError, CertificateError) as error:
                logger.error("ignoring certificate", extra={"kv": {"path": path, "err": str(error)}})
                continue
            if pair is not None:
                key_pairs[path.name] = pair
        return key_pairs


class SavedState:
    """The present state of all hosts, and its file.

    Raises OSError, ValueError: see `Folder.read_state`.
    """

    def __init__(self, files: Folder) -> None:
        self._files = files
        self._writing = trio.Lock()
        self.now = files.read_state()

    async def write(self) -> None:
        """Write the state down. Raises OSError."""
        async with self._writing:  # the newest state must be written last
            await trio.to_thread.run_sync(self._files.write_state, self.now)


def _load(text: bytes, keys: Sequence[PrivateKey]) -> KeyPair | None:
    """The certificate and key of a file; None if it belongs to a host key that is not in `keys`. Raises
    CertificateError.
    """
    if not keys:
        return KeyPair.load(text, text)
    for key in keys:
        try:
            return KeyPair.of(text, key)
        except CertificateError:
            continue
    return None


def account_uri(folder: Path, authority: str) -> str:
    """The URI of our account at an authority; "" before there is one. Blocks."""
    try:
        text = read_regular(folder / f"{authority}{ACCOUNT}").decode()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if _ACCOUNT.fullmatch(text) else ""


def without_certificate(folder: Path, authority: str) -> dict[str, str]:
    """The names that have no certificate yet, and why their order failed, "" if it is still under way. Blocks."""
    files = Folder(folder, authority)
    waiting = {name: state.error for name, state in files.read_state().hosts.items() if not state.ordered}
    return {name: why for name, why in waiting.items() if not files.has_certificate(name)}


def under_way(folder: Path, authority: str, wanted: Iterable[str], since: float) -> list[str]:
    """Names that wait for their first certificate since that time (seconds UTC) or later. Orders that failed are left
    out. Blocks.
    """
    files = Folder(folder, authority)
    states = files.read_state().hosts
    fresh = HostState(since=since)
    hosts = ((host, states.get(host, fresh)) for host in wanted if not files.has_certificate(host))
    return [host for host, state in hosts if not (state.ordered or state.error or state.since < since)]


def account_key() -> str:
    """Make a key for an account: ECDSA P-256, PKCS#8 PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def certificate_id(certificate: x509.Certificate) -> str:
    """The id of a certificate at its CA (RFC 9773 §4.1); "" if it lacks its issuer's key identifier."""
    try:
        issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, ValueError):
        return ""
    if issuer is None:
        return ""
    number = certificate.serial_number
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big")  # as ASN.1 has it, with room for a sign
    return f"{_base64url(issuer)}.{_base64url(serial)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
