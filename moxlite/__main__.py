"""``python -m moxlite`` and the console script ``moxlite``."""

import importlib._bootstrap
import os
import sys
from threading import RLock
from types import ModuleType

from moxlite.ownprogram import VERB, clean_environment, run_child


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    _open_missing()
    clean_environment()
    serialize_imports()
    if sys.argv[1:2] == [VERB]:
        return run_child(sys.argv[2:])
    from moxlite.prctl import hide_memory

    hide_memory()
    from moxlite.cli import run

    sys.exit(run())


def serialize_imports() -> None:
    """Let one thread at a time load modules, by whatever kind of import.

    Python locks each module by itself. When one thread imports a package whose `__init__` imports a module of it, and
    another thread imports that module, each holds the lock that the other needs; then Python hands out one of the two
    half-initialized (`_lock_unlock_module`), and names are missing in it.
    """
    # All imports of what isn't loaded come through this function: statements, importlib, codecs and C. A lock around
    # `builtins.__import__` would make imports of loaded modules wait, too.
    load, lock = importlib._bootstrap._find_and_load, RLock()  # type: ignore[attr-defined]  # noqa: SLF001 - no public way

    def load_alone(name: str, import_: object) -> ModuleType:
        with lock:
            module: ModuleType = load(name, import_)
            return module

    importlib._bootstrap._find_and_load = load_alone  # type: ignore[attr-defined]  # noqa: SLF001 - as above


def _open_missing() -> None:
    """Open what a caller has closed of the three standard streams (``moxlite ... >&-``): else the next file that is
    opened gets its number, and what is printed would go there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest free one
            setattr(sys, name, os.fdopen(descriptor, "w" if number else "r"))


if __name__ == "__main__":
    main()
