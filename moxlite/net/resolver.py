"""DNS look-ups of typed records, with the DNSSEC state of every answer (AUTH-1..14).

`Resolver` is the interface for evaluators and the queue. `net.dns.client` implements it with servers. `FakeResolver`
here answers from a table: for tests, and for a server that talks to itself only. Names are absolute, with final dot, in
A-labels.
"""

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Generic, Literal, TypeAlias, TypeVar, cast

import msgspec
import trio

from moxlite.net.limits import IPAddress

R = TypeVar("R")

MAX_CHAIN: Final = 16
"""Maximum CNAMEs followed for one look-up (AUTH-5)."""

LONG: Final = 1024
"""Characters of TXT records that take about a millisecond to read, as SPF or DMARC. Few real records are longer."""


class RecordType(StrEnum):
    """The types of records that can be looked up."""

    A = "A"
    AAAA = "AAAA"
    CAA = "CAA"
    CNAME = "CNAME"
    MX = "MX"
    NS = "NS"
    PTR = "PTR"
    SRV = "SRV"
    TLSA = "TLSA"
    TXT = "TXT"


class MX(msgspec.Struct, frozen=True, order=True):
    """RFC 1035 §3.3.9; `host` is "." for a null MX (RFC 7505)."""

    preference: int
    host: str


class SRV(msgspec.Struct, frozen=True, order=True):
    """An SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class TLSA(msgspec.Struct, frozen=True):
    """RFC 6698 §2.1."""

    usage: int
    selector: int
    matching: int
    data: bytes


class CAA(msgspec.Struct, frozen=True):
    """A CAA record (RFC 8659 §4.1)."""

    flags: int
    tag: str
    value: str


Record: TypeAlias = str | IPAddress | MX | SRV | TLSA | CAA
"""A record. TXT is one text, its strings joined, with octets outside ASCII as surrogates; CNAME, NS and PTR are names;
A and AAAA are addresses.
"""


class Answer(msgspec.Struct, Generic[R], frozen=True):
    """Records that were found, at least one.

    ``authentic``: DNSSEC-validated by a resolver that we trust, over the whole chain of CNAMEs. ``ttl`` in seconds,
    the least of all. ``name`` is the name of the records, at the end of the CNAMEs at the names of ``chain``.
    """

    records: tuple[R, ...]
    authentic: bool
    ttl: int
    name: str
    chain: tuple[str, ...] = ()


class DNSError(Exception):
    """A look-up without records. ``authentic`` as in `Answer`. The text is for owners and the log, ``outside`` for
    users: it doesn't name this machine's DNS servers.
    """

    def __init__(self, text: str, *, authentic: bool = False, outside: str = "") -> None:
        super().__init__(text)
        self.authentic = authentic
        self.outside = outside or text


class NotFound(DNSError):
    """The name does not exist (``nonexistent``: NXDOMAIN), or has no records of this type. ``ttl``: how long that
    holds, in seconds. ``name``: the one without records, behind the CNAMEs at the names of ``chain``.
    """

    def __init__(
        self,
        text: str,
        *,
        name: str,
        authentic: bool = False,
        ttl: int = 0,
        nonexistent: bool = False,
        chain: tuple[str, ...] = (),
    ) -> None:
        super().__init__(text, authentic=authentic)
        self.name = name
        self.ttl = ttl
        self.nonexistent = nonexistent
        self.chain = chain


class TempError(DNSError):
    """No answer for now: timeout, network, or the resolver failed (SERVFAIL).

    ``code`` is the extended error (RFC 8914), None without one; ``dnssec`` says that it means bogus or unverifiable
    signatures.
    """

    def __init__(self, text: str, *, code: int | None = None, dnssec: bool = False, outside: str = "") -> None:
        super().__init__(text, outside=outside)
        self.code = code
        self.dnssec = dnssec


class TooManyAliases(TempError):
    """More than `MAX_CHAIN` CNAMEs in a row: most likely a loop."""


class PermError(DNSError):
    """The name is malformed."""


class Silence(msgspec.Struct, frozen=True):
    """DNS servers that do not answer.

    ``servers``: their addresses. ``all``: no other server is left, so that no look-up can succeed. ``file``: the
    system's file that names them, "" where an option or a setting does.
    """

    servers: tuple[IPAddress, ...] = ()
    all: bool = False
    file: str = ""


def absolute(name: str) -> str:
    """`name` in lower case with its final dot."""
    return name.lower() if name.endswith(".") else f"{name.lower()}."


class Resolver(ABC):
    """Answers questions about names. All methods raise NotFound, TempError or PermError."""

    @abstractmethod
    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        """Records of `kind` at the absolute `name`, CNAMEs followed (except when a CNAME is asked for). A checkpoint
        only if a server is asked: the checks of a message ask for few names, most of them known. Raises ValueError for
        a relative name.
        """

    async def silence(self, name: str) -> Silence:
        """Ask each DNS server at once, within seconds, whether it answers. A failure that it reports is an answer.

        Args:
          name: absolute, asked for beside a public one, which resolvers of a closed network may not know.
        """
        await trio.lowlevel.checkpoint()
        return Silence()

    async def txt(self, name: str) -> Answer[str]:
        """TXT records, each joined to one text (RFC 7208 §3.3)."""
        answer = cast(Answer[str], await self.lookup(name, RecordType.TXT))
        if sum(map(len, answer.records)) > LONG:
            # Strangers' records may be a hundred times as long, and the checks of one message read dozens of them.
            await trio.lowlevel.checkpoint()
        return answer

    async def mx(self, name: str) -> Answer[MX]:
        """Mail exchangers in the order of the response."""
        return cast(Answer[MX], await self.lookup(name, RecordType.MX))

    async def ns(self, name: str) -> Answer[str]:
        """Name servers of a zone."""
        return cast(Answer[str], await self.lookup(name, RecordType.NS))

    async def cname(self, name: str) -> Answer[str]:
        """The CNAME at `name`, not followed. Raises NotFound, with the DNSSEC state of the denial, if there is no
        CNAME.
        """
        return cast(Answer[str], await self.lookup(name, RecordType.CNAME))

    async def srv(self, name: str) -> Answer[SRV]:
        """Hosts and ports of a service (SRV records)."""
        return cast(Answer[SRV], await self.lookup(name, RecordType.SRV))

    async def tlsa(self, name: str) -> Answer[TLSA]:
        """Certificates for DANE."""
        return cast(Answer[TLSA], await self.lookup(name, RecordType.TLSA))

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        """Names of an address."""
        return cast(Answer[str], await self.lookup(absolute(ip.reverse_pointer), RecordType.PTR))

    async def ips(self, name: str, family: Literal[4, 6] | None = None) -> Answer[IPAddress]:
        """Addresses of a host: of one family, or of both, asked for at the same time, IPv4 first.

        Where one family gives records and the other fails, those records are the answer, authentic only if the
        absence of the others is too.
        """
        if family is not None:
            kind = RecordType.A if family == 4 else RecordType.AAAA
            return cast(Answer[IPAddress], await self.lookup(name, kind))
        outcomes: dict[RecordType, Answer[Record] | DNSError] = {}

        async def ask(kind: RecordType) -> None:
            try:
                outcomes[kind] = await self.lookup(name, kind)
            except DNSError as exc:
                outcomes[kind] = exc

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, RecordType.A)
            nursery.start_soon(ask, RecordType.AAAA)
        return _both_families(outcomes[RecordType.A], outcomes[RecordType.AAAA])


def _both_families(four: Answer[Record] | DNSError, six: Answer[Record] | DNSError) -> Answer[IPAddress]:
    answers = [outcome for outcome in (four, six) if isinstance(outcome, Answer)]
    if isinstance(four, NotFound) and isinstance(six, NotFound):
        text = str(six).replace("no AAAA records", "no A or AAAA records", 1)
        raise NotFound(
            text, name=six.name, authentic=six.authentic, ttl=six.ttl, nonexistent=six.nonexistent, chain=six.chain
        )
    if not answers:
        worst = six if isinstance(four, NotFound) else four
        assert isinstance(worst, DNSError)
        raise worst
    return Answer(
        records=cast(tuple[IPAddress, ...], tuple(record for answer in answers for record in answer.records)),
        authentic=four.authentic and six.authentic,
        ttl=min(answer.ttl for answer in answers),
        name=answers[0].name,
        chain=answers[0].chain,
    )


class FakeResolver(Resolver):
    """Answers from a table.

    ``records``: per type and name (final dot optional) what it holds; addresses and names as text. CNAMEs in the
    table are followed as a server does. ``authentic``: names whose zone counts as signed, True for all. ``failing``:
    names whose look-up fails with TempError (or the given exception). ``delays``: seconds before the answer, per
    name. Where the table has nothing, ``fallback`` is asked, if given.
    """

    def __init__(
        self,
        records: Mapping[str, Mapping[str, Iterable[str | MX | SRV | TLSA | CAA]]] | None = None,
        *,
        authentic: Iterable[str] | bool = False,
        failing: Iterable[str] | Mapping[str, DNSError] = (),
        delays: Mapping[str, float] | None = None,
        fallback: Resolver | None = None,
    ) -> None:
        self._records: dict[tuple[str, RecordType], tuple[Record, ...]] = {}
        for kind, names in (records or {}).items():
            for name, values in names.items():
                self.set(name, RecordType(kind), values)
        self._authentic = authentic if isinstance(authentic, bool) else {absolute(name) for name in authentic}
        failures = failing if isinstance(failing, Mapping) else {name: TempError("made to fail") for name in failing}
        self._failing = {absolute(name): error for name, error in failures.items()}
        self._delays = {absolute(name): seconds for name, seconds in (delays or {}).items()}
        self._fallback = fallback
        self.asked: list[tuple[str, RecordType]] = []
        """Every question in its order, for tests that count."""

    def set(self, name: str, kind: RecordType, values: Iterable[str | MX | SRV | TLSA | CAA]) -> None:
        """Replace the records of `kind` at `name`; without values they are removed."""
        made = tuple(_record(kind, value) for value in values)
        if made:
            self._records[absolute(name), kind] = made
        else:
            self._records.pop((absolute(name), kind), None)

    async def lookup(self, name: str, kind: RecordType) -> Answer[Record]:
        if not name.endswith("."):
            raise ValueError(f"name must end with a dot: {name!r}")
        self.asked.append((name, kind))
        await trio.sleep(self._delays.get(name.lower(), 0))
        current, authentic = name.lower(), True
        chain: list[str] = []
        for _ in range(MAX_CHAIN + 1):
            if (error := self._failing.get(current)) is not None:
                raise error.with_traceback(None)
            signed = self._authentic if isinstance(self._authentic, bool) else current in self._authentic
            authentic = authentic and signed
            if (found := self._records.get((current, kind))) is not None:
                return Answer(found, authentic, 300, current, tuple(chain))
            alias = self._records.get((current, RecordType.CNAME))
            if alias is None:
                if self._fallback is not None:
                    return await self._fallback.lookup(current, kind)
                raise NotFound(
                    f"no {kind} records found for {current}",
                    authentic=authentic,
                    nonexistent=not self._exists(current),
                    name=current,
                    chain=tuple(chain),
                )
            chain.append(current)
            current = cast(str, alias[0])
        raise TooManyAliases(f"CNAME chain for {name} is too long (limit {MAX_CHAIN})")

    def _exists(self, name: str) -> bool:
        """Whether the table has anything at a name or below it (RFC 8020)."""
        return any(one == name or one.endswith(f".{name}") for one, _ in self._records)


def _record(kind: RecordType, value: str | MX | SRV | TLSA | CAA) -> Record:
    if not isinstance(value, str):
        return value
    match kind:
        case RecordType.A | RecordType.AAAA:
            return ipaddress.ip_address(value)
        case RecordType.CNAME | RecordType.NS | RecordType.PTR:
            return absolute(value)
        case RecordType.MX:
            preference, host = value.split()
            return MX(int(preference), absolute(host))
        case RecordType.TXT:
            return value
        case RecordType.SRV | RecordType.TLSA | RecordType.CAA:
            raise ValueError(f"{kind} records must be {kind} structs")
