"""Validation of one answer, by the chain of keys from a trust anchor (RFC 4035 §5; AUTH-123).

Theory of operation
-------------------
A *zone* is a name with keys that are trusted, or without keys where a proof says that it is unsigned. `_zone` goes from
the closest anchor above a name down to it, one label at a time: DS records signed by the zone above make the next name
a zone of its own, a proof without DS records leaves it a part of the zone above or makes it an unsigned delegation.

A signed answer is checked with the keys of the zone that signed it; an unsigned one must be below an unsigned
delegation. A denial needs NSEC or NSEC3 records, which `denial` judges. Everything blocks and runs in a thread.

All input is hostile: the number of queries and of signatures for one answer is bounded (a zone could otherwise have us
verify thousands, CVE-2023-50387), and so are keys of a zone, signatures of a record and aliases.
"""

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, TypeAlias

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.rrset
import msgspec
from dns.exception import UnsupportedAlgorithm, ValidationFailure
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.DNAME import DNAME
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from moxlite.net.dns.client import Servers
from moxlite.net.dns.wire import PAYLOAD, Response, WireError, read_response
from moxlite.net.dnssec.denial import Denial, NotProven, deny, deny_exact_name
from moxlite.net.resolver import MAX_CHAIN, RecordType
from moxlite.wording import plain_reason

# Queries for records with their signatures, and the bounds of one validation (AUTH-123).


TRY_SECONDS: Final = 5.0
"""Seconds for one query to one server, as in `net.dns.client`."""


class NoResponse(Exception):
    """No server gave a usable response."""


class Exhausted(Exception):
    """The bounds of a validation were reached: queries, signatures or time."""


class Question(Protocol):
    """Returns the response to a query for one name and type. Raises NoResponse, Exhausted."""

    def __call__(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message: ...


class ResolverClient:
    """Queries to resolvers over UDP, and TCP if the response is truncated. Blocks.

    The CD bit asks for records whose signatures the resolver could not verify, the DO bit for the signatures
    (RFC 4035 §3.2.1, §3.2.2).

    Args:
      queries: number of queries allowed.
      deadline: time.monotonic() after which no query is made.
    """

    def __init__(self, servers: Servers, *, queries: int, deadline: float) -> None:
        self._servers = servers
        self._left = queries
        self._deadline = deadline

    def __call__(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        problems: Sequence[str] = []
        for server in self._servers.addresses:
            seconds = min(TRY_SECONDS, self._deadline - time.monotonic())
            if seconds <= 0 or self._left <= 0:
                raise Exhausted(f"validation exceeded its {'time' if seconds <= 0 else 'query'} limit")
            self._left -= 1
            query = dns.message.make_query(name, kind, use_edns=0, want_dnssec=True, payload=PAYLOAD)
            query.flags |= dns.flags.CD
            try:
                response, _ = dns.query.udp_with_fallback(
                    query, str(server), timeout=seconds, port=self._servers.port, ignore_unexpected=True
                )
            except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
                problems = [*problems, f"{server}: {plain_reason(error)}"]
                continue
            if response.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return response
            problems = [*problems, f"{server}: {dns.rcode.to_text(response.rcode())}"]
        raise NoResponse(f"{name} {dns.rdatatype.to_text(kind)}: {'; '.join(problems)}")


ALGORITHMS: Final = frozenset({8, 10, 13, 14, 15})
"""RSA with SHA-256 and SHA-512, ECDSA P-256 and P-384, Ed25519 (RFC 8624 §3.1). Zones with others count as unsigned."""

DIGESTS: Final = frozenset({2, 4})
"""SHA-256 and SHA-384 (RFC 8624 §3.3)."""

MAX_SIGNATURES: Final = 4
"""Signatures tried for one set of records."""

MAX_KEYS: Final = 24
"""Keys of one zone. Roll-overs of two algorithms have eight."""

MAX_CHECKS: Final = 120
"""Signatures verified for one answer, 0.1 ms each."""

Name = dns.name.Name
Type = dns.rdatatype.RdataType


class Bogus(Exception):
    """Signatures or proofs are missing or wrong."""


class NoChain(Exception):
    """Nothing can be validated here: the resolver leaves signatures out, or its root is not that of the anchors."""


class Status(StrEnum):
    """Outcome of a validation (RFC 4035 §4.3)."""

    SECURE = "secure"
    INSECURE = "insecure"
    BOGUS = "bogus"
    INDETERMINATE = "indeterminate"


class Verdict(msgspec.Struct, frozen=True):
    """Outcome of one validation.

    Attributes:
      problem: the reason, in words; "" if the answer is secure or insecure.
      response: the validated response if it is secure. ``chain`` also has the aliases of earlier responses.
    """

    status: Status
    problem: str = ""
    response: Response | None = None


class Zone(NamedTuple):
    """A zone and its keys, None if it is unsigned.

    until: time.monotonic() at which it must be validated again.
    """

    name: Name
    keys: dns.rdataset.Rdataset | None
    until: float


Zones = MutableMapping[Name, Zone]
"""Zones that are known, by each name that was examined; a cache that validations share."""

ZONE_SECONDS: Final = 300.0
"""Maximum seconds for which a zone's keys are kept, as for answers (`net.dns.client.MAX_TTL`)."""


Anchors: TypeAlias = Mapping[dns.name.Name, dns.rdataset.Rdataset]
"""DS records of keys that are trusted, by the name of their zone."""


def validate(
    ask: Question,
    name: str,
    kind: RecordType,
    *,
    anchors: Anchors,
    zones: Zones,
    clock: Callable[[], float] = time.time,
) -> Verdict:
    """Ask for the records of `kind` at the absolute `name`, and validate the answer. Blocks. Never raises.

    Args:
      clock: returns seconds UTC, for the lifetimes of signatures.
    """
    run = _Run(ask, anchors, zones, clock())
    try:
        return run.answer(dns.name.from_text(name), dns.rdatatype.from_text(kind), kind)
    except (Bogus, NotProven, dns.exception.DNSException) as error:
        return Verdict(Status.BOGUS, str(error))
    except (Exhausted, NoChain, NoResponse, WireError) as error:
        return Verdict(Status.INDETERMINATE, str(error))


class _Run:
    """One validation. Methods raise Bogus, NotProven, Exhausted, NoChain, NoResponse."""

    def __init__(self, ask: Question, anchors: Anchors, zones: Zones, now: float) -> None:
        self._ask = ask
        self._anchors = anchors
        self._zones = zones
        self._now = now
        self._checks = 0

    def answer(self, name: Name, kind: Type, asked: RecordType) -> Verdict:
        secure = True
        chain: list[str] = []
        for _ in range(MAX_CHAIN):
            message = self._ask(name, kind)
            end, one_secure = self._aliases(message, name, kind)
            secure = secure and one_secure
            assert message.wire is not None
            response = read_response(message.wire, name.to_text(), asked)
            chain += response.chain
            records = _find(message, end, kind)
            if records is not None:
                secure = self._trusted(message, records) and secure
                break
            if message.authority or message.rcode() == dns.rcode.NXDOMAIN or end == name:
                secure = self._denied(message, end, kind) and secure
                break
            name = end
        else:
            raise Bogus("CNAME chain is too long")
        if len(chain) > MAX_CHAIN:
            raise Bogus("CNAME chain is too long")
        if not secure:
            return Verdict(Status.INSECURE)
        return Verdict(Status.SECURE, "", msgspec.structs.replace(response, chain=tuple(chain)))

    def _aliases(self, message: dns.message.Message, name: Name, kind: Type) -> tuple[Name, bool]:
        """Follow the aliases of a response; the last name, and whether all of them are secure."""
        secure = True
        for _ in range(MAX_CHAIN):
            if kind == dns.rdatatype.CNAME or _find(message, name, kind) is not None:
                return name, secure
            alias = _find(message, name, dns.rdatatype.CNAME)
            if alias is None:
                return name, secure
            target = next(iter(alias))
            assert isinstance(target, CNAME)
            dname = _dname(message, name, target.target)
            secure = self._trusted(message, alias if dname is None else dname) and secure
            name = target.target
        raise Bogus("CNAME chain is too long")

    def _trusted(self, message: dns.message.Message, records: dns.rrset.RRset) -> bool:
        """Whether records are signed; False if their zone is proven to be unsigned."""
        signer = _signer(message.answer, records)
        zone = self._zone(records.name if signer is None else signer)
        if zone.keys is None:
            return False
        if signer is None:
            raise Bogus(f"{_words(records)} isn't signed, but {zone.name} is")
        signature = self._verify(message.answer, records, zone)
        if signature.labels < len(records.name) - 1 - records.name.is_wild():
            proofs = self._proofs(message, zone)
            return deny_exact_name(proofs, zone.name, records.name, signature.labels) is not Denial.OPTED_OUT
        return True

    def _denied(self, message: dns.message.Message, name: Name, kind: Type) -> bool:
        """Whether an absence is proven; False if its zone is proven to be unsigned."""
        signers = (_signer(message.authority, rrset) for rrset in message.authority)
        signer = next((one for one in signers if one is not None and name.is_subdomain(one)), None)
        zone = self._zone(name if signer is None else signer)
        if zone.keys is None:
            return False
        if signer is None:
            raise Bogus(
                f"denial of existence for {name} {dns.rdatatype.to_text(kind)} isn't signed, but {zone.name} is"
            )
        denial = deny(self._proofs(message, zone), zone.name, name, kind)
        if message.rcode() == dns.rcode.NXDOMAIN and denial is Denial.TYPE:
            raise NotProven(f"the response says {name} doesn't exist, but proves that it does")
        return denial is not Denial.OPTED_OUT

    def _proofs(self, message: dns.message.Message, zone: Zone) -> list[dns.rrset.RRset]:
        """NSEC and NSEC3 records of a response, verified."""
        kinds = (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)
        proofs = [rrset for rrset in message.authority if rrset.rdtype in kinds]
        for proof in proofs:
            self._verify(message.authority, proof, zone)
        return proofs

    def _verify(self, section: list[dns.rrset.RRset], records: dns.rrset.RRset, zone: Zone) -> RRSIG:
        """Check the signatures of records by the keys of their zone; returns the valid one."""
        assert zone.keys is not None
        if not records.name.is_subdomain(zone.name):
            raise Bogus(f"{_words(records)} isn't in the zone {zone.name}")
        problem = "no signature from its zone"
        usable = (one for one in _signatures(section, records) if one.signer == zone.name)
        for number, signature in enumerate(usable):
            if number >= MAX_SIGNATURES:
                break
            if signature.algorithm not in ALGORITHMS:
                continue
            self._checks += 1
            if self._checks > MAX_CHECKS:
                raise Exhausted(f"response has too many signatures (limit {MAX_CHECKS})")
            try:
                dns.dnssec.validate_rrsig(records, signature, {zone.name: zone.keys}, None, self._now)
            except (ValidationFailure, UnsupportedAlgorithm, ValueError) as error:
                problem = f"signature by key {signature.key_tag} of {zone.name}: {error}"
                continue
            return signature
        raise Bogus(f"{_words(records)}: {problem}")

    def _zone(self, name: Name) -> Zone:
        """The zone of a name, or the unsigned delegation above it."""
        above = [ancestor for ancestor in _ancestors(name) if ancestor in self._anchors]
        if not above:
            raise NoChain(f"no trust anchor for {name}")
        anchor = above[0]
        zone = self._kept(anchor) or self._keep(anchor, self._anchored(anchor))
        for depth in range(len(anchor) + 1, len(name) + 1):
            if zone.keys is None:
                break
            child = name.split(depth)[1]
            zone = self._kept(child) or self._keep(child, self._below(zone, child))
        return zone

    def _kept(self, name: Name) -> Zone | None:
        zone = self._zones.get(name)
        return zone if zone is not None and time.monotonic() < zone.until else None

    def _keep(self, name: Name, zone: Zone) -> Zone:
        self._zones[name] = zone
        return zone

    def _anchored(self, name: Name) -> Zone:
        """The zone of an anchor. Raises NoChain if its keys have no signature or do not fit the anchor: the resolver
        does not know DNSSEC, or the network has a root of its own.
        """
        message = self._ask(name, dns.rdatatype.DNSKEY)
        keys = _find(message, name, dns.rdatatype.DNSKEY)
        if keys is None or _signer(message.answer, keys) is None:
            raise NoChain("the DNS server doesn't return signatures")
        zone = self._keys(message, keys, self._anchors[name])
        if zone is None or zone.keys is None:
            raise NoChain(f"no key for {name} matches the trust anchor")
        return zone

    def _below(self, zone: Zone, child: Name) -> Zone:
        """The zone of a name whose parent is in a signed zone: that zone, one of its own, or an unsigned delegation."""
        message = self._ask(child, dns.rdatatype.DS)
        records = _find(message, child, dns.rdatatype.DS)
        if records is not None:
            self._verify(message.answer, records, zone)
            return self._delegated(child, records)
        alias = _find(message, child, dns.rdatatype.CNAME)
        if alias is not None:  # no delegation can be at the name of an alias (RFC 1034 §3.6.2)
            self._verify(message.answer, alias, zone)
            return zone
        match deny(self._proofs(message, zone), zone.name, child, dns.rdatatype.DS):
            case Denial.DELEGATION | Denial.OPTED_OUT:
                return Zone(child, None, time.monotonic() + ZONE_SECONDS)
        return zone

    def _delegated(self, name: Name, delegation: dns.rrset.RRset) -> Zone:
        """The zone that DS records lead to."""
        usable = [one for one in delegation if isinstance(one, DS) and _is_known(one)]
        if not usable:
            return Zone(name, None, time.monotonic() + ZONE_SECONDS)
        message = self._ask(name, dns.rdatatype.DNSKEY)
        keys = _find(message, name, dns.rdatatype.DNSKEY)
        if keys is None:
            raise Bogus(f"{name} has DS records but no keys")
        zone = self._keys(message, keys, delegation)
        if zone is None:
            raise Bogus(f"no key for {name} matches the DS records")
        return zone

    def _keys(
        self, message: dns.message.Message, keys: dns.rrset.RRset, delegation: dns.rdataset.Rdataset
    ) -> Zone | None:
        """A zone with keys of which one, named by a DS record, signs them all; None if a DS record names no key."""
        if len(keys) > MAX_KEYS:
            raise Exhausted(f"{keys.name} has too many keys (limit {MAX_KEYS})")
        named = [key for key in keys if isinstance(key, DNSKEY) and _is_named(keys.name, key, delegation)]
        if not named:
            return None
        until = time.monotonic() + min(keys.ttl, ZONE_SECONDS)
        entry = Zone(keys.name, dns.rdataset.from_rdata_list(keys.ttl, named), until)
        self._verify(message.answer, keys, entry)
        return Zone(keys.name, dns.rdataset.from_rdata_list(keys.ttl, list(keys)), until)


def _is_known(one: DS) -> bool:
    return one.algorithm in ALGORITHMS and one.digest_type in DIGESTS


def _is_named(zone: Name, key: DNSKEY, delegation: dns.rdataset.Rdataset) -> bool:
    """Whether a DS record that we know is of this key (RFC 4035 §5.2)."""
    tag = dns.dnssec.key_id(key)
    return any(
        isinstance(one, DS)
        and _is_known(one)
        and one.key_tag == tag
        and one.algorithm == key.algorithm
        and dns.dnssec.make_ds(zone, key, one.digest_type).digest == one.digest
        for one in delegation
    )


def _find(message: dns.message.Message, name: Name, kind: Type) -> dns.rrset.RRset | None:
    """The records of a name and type in the answer section."""
    return next((rrset for rrset in message.answer if rrset.rdtype == kind and rrset.name == name), None)


def _dname(message: dns.message.Message, name: Name, target: Name) -> dns.rrset.RRset | None:
    """The DNAME record that makes an alias from `name` to `target`, or None (RFC 6672 §5.3.1)."""
    for rrset in message.answer:
        if rrset.rdtype != dns.rdatatype.DNAME or name == rrset.name or not name.is_subdomain(rrset.name):
            continue
        data = next(iter(rrset))
        if isinstance(data, DNAME) and name.relativize(rrset.name).derelativize(data.target) == target:
            return rrset
    return None


def _signatures(section: list[dns.rrset.RRset], records: dns.rrset.RRset) -> Iterator[RRSIG]:
    for rrset in section:
        if rrset.rdtype == dns.rdatatype.RRSIG and rrset.name == records.name:
            for data in rrset:
                if isinstance(data, RRSIG) and data.type_covered == records.rdtype:
                    yield data


def _signer(section: list[dns.rrset.RRset], records: dns.rrset.RRset) -> Name | None:
    """The zone that signed records, the lowest one if there are several; None without a signature."""
    names = (
        signature.signer for signature in _signatures(section, records) if records.name.is_subdomain(signature.signer)
    )
    return max(names, key=len, default=None)


def _ancestors(name: Name) -> Iterator[Name]:
    """The name itself and all above it, up to the root."""
    for depth in range(len(name), 0, -1):
        yield name.split(depth)[1]


def _words(records: dns.rrset.RRset) -> str:
    return f"{records.name} {dns.rdatatype.to_text(records.rdtype)}"


# Trust anchors: the keys of the root zone (https://data.iana.org/root-anchors/root-anchors.xml).


def anchors_of(records: Mapping[str, tuple[str, ...]]) -> Anchors:
    """Trust anchors from the texts of DS records, by absolute name of the zone."""
    return {
        dns.name.from_text(name): dns.rdataset.from_text("IN", dns.rdatatype.DS, 0, *texts)
        for name, texts in records.items()
    }


ROOT: Final = anchors_of(
    {
        ".": (
            "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
            "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
        )
    }
)
"""The key-signing keys of 2017 and 2024."""
