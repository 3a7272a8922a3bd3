"""DNS as localserve sees it: this machine and the domains of the configuration, and nothing else (AUTH-14).

So no question leaves the machine, and what a domain signs and sends from here passes its checks. Domains of a single
label, as localhost, have neither SPF nor DKIM (AUTH-21, AUTH-35).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import trio

from moxlite.config.domains import DomainConfig
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.dkim.keys import key_record
from moxlite.net.resolver import MX, Answer, NotFound, Record, RecordType, Resolver, absolute
from moxlite.process.signingkeys import SigningKeys
from moxlite.proto.address import AddressError, Domain

__all__ = ["OwnZones"]

SPF: Final = "v=spf1 ip4:127.0.0.0/8 ip6:::1 -all"
"""Own domains send from this machine alone."""

TTL: Final = 60
"""Seconds; nothing remembers them."""

LOOPBACK: Final[Mapping[tuple[str, RecordType], Record]] = {
    ("localhost.", RecordType.A): IPv4Address("127.0.0.1"),
    ("localhost.", RecordType.AAAA): IPv6Address("::1"),
    (absolute(IPv4Address("127.0.0.1").reverse_pointer), RecordType.PTR): "localhost.",
    (absolute(IPv6Address("::1").reverse_pointer), RecordType.PTR): "localhost.",
}


class OwnZones(Resolver):
    """Answers from the configuration as it is now."""

    def __init__(self, current: Callable[[], Snapshot], keys: SigningKeys) -> None:
        self._current = current
        self._keys = keys

    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        if not name.endswith("."):
            raise ValueError(f"relative name {name!r}")
        await trio.lowlevel.checkpoint()
        name = name.lower()
        found = tuple(self._records(name, kind))
        if found:
            return Answer(found, False, TTL, name)
        known = any(tuple(self._records(name, one)) for one in RecordType)
        raise NotFound(f"no {kind} records at {name}", nonexistent=not known)

    def _records(self, name: str, kind: RecordType) -> Iterator[Record]:
        here = LOOPBACK.get((name, kind))
        if here is not None:
            yield here
        snapshot = self._current()
        selector, marker, domain = name.partition("._domainkey.")
        settings = _domain(snapshot, domain if marker else name)
        if settings is None:
            return
        if marker and kind is RecordType.TXT and selector in settings.dkim.selectors:
            key = self._keys.key(settings.dkim.selectors[selector].key_file)
            if key is not None:
                yield key_record(key)
        elif not marker and kind is RecordType.TXT:
            yield SPF
        elif not marker and kind is RecordType.MX:
            yield MX(10, absolute(snapshot.static.hostname.ascii))


def _domain(snapshot: Snapshot, name: str) -> DomainConfig | None:
    try:
        return snapshot.domain(Domain.parse(name.removesuffix(".")))
    except AddressError:
        return None
