"""Names of sockets in the file system that fit into an address."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MAX_PATH: Final = 100
"""Octets of a path that each system takes (unix(7))."""


@contextmanager
def short(path: Path) -> Iterator[str]:
    """The path of a socket, to be bound or connected to within the block. A long one leads through its folder's
    descriptor, which Linux has in ``/proc``.

    Raises OSError.
    """
    if len(os.fsencode(path)) <= MAX_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
