"""Which process owns which account: decided at each start, by what is known without opening an account.

Tied accounts have the same owner, since guests open the account of their owner in their own session. The groups that
ties make are given out one after the other, the heaviest first, each to the process with the least so far: so no
process has more than the mean and one group.

If an account shares something with `anyone`, all accounts are tied, and belong to the first process.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Final

import msgspec
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.mail.sharenotices import ANYONE
from moxlite.store.options import DAY

FIRST: Final = 0
"""Place of the first process; workers have the places from 1 on."""

FIRST_WORK: Final = 0.5
"""Share of a process that the first one spends on what it alone has: connections, TLS up to the log-in, the queue."""

LARGE: Final = 100_000_000
"""Octets of an account's file with which it weighs twice as much as an empty one."""

USED_WITHIN: Final = 7 * DAY
"""µs since the last log-in within which an account counts as used."""

USED: Final = 10.0
"""Times that a used account weighs more than one that only gets mail: its programs look for mail all day."""


class Division(msgspec.Struct, frozen=True):
    """The place of each account's owner; and the accounts that share something with `anyone`, for which all are in the
    first process.
    """

    places: Mapping[str, int]
    open_to_all: tuple[str, ...] = ()


async def divide_accounts(accounts: Accounts, auth: AuthDB, processes: int, now: int) -> Division:
    """Give all accounts to so many processes. No account is open yet. Raises StoreError: without ties that can be read,
    there is no division.
    """
    sizes = await trio.to_thread.run_sync(_sizes, accounts)
    logins = await auth.attempts.last_logins(sizes)
    last = {name: time for name, (time, _) in logins.items()}
    weights = {name: weight(size, last.get(name), now) for name, size in sizes.items()}
    return divide(weights, await auth.sharing.pairs(), processes)


def _sizes(accounts: Accounts) -> dict[str, int]:
    """Octets of the accounts' files, 0 for one that is lost: its owner tells why it can't be used. Blocking."""
    sizes = dict.fromkeys(accounts.names(), 0)
    for name in sizes:
        with suppress(OSError):
            sizes[name] = (accounts.path(name) / "account.db").stat().st_size
    return sizes


def weight(size: int, last_login: int | None, now: int) -> float:
    """How much work an account makes, by the octets of its file and the time of its last log-in (µs UTC)."""
    used = last_login is not None and now - last_login < USED_WITHIN
    return (1 + size / LARGE) * (USED if used else 1.0)


def divide(weights: Mapping[str, float], ties: Collection[tuple[str, str]], processes: int) -> Division:
    """Give all accounts of `weights` to so many processes.

    Args:
      ties: owner and guest, as in ``auth.db``; guests without an account are left out.
    """
    if open_to_all := sorted({owner for owner, guest in ties if guest == ANYONE and owner in weights}):
        return Division(dict.fromkeys(weights, FIRST), tuple(open_to_all))
    groups = [(math.fsum(weights[name] for name in group), group) for group in tied(weights, ties)]
    groups.sort(key=lambda group: (-group[0], group[1]))  # by name, too: equal starts divide equally
    loads = [0.0] * processes
    loads[FIRST] = FIRST_WORK * math.fsum(weights.values()) / processes
    places: dict[str, int] = {}
    for load, names in groups:
        # The last of equal ones, so that a single group is not in the process that has other work.
        place = min(range(processes), key=lambda number: (loads[number], -number))
        loads[place] += load
        places.update(dict.fromkeys(names, place))
    return Division(places)


def tied(names: Collection[str], ties: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The groups of these names between which there is no tie, each sorted."""
    above = {name: name for name in names}

    def top(name: str) -> str:
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    for owner, guest in ties:
        if owner in above and guest in above:
            above[top(owner)] = top(guest)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(above):
        groups[top(name)].append(name)
    return list(groups.values())
