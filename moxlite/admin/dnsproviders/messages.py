"""Messages between this program and the child that speaks with a DNS provider: JSON, one job and one answer.

Records are in the form of zone files (RFC 1035 §5): absolute names, data as dnspython writes it.
"""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import msgspec

MAX_ANSWER: Final = 16 << 20
"""Octets of an answer. A zone with 10,000 records has 2 MB."""

MAX_STRING: Final = 255
"""Octets of one string of a TXT record (RFC 1035 §3.3)."""

Why = Literal["absent", "ambiguous", "changed", "missing", "refused", "throttled", "unreachable", "odd"]
"""The kinds of failures. absent: the library is not installed. ambiguous: several zones of the name. changed: the
records differ from what the job was made for. missing: the account does not have the zone. refused: the token, or its
rights.
"""


class Account(msgspec.Struct, frozen=True):
    """An account at a provider, and one zone of it: an A-label name without a final dot. secrets: by the library's
    names of options.
    """

    provider: str
    zone: str
    secrets: dict[str, str]


class Record(msgspec.Struct, frozen=True):
    """A record of a zone; `ttl` in seconds, 0 if the provider does not tell it."""

    name: str
    kind: str
    data: str
    ttl: int = 0


class Edit(msgspec.Struct, frozen=True):
    """A change of one set of records; `before`: all its data, as the plan saw it."""

    name: str
    kind: str
    before: tuple[str, ...]
    remove: tuple[str, ...]
    add: tuple[str, ...]


class Read(msgspec.Struct, frozen=True, tag="read"):
    """List the records of the zone."""

    account: Account


class Write(msgspec.Struct, frozen=True, tag="write"):
    """Change records of the zone, in this order."""

    account: Account
    edits: tuple[Edit, ...]


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Load the library for the provider, without a request."""

    account: Account


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The answer to `Ping`."""


class Records(msgspec.Struct, frozen=True, tag="records"):
    """The records of a zone, of the kinds that mail uses."""

    records: tuple[Record, ...]


class Written(msgspec.Struct, frozen=True, tag="written"):
    """The provider has taken all edits."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The job failed. text: for people, in the provider's words if it sent any; it has no secret. retry_after: seconds,
    if the provider named a time.
    """

    why: Why
    text: str
    retry_after: float | None = None


Job: TypeAlias = Read | Write | Ping
Answer: TypeAlias = Records | Written | Pong | Failed


def text_data(text: bytes) -> str:
    """The data of a TXT record, in strings of at most 255 octets, however the provider splits it."""
    strings = [text[at : at + MAX_STRING] for at in range(0, len(text), MAX_STRING)] or [b""]
    octets = b"".join(bytes((len(string),)) + string for string in strings)
    kind = dns.rdatatype.TXT
    return dns.rdata.from_wire(dns.rdataclass.IN, kind, octets, 0, len(octets)).to_text()


def data_of(kind: str, text: str) -> dns.rdata.Rdata:
    """Data from its text in a zone file. Raises dns.exception.DNSException."""
    return dns.rdata.from_text(dns.rdataclass.IN, kind, text)


def is_same(kind: str, one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two sets have the same data, without regard to case in names and splitting of texts."""
    return set(map(comparable(kind), one)) == set(map(comparable(kind), other))


class comparable:  # noqa: N801 - a function with one argument bound
    """Texts of data in a form that is equal for equal data."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __call__(self, text: str) -> bytes:
        """The octets that stand for the data."""
        try:
            data = data_of(self._kind, text)
        except dns.exception.DNSException:
            return text.encode()
        if self._kind == "TXT":
            return b"".join(getattr(data, "strings", ()))
        return data.to_digestable(dns.name.root)
