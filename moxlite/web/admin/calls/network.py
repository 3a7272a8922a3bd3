"""The calls about own addresses on block lists, reverse names, and transports (WEB-87)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Final, Literal, TypeAlias

import trio
from msgspec import Meta

from moxlite.admin.dns.wanted import own_ips
from moxlite.admin.ownlistings import Asked, watched_zones
from moxlite.config.domains import Route
from moxlite.config.masking import masked_table
from moxlite.config.snapshot import Snapshot
from moxlite.config.transports import Transport
from moxlite.mailauth.iprev import check as check_reverse
from moxlite.net.dnssec.resolver import validating
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import Resolver
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.machinetypes import Listing, OwnAddresses, ReverseName, TransportRow
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, NotFound, Unavailable

Word = Annotated[str, Meta(max_length=320)]

NOT_ASKED: Final = "localserve asks nothing outside of this machine."

AT_A_TIME: Final = 20
"""Look-ups that run at a time."""

Method: TypeAlias = Literal["submissions", "submission", "smtp", "socks", "direct", "fail"]
METHODS: Final[tuple[Method, ...]] = ("submissions", "submission", "smtp", "socks", "direct", "fail")


class NetworkCalls(AdminCalls):
    """How others see this server, and by which ways its mail goes out."""

    _lookups: trio.CapacityLimiter | None = None

    @call()
    async def own_addresses(self, caller: Caller) -> OwnAddresses:
        """The addresses by which others know this server, with the last result of each block list."""
        await trio.lowlevel.checkpoint()
        snapshot, listings = self._server.config(), self._server.machinery.listings
        ips = own_ips(snapshot)
        refusing = {zone.ascii for one in snapshot.static.listeners.values() for zone in one.smtp.dnsbls}
        return OwnAddresses(
            hostname=snapshot.static.hostname.ascii,
            known=ips is not None,
            asks=self._server.outside is not None,
            ips=[str(ip) for ip in ips or ()],
            refusing=sorted(refusing),
            listings=[
                _listing(zone, ip, listings.known(zone, ip)) for zone in watched_zones(snapshot) for ip in ips or ()
            ],
        )

    @call()
    async def listing_check(self, caller: Caller, zone: Word, ip: Word) -> Listing:
        """Query a block list that is watched, for an own address; takes up to a minute."""
        self._outside()
        snapshot = self._server.config()
        wanted = _address(ip)
        if zone not in watched_zones(snapshot) or wanted not in (own_ips(snapshot) or ()):
            raise NotFound("This list is not watched for this address.")
        async with self._limit:
            return _listing(zone, wanted, await self._server.machinery.listings.ask(zone, wanted))

    @call()
    async def reverse_lookup(self, caller: Caller, ip: Word) -> ReverseName:
        """The reverse names of an address that lead back to it, as other mail servers want; takes up to a minute."""
        resolver, wanted = self._outside(), _address(ip)
        async with self._limit:
            found = await check_reverse(validating(resolver), wanted)
        return ReverseName(
            ip=str(wanted),
            status=found.status.value,
            name=found.name,
            names=list(found.names),
            problem=found.problem,
            authentic=found.authentic,
        )

    @call()
    async def transport_list(self, caller: Caller) -> list[TransportRow]:
        """The transports of moxlite.toml, without passwords, and where routes choose them."""
        await trio.lowlevel.checkpoint()
        snapshot = self._server.config()
        used: dict[str, list[str]] = {}
        for place, route in _routes(snapshot):
            used.setdefault(route.transport, []).append(place)
        return [_transport(name, one, used.get(name, [])) for name, one in sorted(snapshot.static.transports.items())]

    @property
    def _limit(self) -> trio.CapacityLimiter:
        if self._lookups is None:
            self._lookups = trio.CapacityLimiter(AT_A_TIME)
        return self._lookups

    def _outside(self) -> Resolver:
        if self._server.outside is None:
            raise Unavailable(NOT_ASKED)
        return self._server.outside.resolver


def _address(text: str) -> IPAddress:
    try:
        return ip_address(text.strip())
    except ValueError:
        raise FieldErrors([FieldError("ip", "is not an IP address")]) from None


def _listing(zone: str, ip: IPAddress, asked: Asked | None) -> Listing:
    if asked is None:
        return Listing(zone=zone, ip=str(ip), status="unknown")
    found = asked.result
    return Listing(
        zone=zone,
        ip=str(ip),
        status=found.status.value,
        at=round(asked.at * 1e6),
        explanation=found.explanation,
        problem=found.problem,
    )


def _transport(name: str, one: Transport, used: list[str]) -> TransportRow:
    method: Method = next((word for word in METHODS if getattr(one, word) is not None), "direct")
    settings = masked_table(one).get(method, {})
    return TransportRow(name=name, method=method, settings=settings, used=used)


def _routes(snapshot: Snapshot) -> Iterator[tuple[str, Route]]:
    """All routes, each with the words for its place."""
    domains = snapshot.domains
    yield from (("all mail", route) for route in domains.routes)
    for domain, settings in domains.domains.items():
        yield from ((f"domain {domain}", route) for route in settings.routes)
    for account, one in domains.accounts.items():
        yield from ((f"account {account}", route) for route in one.routes)
