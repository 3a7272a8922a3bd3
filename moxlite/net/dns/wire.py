"""DNS message codec: a question to octets, and the octets of a response to a `Response` (RFC 1035 §4, 6891, 8914).

Theory of operation
-------------------
A resolver asks for one name and one type, so there is one query (`encode_question`), and a response is read for that
question alone: `is_response` tells it from what others send, `read_response` walks over its records once, keeps those
of the wanted type and the CNAMEs, and follows these from the name that was asked for. Records of other types and
classes are passed over. There is no I/O here.

Names are text in lower case with their final dot; what is no letter, digit, "-" or "_" is escaped as in zone files
(RFC 1035 §5.1), so that a label with a dot in it stays one label, and can be asked for again.

Messages are hostile input: each read is checked against the end of the message, a record against its own length; a
compressed name points backwards only; the number of records and labels read per message is bounded.
"""

import ipaddress
import re
import struct
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from moxlite.net.resolver import CAA, MAX_CHAIN, MX, SRV, TLSA, Record, RecordType

PAYLOAD: Final = 1232
"""Octets of a datagram that is not fragmented, for EDNS (DNS flag day 2020)."""

MAX_NAME: Final = 255
"""Octets of a name with its lengths (RFC 1035 §3.1)."""

MAX_LABEL: Final = 63
POINTER: Final = 0xC0
"""From this length on an octet begins a pointer (RFC 1035 §4.1.4)."""

MAX_LABELS: Final = 8192
"""Maximum labels read in one message: 3 ms. Hundreds of records with compressed names have fewer; a crafted message of
64 KiB could have a million.
"""

MAX_RECORDS: Final = 4096
"""Maximum records read of one message: 5 ms. A message of 64 KiB has room for some thousand addresses."""

MAX_ERROR_TEXT: Final = 100
"""Maximum characters kept of the text of an extended error, which goes into the log."""

TYPES: Final[Mapping[RecordType, int]] = {
    RecordType.A: 1,
    RecordType.NS: 2,
    RecordType.CNAME: 5,
    RecordType.PTR: 12,
    RecordType.MX: 15,
    RecordType.TXT: 16,
    RecordType.AAAA: 28,
    RecordType.SRV: 33,
    RecordType.TLSA: 52,
    RecordType.CAA: 257,
}
CNAME: Final = 5
SOA: Final = 6
OPT: Final = 41
IN: Final = 1
"""Types and the class of records that no question of ours names (RFC 1035 §3.2.2, §3.2.4; RFC 6891 §6.1.1)."""

QR: Final = 0x8000
OPCODE: Final = 0x7800
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100
RA: Final = 0x0080
AD: Final = 0x0020
RCODE: Final = 0x000F
"""Bits of the second word of the header (RFC 1035 §4.1.1; AD: RFC 6840 §5.8)."""

NOERROR: Final = 0
NXDOMAIN: Final = 3
WITHOUT_QUESTION: Final = frozenset({1, 2, 4, 5})
"""Response codes with which some servers leave out the question: FORMERR, SERVFAIL, NOTIMP, REFUSED."""

EDE: Final = 15
"""The option with an extended error (RFC 8914 §2)."""

_HEADER: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!2HIH")
_OPT: Final = struct.pack("!B2HIH", 0, OPT, PAYLOAD, 0, 0)
_PLAIN: Final = re.compile(rb"[a-z0-9_-]+")
_UNPRINTABLE: Final = re.compile(r"[^!-~]+")
_ESCAPED: Final = re.compile(rb"\\([0-9]{3})|\\(.)", re.DOTALL)
_LABEL: Final = re.compile(r"((?>(?:[^.\\]++|\\.)*))\.", re.DOTALL)


class WireError(ValueError):
    """Octets that are not a usable response, or text that is not a name."""


class ExtendedError(msgspec.Struct, frozen=True):
    """An extended error (RFC 8914): the reason why a server failed. `text`: printable ASCII, "" if there is no text."""

    code: int
    text: str


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A server's response to one question.

    Attributes:
      rcode: the response code, with the upper bits from EDNS.
      truncated: the response did not fit into the datagram; no record of it is here.
      authentic: the AD bit.
      lame: no record is in it, and the server neither knows the zone nor asks others.
      name: the name of the records, or of their absence: the end of the chain.
      chain: the names of the CNAMEs that lead there, at most `MAX_CHAIN` and one.
      records: the records of the wanted type, each once; empty for a denial.
      ttl: seconds, the least of records and chain; for a denial also the SOA's limit (RFC 2308 §5), 0 without SOA.
      authority: it has records in the authority section, so an empty answer is a denial and not a truncated one.
      error: the first extended error, or None.
    """

    rcode: int
    truncated: bool = False
    authentic: bool = False
    lame: bool = False
    name: str = ""
    chain: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    ttl: int = 0
    authority: bool = False
    error: ExtendedError | None = None


def encode_question(identifier: int, name: str, kind: RecordType) -> bytes:
    """Encode a query for records of `kind` at the absolute `name`, with recursion desired and the AD bit set (AUTH-3).

    Raises WireError: no such name can exist.
    """
    header = _HEADER.pack(identifier, RD | AD, 1, 0, 0, 1)
    return b"".join((header, _encode_name(name), struct.pack("!2H", TYPES[kind], IN), _OPT))


def is_response(question: bytes, data: bytes) -> bool:
    """Whether octets are a response to a query that `encode_question` made: same number, same question, whatever the
    case of its letters (AUTH-6).
    """
    end = len(question) - len(_OPT)
    if len(data) < _HEADER.size or data[:2] != question[:2]:
        return False
    _, flags, questions, *_ = _HEADER.unpack_from(data)
    if not flags & QR or flags & OPCODE:
        return False
    if not questions:
        return flags & RCODE in WITHOUT_QUESTION
    same = data[_HEADER.size : end - 4].lower() == question[_HEADER.size : end - 4].lower()  # lengths are below "A"
    return questions == 1 and same and data[end - 4 : end] == question[end - 4 : end]


def read_response(data: bytes, name: str, kind: RecordType) -> Response:
    """Read the response to the question for `kind` at the absolute `name`, of which `is_response` is true.

    Raises WireError.
    """
    _, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(data)
    if flags & TC:
        return Response(rcode=flags & RCODE, truncated=True)
    if answers + authorities + additionals > MAX_RECORDS:
        raise WireError("too many records")
    try:
        return _Reader(data).read(flags, questions, answers, authorities, additionals, name.lower(), kind)
    except (IndexError, struct.error):
        raise WireError("message is truncated") from None


class _Name(msgspec.Struct, frozen=True):
    """A name, and its octets without compression."""

    name: str
    octets: int


class _RecordSet(msgspec.Struct):
    """Records of one name and type. `ttl`: the least."""

    ttl: int
    records: dict[Record, None]


class _Reader:
    """Reads one message. Methods raise WireError; IndexError and struct.error mean that its end was met."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = _HEADER.size
        self._labels = 0
        self._names: dict[int, _Name] = {}  # names already read, by their offset

    def read(
        self, flags: int, questions: int, answers: int, authorities: int, additionals: int, name: str, kind: RecordType
    ) -> Response:
        for _ in range(questions):
            name = self._name()  # the others point to it, and as here it is written in records
            self._at += 4
        wanted: dict[str, _RecordSet] = {}
        aliases: dict[str, _RecordSet] = {}
        for _ in range(answers):
            self._answer(kind, wanted, aliases)
        denials: dict[str, int] = {}
        for _ in range(authorities):
            self._authority(denials)
        rcode, error = flags & RCODE, None
        for _ in range(additionals):
            extended, extended_error = self._additional()
            rcode |= extended
            error = error or extended_error
        chain: list[str] = []
        ttls: list[int] = []
        while name not in wanted and kind is not RecordType.CNAME and (alias := aliases.get(name)) is not None:
            chain.append(name)
            if len(chain) > MAX_CHAIN:
                break
            ttls.append(alias.ttl)
            name = str(next(iter(alias.records)))
        found = wanted.get(name)
        if found is not None:
            if rcode == NXDOMAIN:
                raise WireError("NXDOMAIN response contains records")
            ttls.append(found.ttl)
        else:
            ttls.append(_denied_for(denials, name))
        return Response(
            rcode=rcode,
            authentic=bool(flags & AD),
            lame=not answers and not flags & (RA | AA),
            name=name,
            chain=tuple(chain),
            records=() if found is None else tuple(found.records),
            ttl=min(ttls),
            authority=bool(authorities),
            error=error,
        )

    def _record(self, owner: Callable[[], str]) -> tuple[str, int, int, int, int]:
        """Read the header of the next record, up to its data: name, type, class, TTL, and offset of the end."""
        name = owner()
        kind, group, ttl, length = _RECORD.unpack_from(self._data, self._at)
        self._at += _RECORD.size
        end = self._at + length
        if end > len(self._data):
            raise WireError("record extends past the end of the message")
        return name, kind, group, ttl, end

    def _answer(self, kind: RecordType, wanted: dict[str, _RecordSet], aliases: dict[str, _RecordSet]) -> None:
        name, number, group, ttl, end = self._record(self._name)
        if group == IN and number in (TYPES[kind], CNAME):
            record = self._data_of(number, end)
            if self._at != end:
                raise WireError("record length doesn't match")
            into = wanted if number == TYPES[kind] else aliases
            ttl = ttl if ttl < 1 << 31 else 0  # RFC 2181 §8
            found = into.setdefault(name, _RecordSet(ttl, {}))
            found.ttl = min(found.ttl, ttl)
            found.records[record] = None
        self._at = end

    def _authority(self, denials: dict[str, int]) -> None:
        """Note for how many seconds an SOA record denies the names below its zone."""
        name, number, group, ttl, end = self._record(self._name)
        if group == IN and number == SOA:
            self._skip_name()
            self._skip_name()
            if end - self._at != 20:
                raise WireError("record length doesn't match")
            (minimum,) = struct.unpack_from("!I", self._data, end - 4)
            denials[name] = min(ttl, minimum)
        self._at = end

    def _additional(self) -> tuple[int, ExtendedError | None]:
        """Read the next record. If it is EDNS, return the upper bits of the code and the extended error."""
        _, number, _, ttl, end = self._record(self._skip_name)
        error: ExtendedError | None = None
        if number == OPT:
            while self._at < end:
                option, length = struct.unpack_from("!2H", self._data, self._at)
                self._at += 4
                if self._at + length > end:
                    raise WireError("option extends past the record")
                if option == EDE and length >= 2 and error is None:
                    (code,) = struct.unpack_from("!H", self._data, self._at)
                    text = self._data[self._at + 2 : self._at + length].decode("utf-8", "replace")
                    error = ExtendedError(code, _UNPRINTABLE.sub(" ", text).strip()[:MAX_ERROR_TEXT])
                self._at += length
        self._at = end
        return ((ttl >> 24) << 4, error) if number == OPT else (0, None)

    # Names

    def _name(self) -> str:
        """Read the name at the current offset, and move behind it."""
        start = self._at
        self._skip_name()
        return self._name_at(start)

    def _skip_name(self) -> str:
        """Move behind a name without reading it; returns ""."""
        data, at = self._data, self._at
        while length := data[at]:
            if length >= POINTER:
                at += 1
                break
            if length > MAX_LABEL:
                raise WireError("unknown label type")  # RFC 6891 §5
            at += 1 + length
        self._at = at + 1
        return ""

    def _name_at(self, start: int) -> str:
        """The name that begins at `start`, over all its pointers."""
        data, at, lowest = self._data, start, start
        labels: list[str] = []
        octets, tail = 1, ""
        while length := data[at]:
            if (known := self._names.get(at)) is not None:
                tail = known.name if known.name != "." else ""
                octets += known.octets - 1
                break
            if length >= POINTER:
                at = (length & 0x3F) << 8 | data[at + 1]
                if at >= lowest:
                    raise WireError("compression pointer points forward")
                lowest = at
                continue
            label = data[at + 1 : at + 1 + length]
            octets += 1 + length
            self._labels += 1
            if length > MAX_LABEL or len(label) < length or octets > MAX_NAME or self._labels > MAX_LABELS:
                raise WireError("name or label too long, or too many labels")
            labels.append(_text(label))
            at += 1 + length
        if octets > MAX_NAME:
            raise WireError("name is too long")
        name = "".join(f"{label}." for label in labels) + tail or "."
        self._names[start] = _Name(name, octets)
        return name

    # Data of records

    def _data_of(self, kind: int, end: int) -> Record:
        """Read the data of a record, from the current offset to `end`."""
        if kind == TYPES[RecordType.A]:
            return ipaddress.IPv4Address(self._take(4, end))
        if kind == TYPES[RecordType.AAAA]:
            return ipaddress.IPv6Address(self._take(16, end))
        if kind == TYPES[RecordType.MX]:
            return MX(int.from_bytes(self._take(2, end)), self._name())
        if kind == TYPES[RecordType.TXT]:
            strings: list[bytes] = []
            while self._at < end or not strings:  # at least one (RFC 1035 §3.3.14)
                strings.append(self._take(self._take(1, end)[0], end))
            return b"".join(strings).decode("ascii", "surrogateescape")
        if kind == TYPES[RecordType.TLSA]:
            usage, selector, matching = self._take(3, end)
            return TLSA(usage, selector, matching, self._take(end - self._at, end))
        if kind == TYPES[RecordType.SRV]:
            priority, weight, port = struct.unpack("!3H", self._take(6, end))
            return SRV(priority, weight, port, self._name())
        if kind == TYPES[RecordType.CAA]:
            flags, length = self._take(2, end)
            tag = self._take(length, end).decode("ascii", "surrogateescape")
            return CAA(flags, tag, self._take(end - self._at, end).decode("ascii", "surrogateescape"))
        return self._name()  # CNAME, NS, PTR

    def _take(self, count: int, end: int) -> bytes:
        found = self._data[self._at : self._at + count]
        self._at += count
        if self._at > end:
            raise WireError("record is too short")
        return found


def _denied_for(denials: Mapping[str, int], name: str) -> int:
    """Seconds for which the SOA of the nearest zone above `name` denies it; 0 where none does."""
    if denials:
        labels = _labels_of(name)
        for start in range(len(labels) + 1):
            if (found := denials.get("".join(f"{label}." for label in labels[start:]) or ".")) is not None:
                return found
    return 0


def _text(label: bytes) -> str:
    """A label as zone files write it, in lower case."""
    label = label.lower()
    if _PLAIN.fullmatch(label):
        return label.decode("ascii")
    return "".join(_ESCAPES[octet] for octet in label)


def _escape(octet: int) -> str:
    text = chr(octet)
    if text in '"().;\\@$':
        return f"\\{text}"
    return text if 0x20 < octet < 0x7F else f"\\{octet:03}"


_ESCAPES: Final = tuple(map(_escape, range(256)))


def _labels_of(name: str) -> list[str]:
    """The labels of an absolute name, as they are written. Raises WireError: its final dot is part of a label."""
    if "\\" not in name:
        return name[:-1].split(".") if name != "." else []
    found: list[str] = []
    at = 0
    while at < len(name):
        match = _LABEL.match(name, at)
        if match is None:
            raise WireError("unterminated name")
        found.append(match[1])
        at = match.end()
    return found


def _encode_name(name: str) -> bytes:
    """The octets of an absolute name. Raises WireError."""
    wire = bytearray()
    for label in _labels_of(name):
        octets = _unescaped(label)
        if not 0 < len(octets) <= MAX_LABEL:
            raise WireError(f"labels must be 1 to {MAX_LABEL} bytes, not {len(octets)}")
        wire.append(len(octets))
        wire += octets
    wire.append(0)
    if len(wire) > MAX_NAME:
        raise WireError(f"name is too long ({len(wire)} bytes)")
    return bytes(wire)


def _unescaped(label: str) -> bytes:
    try:
        octets = label.encode("ascii")
        return _ESCAPED.sub(lambda match: bytes((int(match[1]),)) if match[1] else match[2], octets)
    except ValueError:  # not ASCII, or a number above 255
        raise WireError("invalid label") from None
