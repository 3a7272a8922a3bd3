"""The state of the repository after the last scheduled backup: whether a sample of it could be read back, and whether
old snapshots could be removed (STORE-184d, STORE-184e).

It is the file `backup-sample.json` in the data directory, for the doctor.
"""

import random
import time
from pathlib import Path
from typing import Final

import msgspec

from moxlite.config.files import write_atomically
from moxlite.decoders import from_json
from moxlite.store.backup.repository import Repository
from moxlite.store.backup.storage import Storage
from moxlite.store.errors import BackupError

FILE: Final = "backup-sample.json"

_chosen: Final = random.SystemRandom()


class Sampled(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read back.

    at: seconds UTC. snapshot: the newest one. blocks: blocks of 64 KiB that were read. compared: their octets match
    their names; else the repository is encrypted, and only their beginnings were looked at. problem: why it could not
    be read, "" for success. kept: why old snapshots stay, "" if they were removed, or are removed by hand.
    """

    at: float
    snapshot: str = ""
    blocks: int = 0
    compared: bool = False
    problem: str = ""
    kept: str = ""


def sample(storage: Storage, data: Path, identity: Path | None) -> Sampled:
    """Read a sample back. Blocks. Raises OSError: the place of the repository does not answer."""
    at = time.time()
    try:
        found = Repository(storage, data=data, identity_file=identity).sample(_chosen)
    except BackupError as error:
        return Sampled(at, problem=str(error))
    return Sampled(at, found.snapshot, found.blocks, found.compared)


def read_sampled(data: Path) -> Sampled | None:
    """The last result; None without one. Blocks."""
    try:
        return from_json((data / FILE).read_bytes(), Sampled)
    except (OSError, msgspec.DecodeError):
        return None


def save_sampled(data: Path, found: Sampled) -> None:
    """Keep a result. Blocks. Raises OSError."""
    write_atomically(data / FILE, msgspec.json.encode(found), mode=0o640)
