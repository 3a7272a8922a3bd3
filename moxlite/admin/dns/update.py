"""Changes of DNS records at a name server, by updates with a key (RFC 2136, RFC 8945; ADMIN-71a). Blocks."""

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update
import msgspec

from moxlite.admin.dns.plan import Change, Data, Found, Slot
from moxlite.admin.dns.zonefile import TTL
from moxlite.net.limits import IPAddress
from moxlite.wording import plain_reason

SECONDS: Final = 10.0
"""Seconds for one query or update."""

MAX_QUERIES: Final = 300
"""Queries for one plan. A domain with all records has sixty names."""

UNUSED: Final = b"_moxlite-none"
"""A label that no zone has."""

T = TypeVar("T")

CHANGED: Final = frozenset({dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN})
"""Codes that mean: a prerequisite is not true any more (RFC 2136 §3.2)."""


class NoAnswer(Exception):
    """The server did not answer, or not for now."""


class UpdateRefused(Exception):
    """The server or provider does not take the change or the key (`credentials`), or has other records than before."""

    def __init__(self, text: str, *, credentials: bool = False) -> None:
        super().__init__(text)
        self.credentials: Final = credentials


class NameServer(msgspec.Struct, frozen=True):
    """The primary server of zones, and the key that may change them."""

    ip: IPAddress
    port: int
    key: dns.tsig.Key


class KeyedServer:
    """Zones of a primary server, read and changed with a key. Queries are for one plan: each set is asked for once."""

    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._zones: dict[dns.name.Name, dns.name.Name | None] = {}
        self._answers: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.message.Message] = {}

    @property
    def title(self) -> str:
        """The server, for people."""
        return str(self._server.ip)

    def authorities(self, zone: str) -> list[tuple[str, int]]:
        """Address and port of the server."""
        return [(str(self._server.ip), self._server.port)]

    def zone(self, name: str) -> str | None:
        """The zone of a name, if the server is its authority. Raises NoAnswer, UpdateRefused."""
        found = self._zone(dns.name.from_text(name))
        return None if found is None else found.to_text().lower()

    def _zone(self, name: dns.name.Name) -> dns.name.Name | None:
        if name not in self._zones:
            answer = self._ask(name, dns.rdatatype.SOA)
            sections = (*answer.answer, *answer.authority)
            soa = next((section.name for section in sections if section.rdtype == dns.rdatatype.SOA), None)
            known = answer.flags & dns.flags.AA and soa is not None and name.is_subdomain(soa)
            self._zones[name] = soa if known else None
        return self._zones[name]

    def signed(self, zone: str) -> bool:
        """Whether the zone has DNSSEC. Raises NoAnswer, UpdateRefused."""
        return bool(self._records(dns.name.from_text(zone), dns.rdatatype.DNSKEY))

    def found(self, zone: str, slots: Iterable[Slot]) -> Found:
        """Sets of records; an alias is not followed. Raises NoAnswer, UpdateRefused."""
        return {(name, kind): own_records(self._records, zone, name, kind) for name, kind in slots}

    def send(self, zone: str, changes: Sequence[Change]) -> None:
        """Make changes of one zone, as `send_update`. Raises NoAnswer, UpdateRefused."""
        send_update(self._server, zone, changes)
        self._answers.clear()

    def _records(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> tuple[Data, ...]:
        answer = self._ask(name, kind)
        return tuple(data for rrset in answer.answer if rrset.name == name and rrset.rdtype == kind for data in rrset)

    def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        if (name, kind) not in self._answers:
            if len(self._answers) >= MAX_QUERIES:
                raise UpdateRefused(f"these changes need too many DNS queries (limit {MAX_QUERIES})")
            query = dns.message.make_query(name, kind)
            query.flags &= ~dns.flags.RD
            query.use_tsig(self._server.key)
            where, port = str(self._server.ip), self._server.port
            self._answers[name, kind] = _exchange(
                self._server, lambda: dns.query.tcp(query, where, timeout=SECONDS, port=port)
            )
        return self._answers[name, kind]


def own_records(
    ask: Callable[[dns.name.Name, dns.rdatatype.RdataType], Sequence[Data]], zone: str, name: str, kind: str
) -> Sequence[Data]:
    """The records that a name itself has at a server. What a wildcard answers for a name that does not exist
    (RFC 4592 §3.3.1) is left out: names below and beside it have the same.
    """
    labels = dns.name.from_text(name).labels
    rdtype = dns.rdatatype.from_text(kind)
    records = ask(dns.name.Name(labels), rdtype)
    if records and labels != dns.name.from_text(zone).labels:
        unused = (dns.name.Name((UNUSED, *above)) for above in (labels, labels[1:]))
        if all(set(ask(other, rdtype)) == set(records) for other in unused):
            return ()
    return records


def send_update(server: NameServer, zone: str, changes: Sequence[Change]) -> None:
    """Make changes of one zone, all or none, if the records have not changed since the plan.

    Raises NoAnswer, UpdateRefused.
    """
    update = dns.update.UpdateMessage(zone, keyring=server.key)
    # Each set must be as the plan saw it, or nothing is done: two programs may keep the same zone (RFC 2136 §2.4).
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
        raise UpdateRefused(f"{zone}'s records have changed; try again")
    if code == dns.rcode.SERVFAIL:
        raise NoAnswer(f"{server.ip} couldn't change {zone} (SERVFAIL)")
    if code != dns.rcode.NOERROR:
        raise UpdateRefused(f"{server.ip} refused to change {zone}: {dns.rcode.to_text(code)}")


def _exchange(server: NameServer, work: Callable[[], T]) -> T:
    try:
        return work()
    except dns.tsig.PeerBadTime:
        raise UpdateRefused(f"clock skew between {server.ip} and this machine is too large") from None
    except (dns.tsig.PeerError, dns.tsig.BadSignature, dns.tsig.BadKey) as error:
        raise UpdateRefused(f"{server.ip} rejected the key {server.key.name}: {error}", credentials=True) from None
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise NoAnswer(f"{server.ip} port {server.port}: {plain_reason(error)}") from None


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
    """Read the first key of a file. Raises KeyFileError."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE).decode()
    except OSError as error:
        raise KeyFileError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyFileError(f"{path} doesn't have a TSIG key") from None
    return parse_key(text, str(path))


def parse_key(text: str, source: str) -> dns.tsig.Key:
    """The first key of a text: a ``key`` statement of BIND, a ``key`` section of Knot DNS, or a line
    ``[ALGORITHM:]NAME:SECRET``. Raises KeyFileError, which names the source.
    """
    name, algorithm, secret = _first_key(text)
    if not name or not secret:
        raise KeyFileError(f"{source} doesn't have a TSIG key")
    if algorithm.lower() not in ALGORITHMS:
        raise KeyFileError(f"{source}: unsupported algorithm {algorithm}; use one of {', '.join(ALGORITHMS)}")
    try:
        octets = base64.b64decode(secret, validate=True)
        return dns.tsig.Key(dns.name.from_text(name), octets, ALGORITHMS[algorithm.lower()])
    except (dns.exception.DNSException, ValueError):
        raise KeyFileError(f"{source}: invalid key name or secret") from None


def _first_key(text: str) -> tuple[str, str, str]:
    """Name, algorithm and secret in base 64, "" where they are missing."""
    if (match := _BIND.search(text)) is not None:
        fields = dict(_FIELD.findall(match[2]))
        return match[1], fields.get("algorithm", DEFAULT), fields.get("secret", "")
    fields = {}
    for line in text.splitlines():
        if (line_key := _LINE.fullmatch(line.strip())) is not None:
            return line_key[2], line_key[1] or DEFAULT, line_key[3]
        if (field := _FIELD.fullmatch(line.strip().removeprefix("- "))) is not None:
            fields.setdefault(field[1], field[2])
    return fields.get("id", ""), fields.get("algorithm", DEFAULT), fields.get("secret", "")
