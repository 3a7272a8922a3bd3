"""Changes of DNS records at a name server, by updates with a key (RFC 2136, RFC 8945; ADMIN-71a). Blocks."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

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

from moxlite.admin.dns.senders import merged_report, merged_spf
from moxlite.admin.dns.wanted import Kind, Wanted
from moxlite.admin.dns.zonefile import TTL, rdata_of
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


Data: TypeAlias = dns.rdata.Rdata


class Change(msgspec.Struct, frozen=True):
    """Change of one set of records.

    before: all records of the set; the change is made only if they are still the same. remove, add: in the order of the
    list of wanted records.
    """

    name: str
    kind: Kind
    before: tuple[Data, ...]
    remove: tuple[Data, ...]
    add: tuple[Data, ...]

    def lines(self) -> list[str]:
        """The records as lines of a zone file, with "-" or "+" before them."""
        pairs = [("-", one) for one in self.remove] + [("+", one) for one in self.add]
        return [f"{sign} {self.name} {self.kind} {one.to_text()}" for sign, one in pairs]


class Plan(msgspec.Struct, frozen=True):
    """changes: in the order of the wanted records. left: notes on what stays as it is, one line each."""

    changes: tuple[Change, ...]
    left: tuple[str, ...]


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


Slot: TypeAlias = tuple[str, Kind]
"""Absolute name in lower case, and type, of a set of records."""

Found: TypeAlias = Mapping[Slot, Sequence[Data]]
"""Sets of records at the name server; absent sets are missing or empty."""


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


# Changes that bring the records at a name server to the wanted ones (ADMIN-71a). Pure.
#
# The rule: nothing that the owner has set is lost by chance. Missing records are added. A text of which there may be
# only one (SPF, DMARC, TLSRPT) is replaced by one that keeps what the old one permits, as the check would advise. Any
# other set that differs stays, with a note, unless the owner asks to replace it.


ADDED: Final[frozenset[Kind]] = frozenset({"TLSA"})
"""Types whose records may be added beside others: one key more never does harm."""

TEXTS: Final = {"spf": "v=spf1", "spf-host": "v=spf1", "dmarc": "v=DMARC1", "tlsrpt": "v=TLSRPTv1"}
"""Texts that are merged, by topic, and their beginning."""

OTHER_TEXTS: Final = {"host-tlsrpt": "v=TLSRPTv1", "mtasts": "v=STSv1", "srv": "path="}
"""Further texts with a beginning of their own; other texts may be at the same name."""


def make_plan(wanted: Iterable[Wanted], found: Found, *, replace: bool = False) -> Plan:
    """Compare wanted records with those at the server.

    Args:
      replace: also replace sets that differ: MX and SRV records, addresses, aliases, keys.
    """
    slots: dict[Slot, list[Wanted]] = {}
    for one in wanted:
        slots.setdefault((one.name.lower(), one.kind), []).append(one)
    changes: list[Change] = []
    left: list[str] = []
    for (name, kind), records in slots.items():
        before = tuple(found.get((name, kind), ()))
        conflict = _conflict(name, kind, found)
        if conflict:
            left.append(conflict)
            continue
        remove, add = _difference(records, before)
        if kind not in ADDED and remove and not replace and not _is_mergeable(records):
            left += [f"{name} {kind} {one.to_text()} stays; --replace replaces it" for one in remove]
            continue
        if kind in ADDED and not replace:
            remove = []
        if remove or add:
            changes.append(Change(name, kind, before, tuple(remove), tuple(add)))
    return Plan(tuple(changes), tuple(left))


def _conflict(name: str, kind: Kind, found: Found) -> str:
    """A note if an alias is in the way of other records, or they of an alias (RFC 1034 §3.6.2); else ""."""
    if kind != "CNAME" and found.get((name, "CNAME")):
        return f"{name} {kind} is not added: the name is an alias"
    others: tuple[Kind, ...] = ("A", "AAAA", "TXT", "MX")
    if kind == "CNAME" and any(found.get((name, one)) for one in others):
        return f"{name} CNAME is not added: the name has other records"
    return ""


def _is_mergeable(records: Sequence[Wanted]) -> bool:
    return all(one.kind == "TXT" and one.topic in TEXTS for one in records)


def _difference(records: Sequence[Wanted], before: Sequence[Data]) -> tuple[list[Data], list[Data]]:
    """Records of one set to remove and to add."""
    if records[0].kind == "TXT":
        remove: list[Data] = []
        add: list[Data] = []
        for one in records:
            old, new = _text_difference(one, before)
            remove += old
            add += new
        return remove, add
    wanted = [rdata_of(one.kind, one.value) for one in records]
    return [one for one in before if one not in wanted], [one for one in wanted if one not in before]


def _text_difference(one: Wanted, before: Sequence[Data]) -> tuple[list[Data], list[Data]]:
    """As `_difference`, for one text. Texts at the same name with another beginning are left alone."""
    start = TEXTS.get(one.topic) or OTHER_TEXTS.get(one.topic) or ""
    same = {text: data for data in before if (text := _text(data)).lower().startswith(start.lower())}
    value = str(one.value)
    if one.topic in ("spf", "spf-host"):
        value = merged_spf(value, tuple(same))
    elif one.topic in TEXTS:
        value = merged_report(value, tuple(same))
    remove = [data for text, data in same.items() if text != value]
    return remove, [] if value in same else [rdata_of("TXT", value)]


def _text(data: Data) -> str:
    """The text of a TXT record, its strings joined."""
    strings: Sequence[bytes] = getattr(data, "strings", ())
    return b"".join(strings).decode("ascii", "surrogateescape")


# Files with a TSIG key (RFC 8945), as name servers and their tools write them.


MAX_FILE: Final = 65_536
"""Octets of a key file that are read."""

ALGORITHMS: Final = {
    "hmac-sha256": dns.tsig.HMAC_SHA256,
    "hmac-sha384": dns.tsig.HMAC_SHA384,
    "hmac-sha512": dns.tsig.HMAC_SHA512,
}
"""Algorithms with a purpose today; MD5 and SHA-1 are not taken (RFC 8945 §6)."""

DEFAULT: Final = "hmac-sha256"

_BIND: Final = re.compile(r'key\s++"?([^"\s{]++)"?\s*+\{([^{}]*+)\}')
_FIELD: Final = re.compile(r'(algorithm|secret|id)\s*+:?\s*+"?([^"\s;]++)"?')
_LINE: Final = re.compile(r"(?>#\s*+)?(?:(hmac-[a-z0-9-]++):)?([^\s:#]++):([A-Za-z0-9+/]++={0,2})")


class KeyFileError(ValueError):
    """A file without a key that can be used. The text names the file, and holds nothing of the secret."""


def read_key_file(path: Path) -> dns.tsig.Key:
    """Read the first key of a file: a ``key`` statement of BIND, a ``key`` section of Knot DNS, or a line
    ``[ALGORITHM:]NAME:SECRET``. Raises KeyFileError.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE).decode()
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyFileError(f"{path} has no TSIG key") from None
    name, algorithm, secret = _first_key(text)
    if not name or not secret:
        raise KeyFileError(f"{path} has no TSIG key")
    if algorithm.lower() not in ALGORITHMS:
        raise KeyFileError(f"{path}: the algorithm {algorithm} is not one of {', '.join(ALGORITHMS)}")
    try:
        octets = base64.b64decode(secret, validate=True)
        return dns.tsig.Key(dns.name.from_text(name), octets, ALGORITHMS[algorithm.lower()])
    except (dns.exception.DNSException, ValueError):
        raise KeyFileError(f"{path}: the key's name or secret is not valid") from None


def _first_key(text: str) -> tuple[str, str, str]:
    """Name, algorithm and secret in base 64, "" where they are missing."""
    if (found := _BIND.search(text)) is not None:
        fields = dict(_FIELD.findall(found[2]))
        return found[1], fields.get("algorithm", DEFAULT), fields.get("secret", "")
    fields = {}
    for line in text.splitlines():
        if (line_key := _LINE.fullmatch(line.strip())) is not None:
            return line_key[2], line_key[1] or DEFAULT, line_key[3]
        if (field := _FIELD.fullmatch(line.strip().removeprefix("- "))) is not None:
            fields.setdefault(field[1], field[2])
    return fields.get("id", ""), fields.get("algorithm", DEFAULT), fields.get("secret", "")
