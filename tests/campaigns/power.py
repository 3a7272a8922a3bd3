"""The kill campaign on a disk that loses unsynced writes: what was acknowledged had been synced (STORE-5, STORE-160).

SIGKILL alone does not test fsync, for the kernel keeps what was written. Here each end of the server is a power
failure: all writes since the last sync of each file are taken back, a random part of them survives in torn sectors.
"""

import functools
import signal

from tests.campaigns.kill import KILLS, kill_many
from tests.campaigns.report import Report
from tests.running import ServedServer

__all__ = ["run"]


def run(seed: int, share: float, report: Report) -> None:
    """KILLS × share power failures."""
    make = functools.partial(ServedServer, module="tests.powerserver", death=signal.SIGUSR2)
    kill_many(seed, max(1, round(KILLS * share)), report, make)
    report.tell("each end was a power failure: unsynced writes dropped, or torn by sectors (tests/faultvfs.py)")
