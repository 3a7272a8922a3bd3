"""`moxlite`, with its event loop timed: ``python -m bench.heldserver COMMAND …``.

Each stretch between two looks at the sockets that kept the loop's thread busy for more than `WORTH` is written to the
file that ``MOXLITE_BENCH_HELD`` names: the time of its end by the monotonic clock, and the seconds of the processor.
"""

import os
import struct
import time
from pathlib import Path
from typing import Final

from moxlite.__main__ import main
from moxlite.process import watchdog

__all__ = ["VARIABLE", "held_between"]

VARIABLE: Final = "MOXLITE_BENCH_HELD"

WORTH: Final = 0.001
"""Seconds: shorter stretches are not written, for writing takes time too."""

RECORD: Final = struct.Struct("dd")


class Timed(watchdog.Watchdog):
    """Writes long stretches down."""

    def __init__(self) -> None:
        super().__init__()
        self._file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._began = time.thread_time()

    def after_io_wait(self, timeout: float) -> None:
        """The loop goes on."""
        self._began = time.thread_time()

    def before_io_wait(self, timeout: float) -> None:
        """The loop looks at its sockets again."""
        if (spent := time.thread_time() - self._began) > WORTH:
            os.write(self._file, RECORD.pack(time.monotonic(), spent))


def held_between(file: Path, first: float, last: float) -> float:
    """Seconds of the longest stretch that ended between two times of the monotonic clock."""
    rows = RECORD.iter_unpack(file.read_bytes()) if file.exists() else ()
    return max((spent for at, spent in rows if first <= at <= last), default=0.0)


if __name__ == "__main__":
    import moxlite.server

    setattr(moxlite.server, "Watchdog", Timed)  # noqa: B010  # in place of the program's own, which it does not export
    main()
