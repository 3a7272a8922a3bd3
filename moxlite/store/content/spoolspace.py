"""Disk space for incoming messages (SMTP-43a): checked while the octets arrive, and divided between networks.

All spools together may take half of the free space beyond `store.min_free_space`: each message is written a second
time, into an account or the queue. A network may take a share of that half, so that one client cannot use up the space
of the others.
"""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Final

from moxlite.store import metrics

LOOK_SECONDS: Final = 1.0
"""Seconds between two look-ups of the free space; octets taken in between are counted."""

NETWORK_SHARES: Final = (8, 4, 2)
"""Divisors of the room for all spools, by the networks of `ip_classes`: a customer may take an eighth of it, a small
provider network a quarter, a large one half.
"""

MAX_MESSAGE: Final = 100 << 20
"""Octets that a network may take in any case if that is at most half of the room for all: the default largest message.
"""

MAX_FILES: Final = 4096


class SpoolFull(OSError):
    """There is no room for more octets now. Has ``ENOSPC``, as if the disk were full."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(errno.ENOSPC, text)
        metrics.SPOOL_REFUSED.labels(reason=reason).inc()


class SpoolSpace:
    """Disk space for the spools of a server. For any thread.

    Args:
      directory: the folder of their files (``data/tmp``).
      reserve: octets to leave free on the disk.
      message: octets of the largest message: a network may take one if that is no more than half of the room for all.
      files: number of files at once.
      free: returns the free octets of the disk; None looks them up. clock: returns seconds.
    """

    def __init__(
        self,
        directory: Path,
        *,
        reserve: int = 0,
        message: int = MAX_MESSAGE,
        files: int = MAX_FILES,
        free: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directory = directory
        self._reserve = reserve
        self._message = message
        self._max_files = files
        self._look_up = free or self._disk
        self._clock = clock
        self._lock = threading.Lock()
        self._free = 0
        self._looked = -LOOK_SECONDS
        self._files = 0
        self._used = 0
        self._by_network: dict[Hashable, int] = {}

    @property
    def used(self) -> int:
        """Octets that all spools take on the disk."""
        return self._used

    def share(self, networks: Sequence[Hashable] = ()) -> SpoolShare:
        """Make the share of a client in these networks, ordered from the smallest to the largest (`NETWORK_SHARES`);
        without networks only the bound for all spools applies.
        """
        return SpoolShare(self, tuple(networks))

    def _disk(self) -> int:
        return shutil.disk_usage(self.directory).free

    def take(self, networks: tuple[Hashable, ...], octets: int) -> None:
        """Take octets for spools of these networks. Blocks for a statvfs, once a second. Raises SpoolFull: nothing is
        taken; OSError: the free space cannot be looked up.
        """
        with self._lock:
            now = self._clock()
            if now - self._looked >= LOOK_SECONDS:
                self._free, self._looked = self._look_up(), now
            room = self._free - self._reserve
            if octets > room:
                raise SpoolFull("disk", f"less than {self._reserve} octets would be free")
            limit = (room + self._used) // 2
            if self._used + octets > limit:
                raise SpoolFull("all", f"messages on their way in have {self._used} of {limit} octets")
            for network, part in zip(networks, NETWORK_SHARES, strict=False):
                share = max(limit // part, min(self._message, limit // 2))
                if self._by_network.get(network, 0) + octets > share:
                    raise SpoolFull("network", f"messages from this network have their share of {share} octets")
            self._count(networks, octets)
            self._free -= octets

    def give_back(self, networks: tuple[Hashable, ...], octets: int) -> None:
        """Return octets that were taken."""
        with self._lock:
            self._count(networks, -octets)

    def _count(self, networks: tuple[Hashable, ...], octets: int) -> None:
        self._used += octets
        metrics.SPOOL_OCTETS.set(self._used)
        for network in networks:
            count = self._by_network.get(network, 0) + octets
            if count:
                self._by_network[network] = count
            else:
                self._by_network.pop(network, None)

    def open_file(self) -> None:
        """Count one more file. Raises SpoolFull."""
        with self._lock:
            if self._files >= self._max_files:
                raise SpoolFull("files", f"there are {self._files} files of messages on their way in")
            self._files += 1

    def close_file(self) -> None:
        """Count one file less."""
        with self._lock:
            self._files -= 1


class SpoolShare:
    """Share of one client's spools in the disk space, from `SpoolSpace.share`."""

    __slots__ = ("_networks", "space")

    def __init__(self, space: SpoolSpace, networks: tuple[Hashable, ...]) -> None:
        self.space = space
        self._networks = networks

    def take(self, octets: int) -> None:
        """As `SpoolSpace.take`."""
        self.space.take(self._networks, octets)

    def give_back(self, octets: int) -> None:
        """Return octets that were taken."""
        self.space.give_back(self._networks, octets)
