"""`python -m tests.fastserver ARGS`: moxlite whose event loop has a clock that goes twenty times as fast, so that what
it would do within minutes is seen within seconds.
"""

import sys
from functools import partial

import trio
from trio.testing import MockClock

from moxlite import heap
from moxlite.cli import run
from moxlite.store.accounts import accounts
from moxlite.store.file import database

__all__ = ["RATE", "main"]

RATE = 20


def main() -> int:
    """Quicken time, also where it's not the loop's, and run the command."""
    for module, name in ((accounts, "IDLE"), (database, "IDLE"), (heap, "TRIM_INTERVAL")):
        setattr(module, name, getattr(module, name) / RATE)
    setattr(trio, "run", partial(trio.run, clock=MockClock(rate=RATE)))  # noqa: B010  mypy knows its type
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
