"""Keys of hosts that the server makes itself, each in the place of the one before it (AUTH-118).

The keys that ``host_private_key_files`` names are read by root at the start, and stay the owner's. The service user
makes their successors, in ``data/acme/hostkeys/HOST``: one file, with the stage of the rotation, so that a crash never
parts a key from what is known of it. `admin.dns.hostrotation` takes the steps. What reads or writes files blocks.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite.autotls.files import FOLDER_MODE, MODE
from moxlite.config.files import write_atomically
from moxlite.config.snapshot import Snapshot
from moxlite.encoding import from_json, to_json
from moxlite.net.tls.certificates import KeyPair, PrivateKey, load_private_key
from moxlite.operations.dns import HostStage
from moxlite.safefile import read_regular

logger = logging.getLogger("moxlite.autotls.hostkeys")

FOLDER: Final = "hostkeys"
"""Name of the folder below ``data/acme``."""


class Rotating(msgspec.Struct, frozen=True):
    """The rotation of a key, as far as all are alike.

    Attributes:
      since: of the stage, seconds UTC, 0 for unknown; of "resting": when the present key came into use.
      until: earliest end of the stage, seconds UTC.
      stopped: the owner has stopped it, in whatever stage.
      asked: the owner wants a new key now.
      todo: what the owner has to type, one line each; problem: why there is no progress. Both for people.
    """

    stage: str = "resting"
    since: float = 0.0
    until: float = 0.0
    stopped: bool = False
    asked: bool = False
    todo: tuple[str, ...] = ()
    problem: str = ""


class HostKeyState(Rotating, frozen=True, omit_defaults=True):
    """The keys of a host that were made here, and the rotation.

    Attributes:
      ttl: seconds for which resolvers keep the TLSA records that were there before.
      replaced: `key_id` of the configured key in whose place `present` is used; "" while the configured one is.
      present, next: PEM, "" without one.
    """

    stage: HostStage = "resting"
    ttl: float = 0.0
    replaced: str = ""
    present: str = ""
    next: str = ""


def read_host_state(acme: Path, host: str) -> HostKeyState:
    """The state of a host (A-labels); `acme` is the folder ``data/acme``. Raises OSError, ValueError if damaged."""
    try:
        state = from_json(read_regular(acme / FOLDER / host), HostKeyState)
    except FileNotFoundError:
        return HostKeyState()
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    for one in filter(None, (state.present, state.next)):  # damage is told here, not by the handshakes that follow
        load_private_key(one.encode())
    return state


def write_host_state(acme: Path, host: str, state: HostKeyState) -> None:
    """Write a host's state; it is durable then. Raises OSError."""
    folder = acme / FOLDER
    for path in (acme, folder):
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    write_atomically(folder / host, to_json(state), mode=MODE)


def make_key() -> str:
    """A new key of a host: ECDSA P-256, PKCS#8 PEM."""
    return KeyPair((), ec.generate_private_key(ec.SECP256R1())).key_pem().decode()


def key_id(key: PrivateKey) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal."""
    return hashlib.sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def used_keys(state: HostKeyState, configured: Sequence[PrivateKey]) -> tuple[PrivateKey, ...]:
    """The keys of which certificates are used, the one for orders first.

    A key made here is used in the place of the configured one that it replaced. If the owner has put another key first
    since, that one is used: the owner's word counts.
    """
    keys = list(configured)
    if state.present:
        own = load_private_key(state.present.encode())
        if keys and key_id(keys[0]) == state.replaced:
            keys[0] = own
        else:
            keys.append(own)
    # Not earlier: until then some resolvers may still have TLSA records that do not name it.
    if state.next and state.stage in ("ordering", "retiring"):
        keys.insert(0, load_private_key(state.next.encode()))
    return tuple(keys)


def published_keys(state: HostKeyState, configured: Sequence[PrivateKey]) -> tuple[PrivateKey, ...]:
    """The keys that TLSA records should name: those in use, and the next one."""
    own = [load_private_key(one.encode()) for one in (state.present, state.next) if one]
    return (*own, *(one for one in configured if key_id(one) != state.replaced))


def hosts_of(snapshot: Snapshot, held: Mapping[str, Sequence[PrivateKey]]) -> Iterator[tuple[str, str, str]]:
    """Host (A-labels), listener, and name of the authority, of each listener with certificates by ACME for host keys.

    held: configured keys by name of the listener.
    """
    for name, listener in snapshot.static.listeners.items():
        if listener.tls is not None and listener.tls.acme is not None and held.get(name):
            yield snapshot.hostname(name).ascii, name, listener.tls.acme


def keys_in_use(snapshot: Snapshot, held: Mapping[str, Sequence[PrivateKey]]) -> dict[str, Sequence[PrivateKey]]:
    """`used_keys` by name of the listener. Where a state cannot be used, the configured keys, and a line in the log."""
    acme = snapshot.static.data_dir / "acme"
    found = dict(held)
    for host, listener, _ in hosts_of(snapshot, held):
        try:
            found[listener] = used_keys(read_host_state(acme, host), held[listener])
        except (OSError, ValueError) as error:
            kv = {"path": acme / FOLDER / host, "err": str(error)}
            logger.error("ignoring stored host key, using the configured key", extra={"kv": kv})
    return found
