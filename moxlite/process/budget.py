"""Budget of the server: file descriptors, as many as the system gives (ADMIN-39b), and memory (STORE-8, STORE-198a).

Descriptors:

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

Memory, measured in docs/developers/design-facts.md §14:

+---------------------------+-------------------------------------------------------------------------------+
| `RESTING`                 | the server and its parent, with all modules                                   |
+---------------------------+-------------------------------------------------------------------------------+
| `CHILDREN`, `HASHES`      | sandbox processes and password checks, which are limited by number            |
+---------------------------+-------------------------------------------------------------------------------+
| a tenth                   | open accounts, `ACCOUNT_MEMORY` each                                          |
+---------------------------+-------------------------------------------------------------------------------+
| an eighth                 | connections, `SEAT_MEMORY` each                                               |
+---------------------------+-------------------------------------------------------------------------------+
| two thirds of the rest    | the ledger                                                                    |
+---------------------------+-------------------------------------------------------------------------------+
| a third of the rest       | messages that are prepared and written, which have three eighths of the       |
|                           | ledger's total beside it (STORE-7a), and freed memory that isn't returned yet |
+---------------------------+-------------------------------------------------------------------------------+

`keep_within` looks at the memory that the server's process really has.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.heap import Trimmer, memory_used
from moxlite.ledger import LEAST, MOST, ledger
from moxlite.net.admission import MAX_SEATS

logger = logging.getLogger("moxlite.process.budget")

OWN: Final = 128
"""Descriptors of the server itself: some 40 with two listeners, and the control socket's connections."""

PER_ACCOUNT: Final = 5
"""Descriptors of an account: account.db with its log and shared memory, search.db with its log."""

MAX_ACCOUNTS: Final = 200
"""Accounts kept open, however many descriptors and how much memory there are (STORE-8)."""

MIN_ACCOUNTS: Final = 25
"""Accounts kept open however little memory there is, as far as descriptors allow."""

RESTING: Final = 82_000_000
"""Octets of memory of the server after work of all kinds, 77 MB, and of its parent, 5 MB."""

CHILDREN: Final = 60_000_000
"""Octets of memory of two processes that sanitize HTML, and of the one that searches for patterns."""

HASHES: Final = 40_000_000
"""Octets of memory of two password checks, 19 MiB each (STORE-103)."""

ACCOUNT_MEMORY: Final = 2 << 20
"""Octets of memory that an open account takes with its caches; all together a tenth of the memory."""

SEAT_MEMORY: Final = 48 << 10
"""Octets of memory of a connection with TLS; all together an eighth of the memory."""

MAX_SPOOLS: Final = 4096
"""Spool files at most. More messages do not arrive at once; each comes over a network connection."""

SYSTEM: Final = 10
"""The system needs this part of the memory: buffers of sockets and tables of pages, which a control group counts, and
what comes between two looks.
"""

LOOK: Final = 1.0
QUIET: Final = 10.0
"""Seconds between two looks at the memory of the process; while it has less than half of what it may have."""

TRIM: Final = 5.0
"""Seconds between two calls of malloc_trim while the process has too much: a call takes up to 20 ms."""

GROUPS: Final = Path("/sys/fs/cgroup")
OWN_GROUP: Final = Path("/proc/self/cgroup")
"""Files of control groups (cgroup v2)."""

ENOUGH: Final = 65_536
"""Descriptors requested if the hard limit is "unlimited", which some systems do not mean."""

FEWEST: Final = 64
"""Fewest connections, whatever the limit. With fewer than some 350 descriptors the shares overlap."""


class Budget(msgspec.Struct, frozen=True):
    """Numbers of connections, of accounts kept open, and of spool files. `held`: octets of the ledger's total.
    `memory`: octets that the server's process may have. `highest`: the descriptor number from which on the table counts
    as nearly full. None if there is no limit, or numbers do not show it.
    """

    seats: int
    accounts: int
    spools: int
    held: int = MOST
    memory: int | None = None
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


def make_budget(limit: int | None, memory: int | None = None) -> Budget:
    """Divide `limit` descriptors and `memory` octets; None is as many as one likes."""
    seats, accounts, spools = MAX_SEATS, MAX_ACCOUNTS, MAX_SPOOLS
    if memory is not None:
        accounts = min(max(memory // 10 // ACCOUNT_MEMORY, MIN_ACCOUNTS), accounts)
        seats = min(max(memory // 8 // SEAT_MEMORY, FEWEST), seats)
    held = _held(memory, accounts, seats)
    process = None if memory is None else memory - CHILDREN - memory // SYSTEM
    if limit is None:
        return Budget(seats, accounts, spools, held, process)
    rest = max(limit - OWN, 0)
    budget = Budget(
        seats=min(max(rest // 2, FEWEST), seats),
        accounts=min(max(rest // 4 // PER_ACCOUNT, 1), accounts),
        spools=min(max(rest // 8, 1), spools),
        held=held,
        memory=process,
        highest=limit - limit // 8,  # the lowest free number is given out first, so a high one tells of a full table
    )
    logger.info(
        "file descriptor limits",
        extra={"kv": {"limit": limit, "connections": budget.seats, "accounts": budget.accounts}},
    )
    return budget


def _held(memory: int | None, accounts: int, seats: int) -> int:
    if memory is None:
        return MOST
    rest = memory - RESTING - CHILDREN - HASHES - accounts * ACCOUNT_MEMORY - seats * SEAT_MEMORY
    return min(max(rest * 2 // 3, LEAST), MOST)


async def keep_within(most: int | None) -> None:
    """Look at the memory of this process, for ever. While it's more than `most` octets, what was freed goes back to the
    system, and the ledger gives out less. None: there is no limit.
    """
    trim = Trimmer(TRIM)
    while most is not None and (used := memory_used()) is not None:
        ledger().lack(max(used - most, 0))
        if used > most and not trim.early():
            await trio.to_thread.run_sync(trim)
        await trio.sleep(LOOK if used > most // 2 else QUIET)
    await trio.sleep_forever()


def memory_limit(groups: Path = GROUPS, own: Path = OWN_GROUP) -> int | None:
    """Octets of memory that the server may use: the machine's, or less if a control group says so. None if neither is
    known. Blocking.

    `groups` is the mount of the control groups, `own` the file with the groups of the process: of cgroup v2 as
    ``0::/path``, of v1 as ``N:memory:/path``.
    """
    limits = list(_group_limits(groups, own))
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(limits, default=None)


def _group_limits(groups: Path, own: Path) -> Iterator[int]:
    try:
        lines = own.read_text().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if controllers in ("", "memory"):
            top = groups / controllers
            yield from _limits_above(top, top / path.lstrip("/"))


def _limits_above(top: Path, group: Path) -> Iterator[int]:
    """The limits of a group and of those above it."""
    while True:
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            try:
                yield int((group / name).read_text())
            except (OSError, ValueError):  # no such file, or "max"
                continue
        if group == top or top not in group.parents:
            return
        group = group.parent
