"""The zones of our domains: at providers, and at servers that take updates with a key; plans over several of them, and
what the authoritative servers serve (ADMIN-71c). Blocks.
"""

import contextlib
import ipaddress
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Protocol, TypeAlias

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

from moxlite.admin.dns.plan import (
    Change,
    Data,
    Found,
    Note,
    Ours,
    Plan,
    Published,
    Slot,
    ZonePlan,
    make_plan,
    reversed_changes,
    slots_of,
)
from moxlite.admin.dns.update import KeyedServer, NameServer, NoAnswer, UpdateRefused, own_records, parse_key
from moxlite.admin.dns.wanted import Kind, WantedRecord
from moxlite.admin.dnsproviders.accounts import KNOWN, RFC2136, ProviderFailed, Stored, read_zone, write_zone
from moxlite.admin.dnsproviders.messages import Account, Edit, data_of, text_data
from moxlite.net.dns.client import PORT, Servers
from moxlite.wording import plain_reason

SECONDS: Final = 5.0
"""Seconds for one query."""

AGREE_SECONDS: Final = 180.0
"""Seconds in which all authoritative servers should have a change: deSEC says one minute, others less."""

PAUSE: Final = 3.0
"""Seconds between two looks at them."""

DAY: Final = 86_400.0
"""Seconds that others may remember a missing name, where no server tells: more is not sensible (RFC 2308 §5)."""

MAX_SERVERS: Final = 12
"""Authoritative servers that are asked, of a zone, and addresses of one; thirteen are the most of any (the root)."""

Place: TypeAlias = tuple[str, int]
"""Address and port of a name server."""


class Access(Protocol):
    """A place where records are read and changed. All methods raise NoAnswer, UpdateRefused."""

    @property
    def title(self) -> str:
        """The place, for people."""

    def zone(self, name: str) -> str | None:
        """The zone of an absolute name, None if it is not here."""

    def signed(self, zone: str) -> bool:
        """Whether the zone has DNSSEC."""

    def found(self, zone: str, slots: Iterable[Slot]) -> Found:
        """Sets of records, as they are here now."""

    def send(self, zone: str, changes: Sequence[Change]) -> None:
        """Make changes whose sets are still as the plan saw them."""

    def authorities(self, zone: str) -> Sequence[Place]:
        """Servers of the zone that are known here."""


class Authorities:
    """Authoritative servers, found by a resolver.

    Args:
      servers: the resolver's, asked in their order.
      port: of the authoritative servers.
    """

    def __init__(self, servers: Servers, port: int = PORT) -> None:
        self._resolvers: Final = [(str(ip), servers.port) for ip in servers.addresses]
        self._port = port
        self._servers: dict[str, list[tuple[Place, ...]]] = {}
        self._signed: dict[str, bool] = {}

    def servers(self, zone: str) -> list[tuple[Place, ...]]:
        """The addresses of each server of a zone; none if they are not found."""
        if zone not in self._servers:
            names = [data.to_text() for data in self._recursive(zone, dns.rdatatype.NS)]
            found = [
                tuple(
                    (data.to_text(), self._port)
                    for kind in (dns.rdatatype.A, dns.rdatatype.AAAA)
                    for data in self._recursive(name, kind)
                )
                for name in names[:MAX_SERVERS]
            ]
            self._servers[zone] = [places[:MAX_SERVERS] for places in found if places]
        return self._servers[zone]

    def places(self, zone: str) -> list[Place]:
        """All addresses of the servers of a zone."""
        return [place for places in self.servers(zone) for place in places]

    def zone(self, name: str) -> str | None:
        """The zone of a name, as public DNS has it."""
        labels = dns.name.from_text(name)
        while len(labels) > 1:
            if self._recursive(labels.to_text(), dns.rdatatype.SOA):
                return labels.to_text().lower()
            labels = labels.parent()
        return None

    def negative_ttl(self, zone: str, places: Sequence[Place]) -> float:
        """Seconds for which others may remember that a name of the zone does not exist (RFC 2308 §5), a day if no
        server tells.
        """
        for place in places:
            try:
                found = _ask(place, zone, dns.rdatatype.SOA)
            except NoAnswer:
                continue
            return float(max((getattr(data, "minimum", DAY) for data in found), default=DAY))
        return DAY

    def ttl(self, places: Iterable[Place], name: str, kind: Kind) -> float:
        """Seconds for which others keep the records of a name, the longest that a server gives; 0 without records."""
        found = 0
        for place in places:
            try:
                answer = _answer(place, name, dns.rdatatype.from_text(kind))
            except NoAnswer:
                continue
            found = max((found, *(rrset.ttl for rrset in answer.answer)))
        return float(found)

    def is_signed(self, zone: str) -> bool:
        """Whether the zone's parent vouches for its keys. Raises NoAnswer: a zone that is taken for unsigned would lose
        its TLSA records, or have the next key used without one.
        """
        if zone not in self._signed:
            self._signed[zone] = bool(self._resolve(zone, dns.rdatatype.DS))
        return self._signed[zone]

    def _recursive(self, name: str, kind: dns.rdatatype.RdataType) -> list[Data]:
        try:
            return self._resolve(name, kind)
        except NoAnswer:
            return []

    def _resolve(self, name: str, kind: dns.rdatatype.RdataType) -> list[Data]:
        """The records of a name, by the first resolver that answers. Raises NoAnswer."""
        for resolver in self._resolvers[:-1]:
            with contextlib.suppress(NoAnswer):
                return _ask(resolver, name, kind, recursive=True)
        return _ask(self._resolvers[-1], name, kind, recursive=True)


def _ask(
    place: Place, name: str | dns.name.Name, kind: dns.rdatatype.RdataType, *, recursive: bool = False
) -> list[Data]:
    """The records of a name, texts in strings as we write them. Raises NoAnswer."""
    answer = _answer(place, name, kind, recursive=recursive)
    found = [data for rrset in answer.answer if rrset.rdtype == kind for data in rrset]
    if kind != dns.rdatatype.TXT:
        return found
    return [data_of("TXT", text_data(b"".join(getattr(data, "strings", ())))) for data in found]


def _answer(
    place: Place, name: str | dns.name.Name, kind: dns.rdatatype.RdataType, *, recursive: bool = False
) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    if not recursive:
        query.flags &= ~dns.flags.RD  # or a server that is a resolver, too, would answer from its memory
    try:
        answer, _ = dns.query.udp_with_fallback(query, place[0], timeout=SECONDS, port=place[1])
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise NoAnswer(f"{place[0]}: {plain_reason(error)}") from None
    if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise NoAnswer(f"{place[0]}: {dns.rcode.to_text(answer.rcode())}")
    return answer


class ProviderZone:
    """A zone at a provider. It is listed once for a plan."""

    def __init__(self, account: Account, authorities: Authorities) -> None:
        self._account = account
        self._authorities = authorities
        self._zone = dns.name.from_text(account.zone)
        self._sets: dict[Slot, tuple[Data, ...]] | None = None
        self.title: Final = KNOWN[account.provider].title

    def zone(self, name: str) -> str | None:
        """The zone of a name."""
        return self._zone.to_text() if dns.name.from_text(name).is_subdomain(self._zone) else None

    def signed(self, zone: str) -> bool:
        """Whether the zone has DNSSEC. Raises NoAnswer."""
        return self._authorities.is_signed(zone)

    def found(self, zone: str, slots: Iterable[Slot]) -> Found:
        """Sets of records. Raises NoAnswer, UpdateRefused."""
        if self._sets is None:
            sets: dict[Slot, tuple[Data, ...]] = {}
            try:
                for record in read_zone(self._account):
                    kind: Kind = record.kind  # type: ignore[assignment]  # the child leaves out other kinds
                    slot = record.name.lower(), kind
                    sets[slot] = (*sets.get(slot, ()), data_of(kind, record.data))
            except ProviderFailed as error:
                raise _translated(error, self.title) from None
            self._sets = sets
        return {slot: self._sets.get(slot, ()) for slot in slots}

    def send(self, zone: str, changes: Sequence[Change]) -> None:
        """Make changes. Raises NoAnswer, UpdateRefused; some may have been made then."""
        self._sets = None
        try:
            write_zone(self._account, tuple(map(_edit, changes)))
        except ProviderFailed as error:
            raise _translated(error, self.title) from None

    def authorities(self, zone: str) -> Sequence[Place]:
        """No server is known beside the ones in DNS."""
        return ()


class ByHand:
    """Zones that the owner changes: they can be looked at alone."""

    title = "the owner"

    def __init__(self, authorities: Authorities) -> None:
        self._authorities = authorities

    def zone(self, name: str) -> str | None:
        """The zone of a name."""
        return self._authorities.zone(name)

    def signed(self, zone: str) -> bool:
        """Whether the zone has DNSSEC. Raises NoAnswer."""
        return self._authorities.is_signed(zone)

    def found(self, zone: str, slots: Iterable[Slot]) -> Found:
        """Sets of records, as the first server that answers has them. Raises NoAnswer."""
        for place in self._authorities.places(zone):
            try:
                ask = partial(_ask, place)
                return {(name, kind): own_records(ask, zone, name, kind) for name, kind in slots}
            except NoAnswer:
                continue
        raise NoAnswer(f"none of {zone}'s name servers responded")

    def send(self, zone: str, changes: Sequence[Change]) -> None:
        """Raise UpdateRefused: it is for the owner to do."""
        raise UpdateRefused(f"no DNS provider for {zone}")

    def authorities(self, zone: str) -> Sequence[Place]:
        """No server is known beside the ones in DNS."""
        return ()


def _edit(change: Change) -> Edit:
    texts = [tuple(rdata.to_text() for rdata in group) for group in (change.before, change.remove, change.add)]
    return Edit(change.name, change.kind, *texts)


def _translated(error: ProviderFailed, title: str) -> NoAnswer | UpdateRefused:
    text = f"{title}: {error}"
    if error.temporary:
        later = "" if error.retry_after is None else f"; again in {error.retry_after:.0f} s"
        return NoAnswer(text + later)
    return UpdateRefused(text, credentials=error.why in ("refused", "missing"))


def access_of(stored: Stored, authorities: Authorities) -> Access:
    """The access that a stored provider gives. Raises UpdateRefused: its key cannot be used."""
    if stored.provider != RFC2136:
        return ProviderZone(stored.account, authorities)
    host, _, port = stored.secrets["server"].rpartition("#")
    try:
        return KeyedServer(NameServer(ipaddress.ip_address(host), int(port), parse_key(stored.secrets["key"], "it")))
    except ValueError as error:
        raise UpdateRefused(f"can't use the stored key: {error}", credentials=True) from None


class Located:
    """Each name's access and zone; of several zones the longest. The first access is that of the domain itself: where
    another one does not answer, names that are found without it are taken for not being there.
    """

    def __init__(self, accesses: Sequence[Access]) -> None:
        self._accesses = accesses
        self._known: dict[str, tuple[Access, str] | None] = {}
        self._failed: dict[int, NoAnswer | UpdateRefused] = {}

    def of(self, name: str) -> tuple[Access, str] | None:
        """Access and zone of an absolute name; None if no access has it. Raises NoAnswer, UpdateRefused."""
        if name not in self._known:
            found = [(zone, number) for number in range(len(self._accesses)) if (zone := self._zone(number, name))]
            if not found and self._failed:
                raise next(iter(self._failed.values()))
            best = max(found, key=lambda pair: len(pair[0]), default=None)  # all are suffixes of the one name
            self._known[name] = None if best is None else (self._accesses[best[1]], best[0])
        return self._known[name]

    def _zone(self, number: int, name: str) -> str | None:
        """The zone of a name at an access, None if it is not there or that is not known; an error is kept."""
        if number in self._failed:
            return None
        try:
            return self._accesses[number].zone(name)
        except (NoAnswer, UpdateRefused) as error:
            if number == 0:
                raise
            self._failed[number] = error
            return None


def plan_zones(
    located: Located, wanted_records: Iterable[WantedRecord], ours: Ours | None = None, *, replace: bool = False
) -> list[ZonePlan]:
    """Compare wanted records with those in their zones. Records for DANE are left out of zones without DNSSEC.

    Returns: the plan of each zone; one without a name for records of zones that no access has.
    Raises NoAnswer, UpdateRefused.
    """
    zones: dict[str, list[WantedRecord]] = {}
    left: dict[str, Kind] = {}
    for wanted_record in wanted_records:
        at = located.of(wanted_record.name.lower())
        shown = f"{wanted_record.name} {wanted_record.kind}"
        if at is None:
            left[f"skipping {shown} because another provider manages the zone"] = wanted_record.kind
        elif not wanted_record.live and not at[0].signed(at[1]):
            left[f"skipped {shown} because {at[1]} isn't signed with DNSSEC"] = wanted_record.kind
        else:
            zones.setdefault(at[1], []).append(wanted_record)
    mine: dict[str, dict[Slot, Sequence[Published]]] = {}
    for slot, published in (ours or {}).items():
        at = located.of(slot[0])
        if at is not None:
            mine.setdefault(at[1], {})[slot] = published
    plans = []
    for zone in dict.fromkeys((*zones, *mine)):
        records, own = zones.get(zone, []), mine.get(zone, {})
        access = located.of(zone)
        assert access is not None
        found = access[0].found(zone, slots_of(records, own))
        plans.append(ZonePlan(zone, make_plan(records, found, own, replace=replace)))
    notes = tuple(Note(text, kind) for text, kind in left.items())
    return [*plans, ZonePlan("", Plan((), notes))] if notes else plans


def plan_back(located: Located, changes: Mapping[str, Sequence[Change]]) -> list[ZonePlan]:
    """The plans that undo changes, by zone, as far as their records are still there. Raises NoAnswer, UpdateRefused."""
    plans = []
    for zone, done in changes.items():
        at = located.of(zone)
        if at is None:
            plans.append(ZonePlan("", Plan((), (Note(f"skipping {zone} because another provider manages it now"),))))
            continue
        found = at[0].found(zone, [(change.name, change.kind) for change in done])
        plans.append(ZonePlan(zone, Plan(tuple(reversed_changes(done, found)))))
    return plans


def send_plans(located: Located, plans: Iterable[ZonePlan]) -> None:
    """Make the changes of plans, zone by zone. Raises NoAnswer, UpdateRefused."""
    for plan in plans:
        at = located.of(plan.zone) if plan.plan.changes else None
        if at is not None:
            at[0].send(plan.zone, plan.plan.changes)


def missing_changes(located: Located, plans: Iterable[ZonePlan]) -> list[str]:
    """Lines of changes that were taken and are not there. Raises NoAnswer, UpdateRefused."""
    lines = []
    for plan in plans:
        at = located.of(plan.zone) if plan.plan.changes else None
        if at is None:
            continue
        found = at[0].found(plan.zone, [(change.name, change.kind) for change in plan.plan.changes])
        for change in plan.plan.changes:
            there = set(found[change.name, change.kind])
            lines += [f"+ {change.name} {change.kind} {data.to_text()}" for data in change.add if data not in there]
            lines += [f"- {change.name} {change.kind} {data.to_text()}" for data in change.remove if data in there]
    return lines


def differing(located: Located, authorities: Authorities, plans: Sequence[ZonePlan]) -> list[str]:
    """Authoritative servers that do not have the changes of plans, one line each; and zones without any server that
    answers.
    """
    return [*_hidden(located, authorities, plans), *_late(located, authorities, plans)]


def _hidden(located: Located, authorities: Authorities, plans: Iterable[ZonePlan]) -> list[str]:
    """A line for each zone whose servers aren't known."""
    zones = (plan.zone.rstrip(".") for plan, servers in _served_by(located, authorities, plans) if not servers)
    return [f"couldn't find the name servers of {zone} yet; doctor will check the records" for zone in zones]


def _late(located: Located, authorities: Authorities, plans: Iterable[ZonePlan]) -> list[str]:
    """A line for each server that does not have the changes."""
    found = (
        _difference(server, plan.plan.changes)
        for plan, servers in _served_by(located, authorities, plans)
        for server in servers
    )
    return [line for line in found if line]


def _served_by(
    located: Located, authorities: Authorities, plans: Iterable[ZonePlan]
) -> Iterator[tuple[ZonePlan, list[tuple[Place, ...]]]]:
    """The servers of each zone that is changed."""
    for plan in plans:
        at = located.of(plan.zone) if plan.plan.changes else None
        if at is not None:
            own = ((place,) for place in at[0].authorities(plan.zone))
            yield plan, list(dict.fromkeys((*own, *authorities.servers(plan.zone))))


def _difference(server: Iterable[Place], changes: Sequence[Change]) -> str:
    """The first change that a server has not, "" if it has all. An address that does not answer counts if no other of
    the server does: this machine may have no IPv6, or no IPv4.
    """
    silent: list[str] = []
    answered = False
    for place in server:
        try:
            line = _lacking(place, changes)
        except NoAnswer as error:
            silent.append(f"no response from {error}")
            continue
        if line:
            return line
        answered = True
    return "" if answered else silent[0]


def _lacking(place: Place, changes: Iterable[Change]) -> str:
    """The first change that an address has not, "" if it has all. Raises NoAnswer."""
    for change in changes:
        served = _ask(place, change.name, dns.rdatatype.from_text(change.kind))
        if not {*change.add} <= {*served} or {*change.remove} & {*served}:
            return f"{place[0]} doesn't have {change.name} {change.kind} yet"
    return ""


def wait_until_served(located: Located, authorities: Authorities, plans: Sequence[ZonePlan]) -> list[str]:
    """Wait until all authoritative servers have the changes; what `differing` says at the end."""
    end = time.monotonic() + AGREE_SECONDS
    while (late := _late(located, authorities, plans)) and time.monotonic() < end:
        time.sleep(PAUSE)
    return [*_hidden(located, authorities, plans), *late]
