"""Control groups of the kernel, v1 or v2: how much memory a server may use, and what it used (cgroups(7))."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

__all__ = ["Group", "memory_group"]

MOUNT: Final = Path("/sys/fs/cgroup")


class Group:
    """A control group that may use so many bytes of memory."""

    def __init__(self, limit: int) -> None:
        old = MOUNT / "memory"
        self.limit = limit
        self.path = (old if old.is_dir() else MOUNT) / f"moxlite-test-{os.getpid()}-{limit}"
        self._limit, self._most, self._kills, self._anonymous = (
            ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control", "total_rss")
            if old.is_dir()
            else ("memory.max", "memory.peak", "memory.events", "anon")
        )

    def make(self) -> None:
        """Create it. Raises OSError if this machine doesn't allow it."""
        self.path.mkdir()
        (self.path / self._limit).write_text(str(self.limit))
        (self.path / "cgroup.procs").read_text()

    @property
    def most(self) -> int:
        """Bytes used at most, including cached files."""
        return int((self.path / self._most).read_text())

    @property
    def anonymous(self) -> int:
        """Bytes that processes use now, without cached files, which the kernel can drop."""
        found = re.search(rf"^{self._anonymous} (\d+)", (self.path / "memory.stat").read_text(), re.MULTILINE)
        return int(found[1]) if found is not None else 0

    @property
    def kills(self) -> int:
        """Number of processes that the kernel killed."""
        found = re.search(r"oom_kill (\d+)", (self.path / self._kills).read_text())
        return int(found[1]) if found is not None else 0


@contextmanager
def memory_group(limit: int) -> Iterator[Group]:
    """A group with this limit. Skips the test if there can't be one."""
    group = Group(limit)
    try:
        group.make()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield group
    finally:
        with suppress(OSError):
            group.path.rmdir()
