"""DNS for localserve: only this machine and the domains of the configuration (AUTH-14).

No query leaves the machine, and mail that a domain signs and sends from here passes its checks. Domains of a single
label, such as localhost, have neither SPF nor DKIM (AUTH-21, AUTH-35).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import trio

from moxlite.config.domains import DomainConfig
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.mailauth.dkim.sign import key_record
from moxlite.net.resolver import MX, Answer, NotFound, Record, RecordType, Resolver, absolute
from moxlite.process.keys.signing import SigningKeys
from moxlite.proto.address import AddressError, Domain

SPF: Final = "v=spf1 ip4:127.0.0.0/8 ip6:::1 -all"
"""SPF record of the configured domains: they send from this machine only."""

TTL: Final = 60
"""Seconds; nothing caches the records."""

LOOPBACK: Final[Mapping[str, Sequence[tuple[RecordType, Record]]]] = {
    "localhost.": ((RecordType.A, IPv4Address("127.0.0.1")), (RecordType.AAAA, IPv6Address("::1"))),
    absolute(IPv4Address("127.0.0.1").reverse_pointer): ((RecordType.PTR, "localhost."),),
    absolute(IPv6Address("::1").reverse_pointer): ((RecordType.PTR, "localhost."),),
}


class OwnZones(Resolver):
    """Resolver with records made from the present configuration."""

    def __init__(self, config: CurrentConfig, keys: SigningKeys) -> None:
        self._config = config
        self._keys = keys

    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        if not name.endswith("."):
            raise ValueError(f"relative name {name!r}")
        await trio.lowlevel.checkpoint()
        name = name.lower()
        records = dict(self._records(name))
        if kind in records:
            return Answer((records[kind],), False, TTL, name)
        text = f"no {kind} records at {name}, and localserve asks no other machine"
        raise NotFound(text, nonexistent=not records, name=name)

    def _records(self, name: str) -> Iterator[tuple[RecordType, Record]]:
        """The records of a name, at most one of each type."""
        yield from LOOPBACK.get(name, ())
        snapshot = self._config.current
        selector, marker, domain = name.partition("._domainkey.")
        settings = _domain(snapshot, domain if marker else name)
        if settings is None:
            return
        if not marker:
            yield RecordType.TXT, SPF
            yield RecordType.MX, MX(10, absolute(snapshot.static.hostname.ascii))
        elif selector in settings.dkim.selectors:
            key = self._keys.key(settings.dkim.selectors[selector].key_file)
            if key is not None:
                yield RecordType.TXT, key_record(key)


def _domain(snapshot: Snapshot, name: str) -> DomainConfig | None:
    try:
        return snapshot.domain(Domain.parse(name.removesuffix(".")))
    except AddressError:
        return None
