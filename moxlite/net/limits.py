"""Rate limits by network of the remote address (SMTP-134..138, IMAP-15), and of what accounts begin (LINK-27).

An address belongs to three classes: the address itself, the network around it, and the network that a provider assigns
to one customer (`ip_classes`). Each class has its own limit, so that neither one host nor a rented network can try for
ever, while a big office behind one address can still connect.
"""

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

import msgspec
import trio

from moxlite.metrics import Counter as Metric
from moxlite.wording import worded

logger = logging.getLogger("moxlite.net.limits")

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network
ClassKey: TypeAlias = tuple[int, int]
"""Number of the class with the IP version in bit 2, and the network's leading bits."""

MASKS_4: Final = (32, 26, 21)
MASKS_6: Final = (64, 48, 32)

MAX_KEYS: Final = 200_000
"""Maximum networks remembered per limiter, about 30 MB. Beyond it the one seen first is forgotten (SMTP-134)."""


class Window(msgspec.Struct, frozen=True):
    """At most `limits` (one per class) events within each `seconds`, counted in windows that begin at multiples of
    it.
    """

    seconds: int
    limits: tuple[int, int, int]


NEW_CONNECTIONS: Final = (Window(60, (300, 900, 2700)),)
"""Maximum new connections per minute, per class (SMTP-135, IMAP-15)."""
OPEN_CONNECTIONS: Final = (30, 90, 270)
"""Maximum open connections, per class (SMTP-135, IMAP-15)."""


RATE: Final = 1024
"""Octets a second, on average: the rate of GPRS. At a lower rate even a message of the usual 75 KiB takes over a
minute.
"""

RATE_GRACE: Final = 180.0
"""Seconds before the average is checked: RFC 5321 §4.5.3.2.5 allows as many for a single block."""


def unmap(ip: IPAddress) -> IPAddress:
    """An IPv4-mapped IPv6 address (::ffff:192.0.2.1) as the IPv4 address that it is."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def within(ip: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    """Whether an address belongs to one of these networks."""
    address = unmap(ip)
    return any(address in network for network in networks)


def ip_classes(ip: IPAddress) -> tuple[ClassKey, ClassKey, ClassKey]:
    """The three networks that `ip` counts for."""
    ip = unmap(ip)
    bits, base, masks = (32, 0, MASKS_4) if ip.version == 4 else (128, 4, MASKS_6)
    value = int(ip)
    return (
        (base, value >> (bits - masks[0])),
        (base + 1, value >> (bits - masks[1])),
        (base + 2, value >> (bits - masks[2])),
    )


def network_of(key: ClassKey) -> IPNetwork:
    """The network of a key of `ip_classes`; for IPv4 the first class is a single address."""
    which, value = key
    if which & 4:
        mask = MASKS_6[which & 3]
        return IPv6Network((value << (128 - mask), mask))
    mask = MASKS_4[which & 3]
    return IPv4Network((value << (32 - mask), mask))


def is_exempt(ip: IPAddress, networks: Sequence[IPNetwork]) -> bool:
    """Whether an address is in one of the networks."""
    ip = unmap(ip)
    return any(ip in network for network in networks)


class _Table:
    """The counts of one window."""

    __slots__ = ("counts", "max_keys", "number", "window")

    def __init__(self, window: Window, max_keys: int) -> None:
        self.window = window
        self.max_keys = max_keys
        self.number = 0
        self.counts: OrderedDict[ClassKey, int] = OrderedDict()

    def roll(self, now: float) -> None:
        number = int(now // self.window.seconds)
        if number != self.number:
            self.number = number
            self.counts.clear()

    def fits(self, keys: Sequence[ClassKey], n: int) -> bool:
        return all(self.counts.get(key, 0) + n <= limit for key, limit in zip(keys, self.window.limits, strict=True))

    def add(self, keys: Sequence[ClassKey], n: int) -> None:
        for key in keys:
            if key in self.counts:
                self.counts[key] += n
                continue
            if len(self.counts) >= self.max_keys:
                self.counts.popitem(last=False)
            self.counts[key] = n


class RateLimiter:
    """Counts events per network in clock-aligned windows.

    Only events that are let through count, so hammering does not prolong a refusal.
    """

    def __init__(
        self,
        windows: Iterable[Window],
        *,
        exempt: Sequence[IPNetwork] = (),
        clock: Callable[[], float] = time.time,
        max_keys: int = MAX_KEYS,
    ) -> None:
        windows = tuple(windows)
        self.exempt = tuple(exempt)
        self._clock = clock
        self._tables = tuple(_Table(window, max(3, max_keys // len(windows))) for window in windows)

    def add(self, ip: IPAddress, n: int = 1) -> bool:
        """Count `n` events of `ip` if all its limits allow them. False: refused, nothing is counted."""
        if is_exempt(ip, self.exempt):
            return True
        keys = ip_classes(ip)
        if not self._fit(keys, n):
            return False
        for table in self._tables:
            table.add(keys, n)
        return True

    def allowed(self, ip: IPAddress, n: int = 1) -> bool:
        """Whether `add` would let `n` more events of `ip` pass."""
        return is_exempt(ip, self.exempt) or self._fit(ip_classes(ip), n)

    def _fit(self, keys: Sequence[ClassKey], n: int) -> bool:
        now = self._clock()
        for table in self._tables:
            table.roll(now)
        return all(table.fits(keys, n) for table in self._tables)


class MinimumRate:
    """Whether the octets of a message come fast enough to wait for them (SMTP-14)."""

    __slots__ = ("_began", "_octets")

    def __init__(self) -> None:
        self._began = trio.current_time()
        self._octets = 0

    def add(self, octets: int) -> bool:
        """Count received octets. False: on average they come too slowly."""
        self._octets += octets
        seconds = trio.current_time() - self._began
        return seconds <= RATE_GRACE or self._octets >= seconds * RATE


class OpenConnections:
    """The number of open connections per network."""

    def __init__(self, limits: tuple[int, int, int] = OPEN_CONNECTIONS, *, exempt: Sequence[IPNetwork] = ()) -> None:
        self.limits = limits
        self.exempt = tuple(exempt)
        self._counts: dict[ClassKey, int] = {}

    def acquire(self, ip: IPAddress) -> bool:
        """Count one more connection of `ip`. False: one of its networks is full, nothing is counted."""
        keys = ip_classes(ip)
        if not is_exempt(ip, self.exempt) and any(
            self._counts.get(key, 0) >= limit for key, limit in zip(keys, self.limits, strict=True)
        ):
            return False
        for key in keys:
            self._counts[key] = self._counts.get(key, 0) + 1
        return True

    def release(self, ip: IPAddress) -> None:
        """Stop counting a connection that `acquire` counted."""
        for key in ip_classes(ip):
            left = self._counts[key] - 1
            if left:
                self._counts[key] = left
            else:
                del self._counts[key]

    def pressure(self, ip: IPAddress) -> float:
        """The used share of the fullest limit that applies to `ip`, from 0 to 1. Above 0.8 sessions shorten their
        timeouts (SMTP-14).
        """
        if is_exempt(ip, self.exempt):
            return 0.0
        return max(
            self._counts.get(key, 0) / limit if limit else 1.0
            for key, limit in zip(ip_classes(ip), self.limits, strict=True)
        )


# Log-ins at other servers (LINK-27)


HOUR: Final = 3600
"""Seconds in which log-ins are counted: an account that was stopped waits for the end of the hour, as the text says."""

SEARCHES: Final = 30
"""Searches for servers an account may begin in an hour: each asks up to nine hosts that a user names."""

TOO_OFTEN: Final = "too many connection attempts from this account; try again in {minutes} min"

logins_elsewhere_limited: Final = Metric(
    "moxlite_logins_elsewhere_limited",
    "Logins at other servers, and server searches, rejected because of account limits.",
)


class TooManyLogins(Exception):
    """An account has begun too many log-ins at other servers in this hour. `seconds`: until the next hour."""

    def __init__(self, text: str, seconds: int) -> None:
        super().__init__(text)
        self.seconds = seconds


class LoginsElsewhere:
    """Counts the log-ins at other servers that accounts begin, in hours of the clock.

    Without a limit a user could try passwords of others there, or have those servers lock out this one. A log-in counts
    before it is tried, so that many at once do not pass. All methods take "" as the administrator, who has no limit.

    Args:
      per_account: log-ins of an account in an hour.
      per_user: of these, ones that were rejected, as one user of a server.
    """

    def __init__(self, per_account: int, per_user: int, *, clock: Callable[[], float] = time.time) -> None:
        self._limits = {1: per_account, 2: SEARCHES, 3: per_user}  # by the length of a key
        self._clock = clock
        self._hour = 0
        self._counts: Counter[tuple[str, ...]] = Counter()

    def begin(self, account: str, host: str, user: str) -> Callable[[], None]:
        """Count a log-in as a user of a server. Raises TooManyLogins: nothing was counted.

        Returns a function to call when the password was accepted, or the server didn't say that it's wrong: from then
        on, the log-in counts for the account alone.
        """
        key = (account, host.lower(), user.lower())
        self._count((account,), key)
        begun = bool(account)
        hour = self._hour

        def clear() -> None:
            nonlocal begun
            if begun and hour == self._hour:
                self._counts[key] -= 1
            begun = False

        return clear

    def begin_again(self, account: str) -> None:
        """Count a log-in with a password that was accepted before. Raises TooManyLogins."""
        self._count((account,))

    def search(self, account: str) -> None:
        """Count a search for servers. Raises TooManyLogins."""
        self._count((account, "search"))

    def _count(self, *keys: tuple[str, ...]) -> None:
        account = keys[0][0]
        if not account:
            return
        now = self._clock()
        if self._hour != (hour := int(now // HOUR)):
            self._hour = hour
            self._counts.clear()
        if any(self._counts[key] >= self._limits[len(key)] for key in keys):
            logins_elsewhere_limited.inc()
            logger.info(
                "too many logins to other servers", extra={"kv": {"account": account, "for": " ".join(keys[-1][1:])}}
            )
            seconds = HOUR - int(now % HOUR)
            raise TooManyLogins(worded(TOO_OFTEN, minutes=-(-seconds // 60)), seconds)
        self._counts.update(keys)
