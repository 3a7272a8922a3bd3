"""Changes of DNS records at a name server, by updates with a key (RFC 2136, RFC 8945; ADMIN-71a). Blocks."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.tsig
import dns.update
import msgspec

from moxlite.admin.dns.plan import Change, Found, Plan, Slot, make_plan
from moxlite.admin.dns.wanted import Kind, Wanted
from moxlite.admin.dns.zonefile import TTL
from moxlite.net.limits import IPAddress

SECONDS: Final = 10.0
"""Seconds for one query or update."""

MAX_QUERIES: Final = 300
"""Queries for one plan. A domain with all records has sixty names."""

T = TypeVar("T")

CHANGED: Final = frozenset({dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN})
"""Codes that mean: a prerequisite is not true any more (RFC 2136 §3.2)."""


class NoAnswer(Exception):
    """The server did not answer, or not for now."""


class UpdateRefused(Exception):
    """The server does not take the update or the key, or has other records now than a moment ago."""


class NameServer(msgspec.Struct, frozen=True):
    """The primary server of zones, and the key that may change them."""

    ip: IPAddress
    port: int
    key: dns.tsig.Key


class ZonePlan(msgspec.Struct, frozen=True):
    """Changes in one zone; ``plan.left`` also names records that cannot be changed at this server."""

    zone: str
    plan: Plan


def plan_update(server: NameServer, wanted: Iterable[Wanted], *, replace: bool = False) -> list[ZonePlan]:
    """Compare wanted records with those at the server. Records for DANE are left out of zones without DNSSEC.

    Args:
      replace: as for `make_plan`.

    Returns: the plan of each zone; one without a name for records of zones that the server does not have.
    Raises NoAnswer, UpdateRefused.
    """
    asking = _Asking(server)
    zones: dict[str, list[Wanted]] = {}
    left: list[str] = []
    for one in wanted:
        zone = asking.zone(dns.name.from_text(one.name))
        if zone is None:
            left.append(f"{one.name} {one.kind} is not changed: {server.ip} does not have its zone")
        elif not one.live and not asking.records(zone, dns.rdatatype.DNSKEY):
            left.append(f"{one.name} {one.kind} is not added: {zone} is not signed with DNSSEC")
        else:
            zones.setdefault(zone.to_text(), []).append(one)
    plans = [
        ZonePlan(zone, make_plan(records, asking.found(records), replace=replace)) for zone, records in zones.items()
    ]
    return [*plans, ZonePlan("", Plan((), tuple(dict.fromkeys(left))))] if left else plans


def send_update(server: NameServer, zone: str, changes: Sequence[Change]) -> None:
    """Make changes of one zone, all or none, if the records have not changed since the plan.

    Raises NoAnswer, UpdateRefused.
    """
    update = dns.update.UpdateMessage(zone, keyring=server.key)
    for change in changes:
        name = dns.name.from_text(change.name)
        if change.before:
            for data in change.before:
                update.present(name, data)
        else:
            update.absent(name, change.kind)
        for data in change.remove:
            update.delete(name, data)
        for data in change.add:
            update.add(name, TTL, data)
    response = _exchange(server, lambda: dns.query.tcp(update, str(server.ip), timeout=SECONDS, port=server.port))
    code = response.rcode()
    if code in CHANGED:
        raise UpdateRefused(f"the records of {zone} have changed meanwhile: try again")
    if code == dns.rcode.SERVFAIL:
        raise NoAnswer(f"{server.ip} could not change {zone} (SERVFAIL)")
    if code != dns.rcode.NOERROR:
        raise UpdateRefused(f"{server.ip} refused to change {zone}: {dns.rcode.to_text(code)}")


def _exchange(server: NameServer, work: Callable[[], T]) -> T:
    try:
        return work()
    except dns.tsig.PeerBadTime:
        raise UpdateRefused(f"the clocks of {server.ip} and of this machine differ too much") from None
    except (dns.tsig.PeerError, dns.tsig.BadSignature, dns.tsig.BadKey) as error:
        raise UpdateRefused(f"{server.ip} does not know the key {server.key.name}: {error}") from None
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise NoAnswer(f"{server.ip} port {server.port}: {type(error).__name__}: {error}") from None


class _Asking:
    """Queries to the server for one plan; each set of records is asked for once."""

    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._zones: dict[dns.name.Name, dns.name.Name | None] = {}
        self._answers: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.message.Message] = {}

    def zone(self, name: dns.name.Name) -> dns.name.Name | None:
        """The zone of a name, if the server is its authority."""
        if name not in self._zones:
            answer = self._ask(name, dns.rdatatype.SOA)
            sections = (*answer.answer, *answer.authority)
            soa = next((one.name for one in sections if one.rdtype == dns.rdatatype.SOA), None)
            known = answer.flags & dns.flags.AA and soa is not None and name.is_subdomain(soa)
            self._zones[name] = soa if known else None
        return self._zones[name]

    def records(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> tuple[dns.rdata.Rdata, ...]:
        """The records of a name and type, () if the name has no such records; an alias is not followed."""
        answer = self._ask(name, kind)
        return tuple(data for one in answer.answer if one.name == name and one.rdtype == kind for data in one)

    def found(self, wanted: Iterable[Wanted]) -> Found:
        """The sets of the wanted records, and those that could be in their way."""
        found: dict[Slot, tuple[dns.rdata.Rdata, ...]] = {}
        for one in wanted:
            others: tuple[Kind, ...] = ("A", "AAAA", "TXT", "MX") if one.kind == "CNAME" else ("CNAME",)
            for kind in (one.kind, *others):
                found[one.name.lower(), kind] = self.records(
                    dns.name.from_text(one.name), dns.rdatatype.from_text(kind)
                )
        return found

    def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        if (name, kind) not in self._answers:
            if len(self._answers) >= MAX_QUERIES:
                raise UpdateRefused(f"more than {MAX_QUERIES} queries for one plan")
            query = dns.message.make_query(name, kind)
            query.flags &= ~dns.flags.RD
            query.use_tsig(self._server.key)
            where, port = str(self._server.ip), self._server.port
            self._answers[name, kind] = _exchange(
                self._server, lambda: dns.query.tcp(query, where, timeout=SECONDS, port=port)
            )
        return self._answers[name, kind]
