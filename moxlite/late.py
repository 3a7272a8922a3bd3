"""Modules that are loaded when they are first needed: what few servers use costs no memory and no time at the start."""

from importlib import import_module

import trio

__all__ = ["load"]


async def load(name: str) -> None:
    """Import a module in a thread: reading and running one takes the event loop's time, 20 ms for a large one.

    The ``from name import …`` that follows it finds the module there; so its names keep their types.

    Raises: what the module raises, ImportError if it is not installed.
    """
    await trio.to_thread.run_sync(import_module, name)
