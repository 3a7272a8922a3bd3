"""Bounces of messages that were sent on: they go home to the first sender (SMTP-159, AUTH-114).

Such an address exists for bounces alone. A recipient of a forwarded message could misuse it to reach its sender, so it
takes a few a day.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import trio

from moxlite.config.snapshot import Snapshot
from moxlite.proto.address import Address, Domain, Path
from moxlite.proto.srs import SRS, is_return_address

PER_DAY: Final = 10
"""Bounces of one address in 24 hours."""

DAY_SECONDS: Final = 86_400.0

MAX_COUNTED: Final = 10_000
"""Addresses that are counted; the one that was counted first is forgotten."""


class Homes:
    """Counts bounces by address."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, localpart: str) -> bool:
        """Count a bounce to an address; False if it had all of today's."""
        name, now = localpart.lower(), trio.current_time()
        began, count = self._counts.get(name, (now, 0))
        if now - began >= DAY_SECONDS:
            began, count = now, 0
        self._counts[name] = (began, count + 1)
        if len(self._counts) > MAX_COUNTED:
            self._counts.popitem(last=False)
        return count < PER_DAY


def home_of(srs: SRS, snapshot: Snapshot, path: Path, now: float) -> Address | None:
    """The first sender behind the recipient of a bounce; None for other recipients.

    Raises BadReturnAddress: the address has the form of one, but was not made here, or is too old.
    """
    if not isinstance(path.host, Domain) or not is_return_address(path.localpart):
        return None
    if snapshot.domain(path.host) is None:
        return None
    return srs.back(path.localpart, now)
