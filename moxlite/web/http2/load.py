"""The limits of HTTP/2 over all connections: requests at once by network, and octets of bodies that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from moxlite.net.limits import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moxlite.net.limits import IPAddress, IPNetwork, OpenConnections

MAX_HELD: Final = 12 << 20
"""Octets of request bodies that have come and that no handler has read yet."""


class Load:
    """Counts over all connections.

    Args:
      requests: requests in progress beyond the first one of each connection. With HTTP/1.1 each of them would have a
        connection of its own, so the limits are the same (WEB-14).
    """

    __slots__ = ("held", "requests")

    def __init__(self, requests: OpenConnections) -> None:
        self.requests = requests
        self.held = 0

    def hold(self, octets: int) -> bool:
        """Count octets that wait to be read; False: there are too many already, nothing is counted."""
        if self.held + octets > MAX_HELD:
            return False
        self.held += octets
        return True

    def free(self, octets: int) -> None:
        """Stop counting octets that `hold` counted."""
        self.held -= octets


class Share:
    """The part of one connection in the load.

    Args:
      ip: the client.
      proxies: networks whose connections carry the requests of many clients, and are not limited.
    """

    __slots__ = ("_ip", "_limited", "load")

    def __init__(self, load: Load, ip: IPAddress, proxies: Sequence[IPNetwork]) -> None:
        self.load = load
        self._ip = ip
        self._limited = not within(ip, proxies)

    def acquire(self) -> bool:
        """Count one more request; False if the client's network has too many."""
        return not self._limited or self.load.requests.acquire(self._ip)

    def release(self) -> None:
        """Stop counting a request."""
        if self._limited:
            self.load.requests.release(self._ip)
