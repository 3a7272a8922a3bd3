"""Names in the target of a stand-by, and the documents that the two machines leave there and in their own folders.

::

    TARGET/standby.json                      the newest epoch
    TARGET/epoch-0001/positions.json         the databases and how far each is copied
    TARGET/epoch-0001/files.age              configuration, keys and small files (`pack`)
    TARGET/epoch-0002/beginning.json         what came over at a take-over
    TARGET/lease.json                        the machine that may acknowledge (`lease`)
    TARGET/ready.json                        the machine that would take it over
    TARGET/epoch-0001/queue.db/ltx/...       Litestream's files of a database
    TARGET/epoch-0001/accounts/NAME/account.db/ltx/...

The second machine has the same databases in a folder laid out as a full backup: ``data/``, ``config/``, ``named/``. So
all that reads a backup reads it.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from moxlite.config.files import write_atomically
from moxlite.config.load import DOMAINS_FILE, ConfigError, parse, read_source
from moxlite.encoding import from_json, to_json
from moxlite.store.accounts.folders import NAME
from moxlite.store.backup.layout import CONFIG
from moxlite.store.backup.storage import Storage

T = TypeVar("T")

HEAD: Final = "standby.json"
POSITIONS: Final = "positions.json"
FILES: Final = "files.age"
BEGINNING: Final = "beginning.json"
HANDED: Final = "handed.json"
READY: Final = "ready.json"

STATE: Final = "standby/state.json"
"""In the data directory of the first machine: its `State`."""

SOCKET: Final = "standby/litestream.sock"
"""In the data directory: the control socket of the program."""

OWN: Final = "standby/epoch.json"
"""In the data directory of the first machine: the `Head` that it has claimed. No backup holds it."""

FOLLOWED: Final = "followed.json"
"""In the folder of the second machine: its `StandbyState`."""

FOLLOWER: Final = "standby"
"""Folder in a data directory for the program's files. No backup holds it."""

META: Final = f"{FOLLOWER}/meta"
"""In the data directory of the first machine: the last changes of each database, kept by the program."""

TAKING_OVER: Final = Path("/run/moxlite-follow/taking-over")
"""File of a second machine's follower while a take-over is near or runs: in the runtime folder of its unit, so that
systemd removes it with a follower that is stopped.
"""

SERVER_FILES: Final[tuple[str, ...]] = ("queue.db", "auth.db", "reports.db")
"""Databases of the server. The text index and `cache.db` are made anew."""

STALE: Final = 60.0
"""Seconds after which a `State` or `StandbyState` tells that the program which writes it does not run."""

MAX_DOCUMENT: Final = 16 << 20
"""Octets of a document of the other machine: 100,000 accounts."""

ACCOUNT: Final = re.compile(r"accounts/([^/]{1,64})/account\.db")


class NotOurs(Exception):
    """The target belongs to another machine."""


class Replaced(NotOurs):
    """Another machine has taken over from this one."""


class Head(msgspec.Struct, frozen=True):
    """The newest epoch of a target: a number that grows with each take-over, and the machine to which it belongs. Only
    that machine writes to the folder of the epoch.
    """

    epoch: int
    owner: str = ""


class Positions(msgspec.Struct, frozen=True):
    """How far the first machine has copied.

    at: seconds UTC. host, version: of the first machine. litestream: version of the program. databases: path below the
    data directory, and Litestream's number of the last transaction that is in the target. certain: the first machine
    shows clients no change that is not in the target (mode sync, with refusals while the target is away). missing:
    number of databases of the first machine of which nothing is in the target yet. origin: word of the data directory
    (`lease.origin_of`).
    """

    at: float
    host: str
    version: str
    litestream: str
    databases: dict[str, int]
    certain: bool = False
    missing: int = 0
    origin: str = ""


class HandoverState(msgspec.Struct, frozen=True):
    """How far the databases of a machine are copied that hands its lease over. databases: as in `Positions`; nothing
    that was acknowledged comes after these transactions.
    """

    databases: dict[str, int]


class EpochStart(msgspec.Struct, frozen=True):
    """The moment of a take-over, in the folder of the new epoch.

    at: seconds UTC. earlier: the epoch that ended. modseqs: of each account, the last one that came over. queued: the
    highest id of a message in the queue that came over.
    """

    at: float
    earlier: int
    modseqs: dict[str, int]
    queued: int


class Ready(msgspec.Struct, frozen=True):
    """A second machine that takes over by itself. Each look has another number, so a machine that is off is noticed
    without a clock. host, version: its own. epoch: the one that it follows. unfit: why it would not take over, "" if it
    would. loaded: its server is loaded, and waits for the lease; None where that isn't loaded before.
    """

    number: int
    host: str
    version: str
    epoch: int
    unfit: str = ""
    loaded: bool | None = None


class HeldLease(msgspec.Struct, frozen=True):
    """The lease, as the first machine sees it.

    renewed: seconds UTC of the last renewal; 0 for none since the start. silent, end: seconds UTC from which nothing is
    acknowledged without a renewal, and at which the server ends; 0 where it goes on without a lease. problem: why the
    last renewal failed, "" if it did not. taken: a sentence if another machine has the lease.
    """

    renewed: float
    silent: float
    end: float
    problem: str = ""
    taken: str = ""


class State(msgspec.Struct, frozen=True):
    """State of the first machine.

    at: seconds UTC. target: as in the configuration. epoch: see `Head`. lag: seconds for which changes may be missing
    in the target. databases: number of databases that are copied. problem: a sentence, "" if all is well. restarts: of
    the program, since the start of the server. lease: None where the configuration has none. missing: as in
    `Positions`. left_out: notes about files beside the configuration that are not sent.
    """

    at: float
    target: str
    epoch: int
    lag: float
    databases: int
    problem: str = ""
    restarts: int = 0
    lease: HeldLease | None = None
    missing: int = 0
    left_out: tuple[str, ...] = ()


class StandbyState(msgspec.Struct, frozen=True):
    """State of the second machine.

    at: seconds UTC of the last look. source: the target that is followed. epoch: see `Head`. current: seconds UTC; all
    that the first machine had copied until then is here. host, version: of the first machine. databases: number of
    databases here. behind: databases that are not current. problem: a sentence, "" if all is well. damaged: databases
    in which the daily check found damage. missing: as in `Positions`; `current` stays 0 until there was none once.
    unfit: why this machine could not serve with what is here, "" if it could. stopped: the first machine has ended on
    purpose, as its lease says.
    """

    at: float
    source: str
    epoch: int = 0
    current: float = 0.0
    host: str = ""
    version: str = ""
    databases: int = 0
    behind: int = 0
    problem: str = ""
    damaged: tuple[str, ...] = ()
    missing: int = 0
    unfit: str = ""
    stopped: bool = False


def epoch_folder(epoch: int) -> str:
    """The folder of an epoch in a target."""
    return f"epoch-{epoch:04}"


def is_database(path: str) -> bool:
    """Whether a path of the other machine names a database that is followed; all others are refused."""
    match = ACCOUNT.fullmatch(path)
    return path in SERVER_FILES if match is None else NAME.fullmatch(match[1]) is not None


def is_copied(data: Path, path: Path) -> bool:
    """Whether a file of a data directory is a database that goes to the second machine."""
    return path.is_relative_to(data) and is_database(path.relative_to(data).as_posix())


def databases_of(data: Path) -> Iterator[str]:
    """Paths of the databases of a data directory that are copied. Blocks."""
    yield from (name for name in SERVER_FILES if (data / name).is_file())
    try:
        names = sorted(one.name for one in (data / "accounts").iterdir())
    except FileNotFoundError:
        return
    for name in names:
        path = f"accounts/{name}/account.db"
        if is_database(path) and (data / path).is_file():
            yield path


def databases_in(storage: Storage, epoch: int) -> list[str]:
    """Paths of all databases of an epoch in a target, also of accounts that were removed. Raises OSError."""
    folder = epoch_folder(epoch)
    there = storage.list(folder)
    found = [name for name in SERVER_FILES if name in there]
    with contextlib.suppress(FileNotFoundError):
        found += [f"accounts/{name}/account.db" for name in sorted(storage.list(f"{folder}/accounts"))]
    return [name for name in found if is_database(name)]


def without_removed(databases: Iterable[str], storage: Storage, epoch: int, folder: Path) -> set[str]:
    """These databases of an epoch in a target, but for removed accounts: neither the first machine's positions name
    them, nor the configuration in `folder`, that of a full backup. Where it has none, all are in. Blocks. Raises
    OSError, ValueError.
    """
    found, positions = {*databases}, read_positions(storage, epoch)
    try:
        accounts = parse(read_source(folder / CONFIG / DOMAINS_FILE)).get("accounts")
    except ConfigError:
        return found
    named = {f"accounts/{name}/account.db" for name in accounts} if isinstance(accounts, dict) else set()
    return found & {*SERVER_FILES, *named, *(positions.databases if positions is not None else ())}


def read_head(storage: Storage) -> Head | None:
    """The newest epoch of a target; None for a target without one. Raises OSError, ValueError."""
    return _read(storage, HEAD, Head)


def claim(storage: Storage, data: Path, head: Head | None = None) -> Head:
    """Make a new epoch, which belongs to the machine with this data directory; `head` is the one that a lease names.
    Raises OSError, ValueError.
    """
    storage.make()
    if head is None:
        old = read_head(storage)
        head = Head(1 if old is None else old.epoch + 1, secrets.token_hex(16))
    storage.make(epoch_folder(head.epoch))
    # Durable, and first: a target that names an owner this machine has forgotten after a power cut would be another
    # machine's (`check_own`), and with a lease the server would not start.
    write_atomically(data / OWN, to_json(head), mode=0o600)
    storage.write(HEAD, to_json(head))
    return head


def check_own(storage: Storage, data: Path) -> Head | None:
    """The epoch of this machine; None for a new target. Raises NotOurs: another machine has the target, or Replaced: it
    had this machine's epoch before; OSError.
    """
    head, own = read_head(storage), read_document(data / OWN, Head)
    if head is not None and own is not None and head.epoch > own.epoch:
        raise Replaced(
            f"another machine has taken over with epoch {head.epoch} in {storage} (this machine: {own.epoch}). "
            "Stop this server, then run `moxlite standby send-rest` to send the remaining changes. If the other "
            "machine is gone, run `moxlite standby takeover --yes-the-other-is-down`"
        )
    if head is not None and head != own:
        raise NotOurs(
            f"can't copy because epoch {head.epoch} of {storage} belongs to another machine; if that machine has "
            "taken over, stop this server; if it's gone, run `moxlite standby takeover --yes-the-other-is-down`"
        )
    return head


def read_positions(storage: Storage, epoch: int) -> Positions | None:
    """How far an epoch is copied; None if it does not say. Raises OSError, ValueError."""
    return _read(storage, f"{epoch_folder(epoch)}/{POSITIONS}", Positions)


def read_handed(storage: Storage, epoch: int) -> HandoverState | None:
    """The last transactions of an epoch that was handed over; None if it does not say. Raises OSError, ValueError."""
    return _read(storage, f"{epoch_folder(epoch)}/{HANDED}", HandoverState)


def read_beginning(storage: Storage, epoch: int) -> EpochStart | None:
    """The take-over with which an epoch began; None for the first one. Raises OSError, ValueError."""
    return _read(storage, f"{epoch_folder(epoch)}/{BEGINNING}", EpochStart)


def read_ready(storage: Storage) -> Ready | None:
    """The second machine that takes over by itself; None without one. Raises OSError, ValueError."""
    return _read(storage, READY, Ready)


def _read(storage: Storage, name: str, kind: type[T]) -> T | None:
    try:
        data = storage.read(name)
    except FileNotFoundError:
        return None
    if len(data) > MAX_DOCUMENT:
        raise ValueError(f"{name} is larger than {MAX_DOCUMENT} bytes")
    try:
        return from_json(data, kind)
    except msgspec.DecodeError as error:
        raise ValueError(f"can't read {name}: {error}") from None


def read_document(file: Path, kind: type[T]) -> T | None:
    """A document of this machine; None if it is missing or cannot be read. Blocks."""
    try:
        return from_json(file.read_bytes(), kind)
    except (OSError, msgspec.DecodeError):
        return None


def save(file: Path, document: msgspec.Struct) -> None:
    """Replace a document of this machine. It is news, so it is not synced: a card would wear out. Raises OSError."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")
    partial.write_bytes(to_json(document))
    partial.replace(file)
