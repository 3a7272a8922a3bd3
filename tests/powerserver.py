"""`python -m tests.powerserver ARGS`: moxlite on a disk that loses what was not synced when the power fails (SIGUSR2).

Every database is opened through `FaultVFS`. At the signal all unsynced writes are taken back, a random part of them
sector by sector as torn disks do it, and the process dies at once. With what the disk keeps, the server then starts
again.
"""

import os
import random
import signal
import sys
from types import FrameType

import apsw

from moxlite.cli import run
from tests.faultvfs import FaultVFS

__all__ = ["main"]


def main() -> int:
    """Install the disk and run the command."""
    vfs = FaultVFS()
    apsw.set_default_vfs(vfs.name)

    def fail(number: int, frame: FrameType | None) -> None:
        del number, frame
        seed = os.getpid()
        vfs.power_loss(random.Random(seed) if seed % 2 else None)
        os.kill(os.getpid(), signal.SIGKILL)

    signal.signal(signal.SIGUSR2, fail)
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
