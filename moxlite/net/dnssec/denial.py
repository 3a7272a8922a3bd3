"""Proofs that a name or a record does not exist: NSEC (RFC 4035 §5.4, RFC 6840 §4) and NSEC3 (RFC 5155 §8). Pure.

The records that are given here have valid signatures of their zone; this module only judges what they say.
"""

import base64
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Final

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset
from dns.dnssectypes import NSEC3Hash
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

MAX_ITERATIONS: Final = 100
"""Iterations of NSEC3 above which a zone counts as unsigned: each costs a hash (RFC 9276 §3.2)."""

MAX_RECORDS: Final = 16
"""Number of NSEC or NSEC3 records of one response that are read; a proof needs at most three."""

OPT_OUT: Final = 0x01
"""Flag of an NSEC3 record: unsigned delegations between it and the next one have no record (RFC 5155 §3.1.2.1)."""

Type = dns.rdatatype.RdataType


class NotProven(Exception):
    """The records do not prove what the response says."""


class Denial(Enum):
    """Result of a proof."""

    NAME = auto()
    """The name does not exist."""
    TYPE = auto()
    """The name exists without this type, and is not a delegation."""
    DELEGATION = auto()
    """The name is a delegation without DS records: the zone below it is unsigned."""
    OPTED_OUT = auto()
    """An unsigned delegation may be there (opt-out), or the zone's parameters cost too much: nothing is proven."""


def deny(records: Sequence[dns.rrset.RRset], zone: dns.name.Name, name: dns.name.Name, kind: Type) -> Denial:
    """Judge the proof that `name` has no records of type `kind`. Raises NotProven."""
    nsec, nsec3 = _nsec(records), _nsec3(records)
    if nsec:
        return _deny_by_nsec(nsec, zone, name, kind)
    if nsec3:
        return _Hashed(nsec3, zone).deny(name, kind)
    raise NotProven("no NSEC or NSEC3 record found")


def deny_exact_name(
    records: Sequence[dns.rrset.RRset], zone: dns.name.Name, name: dns.name.Name, labels: int
) -> Denial:
    """Judge the proof that `name` itself does not exist, where a wildcard gave the answer (RFC 4035 §5.3.4).

    Args:
      labels: labels of the wildcard's parent, as in the RRSIG record.

    Raises NotProven.
    """
    nsec, nsec3 = _nsec(records), _nsec3(records)
    for owner, one in nsec:
        if _covers(owner, one, zone, name) and len(_encloser(owner, one, name)) - 1 == labels:
            return Denial.NAME
    if nsec3:
        hashed = _Hashed(nsec3, zone)
        if hashed.costly:
            return Denial.OPTED_OUT
        if hashed.covering(name.split(labels + 2)[1]) is not None:
            return Denial.NAME
    raise NotProven("matched a wildcard without proof that the exact name doesn't exist")


Nsec = Sequence[tuple[dns.name.Name, NSEC]]


def _nsec(records: Sequence[dns.rrset.RRset]) -> Nsec:
    found = [(record.name, data) for record in records if record.rdtype == dns.rdatatype.NSEC for data in record]
    return [(owner, data) for owner, data in found[:MAX_RECORDS] if isinstance(data, NSEC)]


def _nsec3(records: Sequence[dns.rrset.RRset]) -> Sequence[tuple[dns.name.Name, NSEC3]]:
    found = [(record.name, data) for record in records if record.rdtype == dns.rdatatype.NSEC3 for data in record]
    return [(owner, data) for owner, data in found[:MAX_RECORDS] if isinstance(data, NSEC3)]


def _deny_by_nsec(nsec: Nsec, zone: dns.name.Name, name: dns.name.Name, kind: Type) -> Denial:
    for owner, data in nsec:
        if owner == name:
            return _by_types(_types(data), kind, apex=name == zone)
    for owner, data in nsec:
        if not _covers(owner, data, zone, name):
            continue
        if data.next.is_subdomain(name):  # an empty non-terminal: the next name is below it
            return Denial.TYPE
        wildcard = dns.name.Name((b"*", *_encloser(owner, data, name).labels))
        for other, more in nsec:
            if other == wildcard:
                return _by_types(_types(more), kind, apex=False)
            if _covers(other, more, zone, wildcard):
                return Denial.NAME
        raise NotProven(f"missing proof that {wildcard} doesn't exist")
    raise NotProven("no NSEC record covers the name")


def _by_types(types: frozenset[int], kind: Type, *, apex: bool) -> Denial:
    """The meaning of the types at the name itself. A record of the parent's side of a delegation proves nothing but the
    absence of DS records; one of the child's apex nothing about DS (RFC 6840 §4.1, §4.4).
    """
    delegation = dns.rdatatype.NS in types and dns.rdatatype.SOA not in types
    if kind in types or (dns.rdatatype.CNAME in types and kind != dns.rdatatype.CNAME):
        raise NotProven("the NSEC record shows that the record exists")
    if kind == dns.rdatatype.DS:
        if dns.rdatatype.SOA in types and not apex:
            raise NotProven("the proof is from the wrong side of a zone cut")
        return Denial.DELEGATION if delegation else Denial.TYPE
    if delegation:
        raise NotProven("the proof is from the wrong side of a zone cut")
    return Denial.TYPE


def _types(data: NSEC | NSEC3) -> frozenset[int]:
    """The types of a bitmap (RFC 4034 §4.1.2)."""
    return frozenset(
        window * 256 + at * 8 + bit
        for window, octets in data.windows
        for at, octet in enumerate(octets)
        for bit in range(8)
        if octet & 0x80 >> bit
    )


def _covers(owner: dns.name.Name, data: NSEC, zone: dns.name.Name, name: dns.name.Name) -> bool:
    """Whether `name` comes after `owner` and before the next name, in canonical order (RFC 4034 §6.1). The last record
    of a zone leads back to its apex. A delegation or DNAME says nothing about names below it (RFC 6840 §4.1).
    """
    if not name.is_subdomain(zone) or not owner.is_subdomain(zone):
        return False
    if name.is_subdomain(owner) and _hides(_types(data)):
        return False
    return bool(owner < name and (name < data.next or data.next == zone))


def _hides(types: frozenset[int]) -> bool:
    """Whether names below one with these types are not of this zone."""
    return dns.rdatatype.DNAME in types or (dns.rdatatype.NS in types and dns.rdatatype.SOA not in types)


def _encloser(owner: dns.name.Name, data: NSEC, name: dns.name.Name) -> dns.name.Name:
    """The closest ancestor of `name` that exists, as the record that covers it tells."""
    return max((name.split(name.fullcompare(one)[2])[1] for one in (owner, data.next)), key=len)


class _Hashed:
    """NSEC3 records of one zone and one set of parameters (RFC 5155 §8.2)."""

    def __init__(self, nsec3: Sequence[tuple[dns.name.Name, NSEC3]], zone: dns.name.Name) -> None:
        first = nsec3[0][1]
        self._zone = zone
        self._salt = first.salt
        self._iterations = first.iterations
        self.costly = first.iterations > MAX_ITERATIONS or first.algorithm != NSEC3Hash.SHA1
        self._records = [
            (owner.labels[0].upper(), data)
            for owner, data in nsec3
            if owner.parent() == zone
            and (data.salt, data.iterations, data.algorithm) == (first.salt, first.iterations, first.algorithm)
        ]

    def deny(self, name: dns.name.Name, kind: Type) -> Denial:
        """As the function `deny`."""
        if self.costly:
            return Denial.OPTED_OUT
        if (exact := self._matching(name)) is not None:
            return _by_types(_types(exact), kind, apex=name == self._zone)
        encloser, closer = self._closest(name)
        cover = self.covering(closer)
        if cover is None:
            raise NotProven("no NSEC3 record covers the next closer name")
        if (wild := self._matching(dns.name.Name((b"*", *encloser.labels)))) is not None:
            return _by_types(_types(wild), kind, apex=False)
        if cover.flags & OPT_OUT:
            return Denial.OPTED_OUT
        if self.covering(dns.name.Name((b"*", *encloser.labels))) is None:
            raise NotProven("missing NSEC3 proof for the wildcard")
        return Denial.NAME

    def _closest(self, name: dns.name.Name) -> tuple[dns.name.Name, dns.name.Name]:
        """The closest encloser, an ancestor that exists, and the next closer name below it (RFC 5155 §8.3)."""
        closer = name
        for ancestor in self._ancestors(name):
            found = self._matching(ancestor)
            if found is None:
                closer = ancestor
                continue
            if _hides(_types(found)):
                raise NotProven("the proof is from the wrong side of a zone cut")
            return ancestor, closer
        raise NotProven("no NSEC3 record matches an ancestor of the name")

    def _ancestors(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        while name != self._zone:
            name = name.parent()
            yield name

    def _matching(self, name: dns.name.Name) -> NSEC3 | None:
        digest = self._digest(name)
        return next((data for owner, data in self._records if owner == digest), None)

    def covering(self, name: dns.name.Name) -> NSEC3 | None:
        """The record whose interval has the hash of `name`."""
        digest = self._digest(name)
        for owner, data in self._records:
            following = base64.b32hexencode(data.next).rstrip(b"=")
            if owner < digest < following or (following <= owner and (digest > owner or digest < following)):
                return data
        return None

    def _digest(self, name: dns.name.Name) -> bytes:
        return dns.dnssec.nsec3_hash(name, self._salt, self._iterations, NSEC3Hash.SHA1).upper().encode()
