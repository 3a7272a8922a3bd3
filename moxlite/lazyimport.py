"""Modules, and what is made of them, that are loaded when they are first needed: what few servers use costs no memory
and no time at the start (ADMIN-82).
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final, Generic, TypeVar

import trio

from moxlite.ownprogram import ADDED, FROZEN

T = TypeVar("T")

_loaded: Final[set[str]] = set()  # a module that another thread still runs is among `sys.modules` already


async def load(name: str) -> None:
    """Import a module in a thread: reading and running one takes the event loop's time, 20 ms for a large one.

    The ``from name import …`` that follows it finds the module there; so its names keep their types.

    Raises: what the module raises, ImportError if it is not installed.
    """
    # Several tasks may load it at once: the others wait in their threads (`__main__.serialize_imports`).
    if name not in _loaded:
        await trio.to_thread.run_sync(import_module, name)
        _loaded.add(name)


class Lazy(Generic[T]):
    """Value made in a thread at its first use, once for all tasks that ask for it.

    Args:
      make: imports what it needs, and makes it; it may block.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: T | None = None
        self._making = trio.Lock()

    async def get(self) -> T:
        """Raises: what `make` raises; the next caller tries again."""
        if self._made is None:
            async with self._making:
                if self._made is None:
                    self._made = await trio.to_thread.run_sync(self._make)
        return self._made


# Libraries that moxlite uses where they are installed, and the command that installs one beside it (ADMIN-43).


def how_to_install(library: str) -> str:
    """The command that installs `library` where this process looks for it."""
    if FROZEN:
        ours = f"--python-version {sys.version_info[0]}.{sys.version_info[1]} --only-binary=:all:"
        return f"apt-get install python3-pip && pip install --target {ADDED} {ours} {library}"
    if sys.prefix != sys.base_prefix:
        return f"{sys.prefix}/bin/pip install {library}"
    return f"pip install {library}"
