"""File descriptors: as many as the system gives, and their use (ADMIN-39b).

+---------------------------+-------------------------------------------------------------------------------+
| `OWN`                     | ports, control socket with 64 connections, databases of the server, log       |
+---------------------------+-------------------------------------------------------------------------------+
| half of the rest          | connections of clients, `MAX_SEATS` at most                                   |
+---------------------------+-------------------------------------------------------------------------------+
| a quarter of the rest     | open accounts, `PER_ACCOUNT` each                                             |
+---------------------------+-------------------------------------------------------------------------------+
| an eighth of the rest     | messages on their way in that are too long for memory                         |
+---------------------------+-------------------------------------------------------------------------------+
| what remains              | the queue's connections, files of the web server, imports                     |
+---------------------------+-------------------------------------------------------------------------------+
"""

import contextlib
import logging
import sys
from typing import Final

import msgspec

from moxlite.net.admission import MAX_SEATS

__all__ = ["Budget", "make_budget", "raise_limit"]

logger = logging.getLogger("moxlite.process.descriptors")

OWN: Final = 128
"""Descriptors of the server itself: some 40 with two listeners, and the control socket's connections."""

PER_ACCOUNT: Final = 5
"""Descriptors of an account: account.db with its log and shared memory, search.db with its log."""

MAX_ACCOUNTS: Final = 200
"""Accounts kept open, however many descriptors there are: each holds up to 1 MB of caches (STORE-8)."""

MAX_SPOOLS: Final = 4096
"""Spool files at most. More messages do not arrive at once; each comes over a network connection."""

ENOUGH: Final = 65_536
"""Descriptors requested if the hard limit is "unlimited", which some systems do not mean."""

FEWEST: Final = 64
"""Fewest connections, whatever the limit. With fewer than some 350 descriptors the shares overlap."""


class Budget(msgspec.Struct, frozen=True):
    """Numbers of connections, of accounts kept open, and of spool files. `highest`: the descriptor number from which on
    the table counts as nearly full; None if numbers do not show it.
    """

    seats: int
    accounts: int
    spools: int
    highest: int | None = None


def raise_limit() -> int | None:
    """Raise the soft limit of descriptors to the hard one. Returns the limit in force, or None if there is no limit."""
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS: not beyond kern.maxfilesperproc
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def make_budget(limit: int | None) -> Budget:
    """Divide `limit` descriptors."""
    if limit is None:
        return Budget(MAX_SEATS, MAX_ACCOUNTS, MAX_SPOOLS)
    rest = max(limit - OWN, 0)
    budget = Budget(
        seats=min(max(rest // 2, FEWEST), MAX_SEATS),
        accounts=min(max(rest // 4 // PER_ACCOUNT, 1), MAX_ACCOUNTS),
        spools=min(max(rest // 8, 1), MAX_SPOOLS),
        highest=limit - limit // 8,
    )
    logger.info(
        "descriptors",
        extra={"kv": {"limit": limit, "connections": budget.seats, "accounts": budget.accounts}},
    )
    return budget
