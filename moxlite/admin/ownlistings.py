"""Watching block lists for this server's own addresses (ADMIN-59)."""

import logging
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import trio

from moxlite.admin.dns.wanted import own_ips
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.mailauth.dnsbl import DNSBLResult, DNSBLStatus, check
from moxlite.metrics import Gauge
from moxlite.net.dial import CONNECT_SECONDS, Dialed, LocalAddresses, dial
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import Resolver
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.admin.ownlistings")

PERIOD: Final = 3 * 3600.0
"""Seconds between two rounds of queries."""

CONNECTIONS: Final = 100
"""Outgoing connections after which the next round is earlier: bulk senders are listed soon."""

SHORTEST: Final = 300.0
"""Seconds between two rounds at least, however much is sent."""

APART: Final = 1.0
"""Seconds between two queries: lists count them."""

success: Final = Gauge(
    "moxlite_dnsbl_ips_success",
    "Server addresses on block lists: 1 not listed, 0 listed, -1 no response from the list.",
    ["zone", "ip"],
)

VALUES: Final = {DNSBLStatus.PASS: 1.0, DNSBLStatus.FAIL: 0.0, DNSBLStatus.TEMPERROR: -1.0}


class ListingResult(NamedTuple):
    """The last result of a list for an address, and when it came, seconds UTC."""

    result: DNSBLResult
    at: float


def watched_zones(snapshot: Snapshot) -> list[str]:
    """The zones of all listeners, and zones that are only watched, each once (A-labels)."""
    zones = [zone for listener in snapshot.static.listeners.values() for zone in listener.smtp.dnsbls]
    return list(dict.fromkeys(zone.ascii for zone in (*zones, *snapshot.domains.monitor_dnsbls)))


class OwnListings:
    """Queries the lists; results are in the metric, changes in the log."""

    def __init__(self, config: CurrentConfig, resolver: Resolver) -> None:
        self._config = config
        self._resolver = resolver
        self._wakeup = Wakeup()
        self._connections = 0
        self._known: dict[tuple[str, str], ListingResult] = {}

    def connected(self) -> None:
        """Count a connection to another mail server."""
        self._connections += 1
        if self._connections >= CONNECTIONS:
            self._wakeup.set()

    async def dial(
        self,
        addresses: Sequence[IPAddress],
        port: int,
        *,
        inside: bool,
        local: LocalAddresses | None = None,
        seconds: float = CONNECT_SECONDS,
    ) -> Dialed:
        """Connect to another mail server, and count it. Raises DialError."""
        dialed = await dial(addresses, port, inside=inside, local=local, seconds=seconds)
        self.connected()
        return dialed

    def reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """domains.toml has changed: query soon if the lists have changed."""
        if watched_zones(old) != watched_zones(new):
            self._wakeup.set()

    async def serve(self) -> None:
        """Query every 3 h, and more often if much is sent, for ever.

        Errors: does not raise; a list that does not answer has a value of the metric.
        """
        while True:
            self._wakeup.clear()
            self._connections = 0
            await self.look()
            with trio.move_on_after(PERIOD):
                await trio.sleep(SHORTEST)  # first, whatever wakes it: lists block resolvers that ask too often
                await self._wakeup.wait()

    async def look(self) -> None:
        """Query each list for each address. Addresses and lists that are no longer watched lose their metric."""
        snapshot = self._config.current
        wanted = [(zone, ip) for zone in watched_zones(snapshot) for ip in own_ips(snapshot) or ()]
        for key in self._known.keys() - {(zone, str(ip)) for zone, ip in wanted}:
            del self._known[key]
            success.remove(*key)
        for number, (zone, ip) in enumerate(wanted):
            if number:
                await trio.sleep(APART)
            await self.ask(zone, ip)

    def known(self, zone: str, ip: IPAddress) -> ListingResult | None:
        """The last result of a list for an own address; None before the first query."""
        return self._known.get((zone, str(ip)))

    async def ask(self, zone: str, ip: IPAddress) -> ListingResult:
        """Query a list for an own address."""
        result = await check(self._resolver, zone, ip)
        key = zone, str(ip)
        success.labels(*key).set(VALUES[result.status])
        former = self._known.get(key)
        before = DNSBLStatus.PASS if former is None else former.result.status
        self._known[key] = asked = ListingResult(result, time.time())
        kv = {"zone": zone, "ip": ip, "explanation": result.explanation or None}
        if result.status is DNSBLStatus.FAIL and before is not DNSBLStatus.FAIL:
            logger.error("own address is on a block list", extra={"kv": kv})
        elif before is DNSBLStatus.FAIL and result.status is DNSBLStatus.PASS:
            logger.info("own address removed from block list", extra={"kv": kv})
        return asked
