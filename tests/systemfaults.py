"""Faults of the operating system in tests: no descriptor is left, calls on a folder fail."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["calls_fail", "no_descriptors"]

CALLS = ("chmod", "listdir", "lstat", "mkdir", "open", "rename", "rmdir", "scandir", "stat", "statvfs", "unlink")
"""Functions of `os` that take a path first; those of `pathlib` and `shutil` end in them."""


@contextmanager
def no_descriptors() -> Iterator[None]:
    """The process gets no descriptor while the block lasts (EMFILE): the soft limit is what is in use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def calls_fail(folder: Path, number: int) -> Iterator[None]:
    """Each call of `CALLS` on what is below `folder` fails with errno `number` while the block lasts; SQLite's own
    calls do not.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, _failing(getattr(os, name), folder, number))
        yield


def _failing(call: Callable[..., Any], folder: Path, number: int) -> Callable[..., Any]:
    def failing(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        if isinstance(path, str | Path) and Path(path).is_relative_to(folder):
            raise OSError(number, os.strerror(number), str(path))
        return call(path, *args, **kwargs)

    return failing
