"""The disks below a file, as far as Linux shows them (proc_pid_mountinfo(5), sysfs(5))."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
BLOCKS: Final = Path("/sys/dev/block")
MAX_DEPTH: Final = 8
"""Layers of device mapper, RAID and encryption below a file system."""


def share_a_disk(one: Path, other: Path) -> bool:
    """Whether the loss of one disk destroys both. A missing path counts as the folder above it. Raises OSError."""
    return bool(disks_of(one) & disks_of(other))


def disks_of(path: Path) -> frozenset[str]:
    """Names of the disks below a path. A file system without a disk (in memory, network) counts as one itself."""
    existing = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    device = existing.stat().st_dev
    source = _source(existing)
    if source.startswith("/dev/"):
        with contextlib.suppress(OSError):
            device = Path(source).stat().st_rdev  # btrfs: each subvolume has a device number that no disk has
    found = _below(BLOCKS / f"{os.major(device)}:{os.minor(device)}", MAX_DEPTH)
    return found or frozenset({f"{source} {device}"})


def _source(path: Path) -> str:
    """The device of the file system that has a path, "" if unknown."""
    best: tuple[int, str] = (-1, "")
    for fields in _mounts():
        place = Path(fields[4].encode().decode("unicode_escape"))
        if path.is_relative_to(place) and len(place.parts) >= best[0]:
            best = len(place.parts), fields[fields.index("-") + 2]
    return best[1]


def _mounts() -> list[Sequence[str]]:
    try:
        return [line.split() for line in MOUNTS.read_text().splitlines()]
    except OSError:
        return []


def _below(block: Path, depth: int) -> frozenset[str]:
    """Disks below a block device: a partition's disk, or the disks that a mapped device consists of."""
    try:
        place = block.resolve(strict=True)
        slaves = sorted((place / "slaves").iterdir()) if (place / "slaves").is_dir() else []
    except OSError:
        return frozenset()
    if slaves and depth:
        return frozenset().union(*(_below(one, depth - 1) for one in slaves))
    return frozenset({place.parent.name if (place / "partition").exists() else place.name})
