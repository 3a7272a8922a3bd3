"""How much may come to one account from one network (SMTP-81, SMTP-137, SMTP-137a).

Stored messages of the account are counted, so the counts survive restarts. Messages that are not stored do not count.
"""

from __future__ import annotations

from typing import Final

from moxlite.config.static import RateLimits
from moxlite.store.delivery.reputation import received_since
from moxlite.store.file.transaction import Reader
from moxlite.store.options import DAY

MINUTE: Final = 60_000_000
"""Microseconds of a minute."""

MIB: Final = 1 << 20


def exceeded(r: Reader, networks: tuple[str, str, str], size: int, limits: RateLimits, now: int) -> str:
    """The limit that one more message of `size` octets would exceed, or "". `networks` are ip1, ip2 and ip3; `now` is
    in µs UTC. For `account.read`.
    """
    windows = (
        ("minute", MINUTE, limits.messages_per_minute, limits.mebibytes_per_minute),
        ("day", DAY, limits.messages_per_day, limits.mebibytes_per_day),
    )
    for word, age, most, mebibytes in windows:
        found = received_since(r, networks, since=now - age, now=now)
        for network, past, number, room in zip(networks, found, most, mebibytes, strict=True):
            if past.count + 1 > number:
                return f"{past.count} messages in a {word} from {network}"
            if past.octets + size > room * MIB:
                return f"{past.octets} octets in a {word} from {network}"
    return ""
