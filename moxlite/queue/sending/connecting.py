"""Connecting to hosts, as the transports of direct delivery do, and our name in EHLO (QUEUE-32)."""

from collections.abc import Sequence
from typing import Literal

import msgspec
import trio

from moxlite.config.transports import Transport
from moxlite.net.addresses import is_internal
from moxlite.net.dial import CONNECT_SECONDS, INNER, TIMEOUT, Dialed, DialError, LocalAddresses
from moxlite.net.limits import IPAddress
from moxlite.net.socks import SocksError, connect_through_socks
from moxlite.proto.smtp.errors import SMTPError
from moxlite.queue import metrics
from moxlite.queue.context import Context, Dial
from moxlite.queue.hosts.hosts import addresses_of


class Way(msgspec.Struct, frozen=True):
    """Settings for connecting to hosts: address family (None: both), function that connects, and our name in EHLO.
    ``avoid_ipv6``: use IPv6 only for hosts without an IPv4 address.
    """

    ehlo_name: str
    dial: Dial
    family: Literal[4, 6] | None = None
    avoid_ipv6: bool = False


def direct_way(ctx: Context, transport: Transport | None) -> Way:
    """The `Way` of a transport of direct delivery, or the default one without a transport."""
    own_name = ctx.config.current.static.hostname.ascii
    if transport is not None and (socks := transport.socks) is not None:
        return Way(socks.remote_hostname.ascii, SocksDial(ctx, socks.address))
    if transport is not None and (direct := transport.direct) is not None:
        if direct.disable_ipv4:
            return Way(own_name, ctx.dial, 6)
        if direct.disable_ipv6:
            return Way(own_name, ctx.dial, 4)
    return Way(own_name, ctx.dial, avoid_ipv6=not ctx.ipv6.good)


class NotConnected(SMTPError):
    """No address of the host takes a connection."""

    def __init__(self, text: str) -> None:
        super().__init__(False, 0, "4.4.1", "connect", text)


async def connect(
    dial: Dial,
    addresses: Sequence[IPAddress],
    port: int,
    *,
    inside: bool,
    local: LocalAddresses | None = None,
    seconds: float = CONNECT_SECONDS,
) -> Dialed:
    """Connect to the first address that answers, within `seconds`, and count the result. `inside`: addresses of the
    internal network are allowed (QUEUE-152). Raises NotConnected; SMTPError if a proxy cannot be found.
    """
    result = "canceled"
    try:
        dialed = await dial(addresses, port, inside=inside, local=local, seconds=seconds)
        result = "ok"
    except DialError as exc:
        result = "timeout" if exc.failures and all(text == TIMEOUT for _, text in exc.failures) else "error"
        raise NotConnected(str(exc)) from exc
    except SMTPError:
        result = "error"
        raise
    finally:
        metrics.connections.labels(result=result).inc()
    return dialed


class SocksDial:
    """Connects through a SOCKS5 proxy, with a new connection to the proxy for each address."""

    def __init__(self, ctx: Context, address: str) -> None:
        self._ctx = ctx
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)

    async def __call__(
        self,
        addresses: Sequence[IPAddress],
        port: int,
        *,
        inside: bool,
        local: LocalAddresses | None = None,
        seconds: float = CONNECT_SECONDS,
    ) -> Dialed:
        """As `net.dial.dial`; the local addresses are used for the connection to the proxy. Raises DialError, or
        NoHosts for the proxy.
        """
        proxies = await self._proxies()
        failures: list[tuple[IPAddress, str]] = []
        end = trio.current_time() + seconds
        for index, ip in enumerate(addresses):
            if not inside and is_internal(ip):  # the proxy may be in our network
                failures.append((ip, INNER))
                continue
            share = max(0.0, end - trio.current_time()) / (len(addresses) - index)
            next_one = trio.current_time() + share
            dialed = await self._ctx.dial(proxies, self._port, inside=True, local=local, seconds=share)
            try:
                with trio.fail_at(next_one):
                    await connect_through_socks(dialed.stream, ip, port)
            except trio.TooSlowError:
                failures.append((ip, TIMEOUT))
            except (SocksError, trio.BrokenResourceError) as exc:
                failures.append((ip, str(exc) or "connection to the proxy broke"))
            else:
                return Dialed(dialed.stream, ip)
            await trio.aclose_forcefully(dialed.stream)
        raise DialError(failures)

    async def _proxies(self) -> Sequence[IPAddress]:
        found = await addresses_of(self._host, self._ctx.resolver, self._ctx.random, configured=True)
        return found.ips
