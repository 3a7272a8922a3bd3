"""Check of our IPv6 address: large providers refuse mail from one without a confirmed reverse name (QUEUE-47)."""

import logging
import socket
from ipaddress import IPv6Address
from typing import Final

import trio

from moxlite.mailauth import iprev
from moxlite.mailauth.results import IPRevStatus
from moxlite.metrics import Gauge
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import Resolver

logger = logging.getLogger("moxlite.queue.source")

CHECK_SECONDS: Final = 6 * 3600.0
"""Seconds between two checks of the name (QUEUE-47)."""

AGAIN_SECONDS: Final = 300.0
"""Seconds until the next check if DNS failed."""

SOMEWHERE: Final = ("2001:4860:4860::8888", 9)
"""An address on the internet, used to find the source address that the system would choose; nothing is sent to it."""

good_source: Final = Gauge("moxlite_queue_ipv6_source", "Whether mail goes out over IPv6: the address has a name.")


class IPv6Source:
    """Result of the checks: `good`, as given before the first `check`. `address`: the configured one, None if the
    system chooses it. `resolver`: None if no mail leaves this machine, and nothing is checked.
    """

    def __init__(self, resolver: Resolver | None, address: IPAddress | None = None, *, good: bool = False) -> None:
        self.good = good
        self._resolver = resolver
        self._address = address
        self._warned = False

    async def serve(self) -> None:
        """Check every six hours, for ever. Raises nothing."""
        while True:
            known = await self.check()
            await trio.sleep(CHECK_SECONDS if known else AGAIN_SECONDS)

    async def check(self) -> bool:
        """Check the reverse name of our source address. Returns False if DNS failed; `good` then keeps its value."""
        if self._resolver is None:
            return True
        address = self._address or own_address()
        if address is None:
            self._set(good=False)
            return True
        result = await iprev.check(self._resolver, address)
        if result.status is IPRevStatus.TEMPERROR:
            return False
        self._set(good=result.status is IPRevStatus.PASS)
        if not self.good and not self._warned:
            self._warned = True
            logger.warning(
                "mail goes out over IPv4 where possible, for the IPv6 address has no name that leads back to it",
                extra={"kv": {"ip": address, "problem": result.problem}},
            )
        return True

    def _set(self, *, good: bool) -> None:
        self.good = good
        good_source.set(int(good))


def own_address() -> IPv6Address | None:
    """The address from which the system would connect to the internet; None without IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.connect(SOMEWHERE)
            return IPv6Address(sock.getsockname()[0].partition("%")[0])
    except OSError:
        return None
