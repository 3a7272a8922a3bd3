"""Conditional and range requests (RFC 9110 §13, §14; WEB-9).

`plan` decides which parts of a representation are sent, wherever its octets are. `respond` makes the whole response for
a representation in memory.
"""

import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Final

import msgspec

from moxlite.web.http.messages import Headers, Response

MAX_RANGES: Final = 8  # more ranges are an attack (RFC 9110 §14.2); the whole representation is sent instead
RANGE: Final = re.compile(r"([0-9]{0,18})-([0-9]{0,18})\Z")
TAG: Final = re.compile(r'"([^"]*+)"\s*+(?:,|$)')
STRONG_TAG: Final = re.compile(rf"(?<!W/){TAG.pattern}")


class Validators(msgspec.Struct, frozen=True):
    """Metadata of a representation, without its octets.

    ``size`` in octets; ``etag`` is the strong tag without its quotes; ``modified`` is a time in UTC; ``headers`` go
    with every answer.
    """

    size: int
    content_type: str
    etag: str
    modified: datetime
    headers: tuple[tuple[str, str], ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """A response. ``pieces`` of its body are octets, or ranges of the representation (first octet, and the one after
    the last).
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[bytes | tuple[int, int], ...] = ()

    @property
    def length(self) -> int:
        """Octets of the body."""
        return sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in self.pieces)

    def body(self, content: bytes) -> bytes:
        """The body, made from all octets of the representation."""
        if len(self.pieces) == 1 and self.pieces[0] == (0, len(content)):
            return content
        return b"".join(piece if isinstance(piece, bytes) else content[piece[0] : piece[1]] for piece in self.pieces)


class Representation(msgspec.Struct, frozen=True):
    """Octets sent whole, in ranges, or not at all if the client has them. They are kept, and sent to many. The other
    fields as in `Validators`.
    """

    body: bytes
    content_type: str
    etag: str
    modified: datetime
    headers: tuple[tuple[str, str], ...] = ()


@lru_cache(256)
def http_date(time: datetime) -> str:
    """IMF-fixdate (RFC 9110 §5.6.7)."""
    return format_datetime(time.astimezone(UTC), usegmt=True)


def parse_date(value: str | None) -> datetime | None:
    """The date of a header field; None if it is not valid: such fields are ignored (RFC 9110 §13.1.3)."""
    if value is None:
        return None
    try:
        time = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the latter for numbers beyond an int of C
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def matches(field: str, etag: str, *, strong: bool = False) -> bool:
    """Whether a list of entity tags (or "*") names this one. `strong`: tags after ``W/`` do not count (§8.8.3.2)."""
    return field.strip() == "*" or etag in (STRONG_TAG if strong else TAG).findall(field)


def respond(method: str, request: Headers, item: Representation) -> Response:
    """The response to a GET or HEAD."""
    facts = Validators(len(item.body), item.content_type, item.etag, item.modified, item.headers)
    decided = plan(method, request, facts)
    body = decided.body(item.body)
    return Response(decided.status, decided.headers, body, shared=body is item.body)


def plan(method: str, request: Headers, item: Validators) -> Plan:
    """The response to a GET or HEAD without its octets, by the order of checks in RFC 9110 §13.2.2."""
    modified = item.modified.replace(microsecond=0) if item.modified.microsecond else item.modified
    common = (("etag", f'"{item.etag}"'), ("last-modified", http_date(modified)), *item.headers)
    if status := _precondition(request, item.etag, modified):
        return Plan(status, common)
    whole = (*common, ("content-type", item.content_type), ("accept-ranges", "bytes"))
    all_of_it = Plan(200, whole, ((0, item.size),))
    wanted = request.get("range")
    if method != "GET" or wanted is None or not _if_range_holds(request.get("if-range"), item.etag, modified):
        return all_of_it
    ranges = parse_ranges(wanted, item.size)
    if ranges is None:
        return all_of_it
    if not ranges:
        return Plan(416, (*common, ("content-range", f"bytes */{item.size}")))
    if len(ranges) == 1:
        first, last = ranges[0]
        return Plan(206, (*whole, ("content-range", f"bytes {first}-{last}/{item.size}")), ((first, last + 1),))
    boundary = secrets.token_hex(16)
    pieces: list[bytes | tuple[int, int]] = []
    for first, last in ranges:
        head = (
            f"--{boundary}\r\nContent-Type: {item.content_type}\r\n"
            f"Content-Range: bytes {first}-{last}/{item.size}\r\n\r\n"
        )
        pieces += [head.encode(), (first, last + 1), b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    kind = ("content-type", f"multipart/byteranges; boundary={boundary}")
    return Plan(206, (*common, kind), tuple(pieces))


def _precondition(request: Headers, etag: str, modified: datetime) -> int:
    """The status of a precondition that fails, else 0. A time counts only where no tag is asked for."""
    since = parse_date(request.get("if-unmodified-since"))
    if (match := request.get("if-match")) is not None:
        if not matches(match, etag, strong=True):
            return 412
    elif since is not None and modified > since:
        return 412
    since = parse_date(request.get("if-modified-since"))
    if tags := request.all("if-none-match"):
        if matches(",".join(tags), etag):
            return 304
    elif since is not None and modified <= since:
        return 304
    return 0


def parse_ranges(field: str, size: int) -> list[tuple[int, int]] | None:
    """First and last octet of each satisfiable range; an empty list if no range is satisfiable; None if the field must
    be ignored (§14.2).
    """
    unit, separator, text = field.partition("=")
    if not separator or unit.strip().lower() != "bytes":
        return None
    ranges: list[tuple[int, int]] = []
    elements = [element.strip() for element in text.split(",") if element.strip()]
    if len(elements) > MAX_RANGES:
        return None
    for element in elements:
        match = RANGE.match(element)
        if match is None or element == "-":
            return None
        if not match[1]:
            length = min(int(match[2]), size)
            if length:
                ranges.append((size - length, size - 1))
            continue
        first, last = int(match[1]), int(match[2]) if match[2] else size - 1
        if match[2] and last < first:
            return None
        if first < size:
            ranges.append((first, min(last, size - 1)))
    return ranges


def _if_range_holds(field: str | None, etag: str, modified: datetime) -> bool:
    """Whether a range may be sent: the client's copy is of exactly this representation (§13.1.5, strong comparison)."""
    if field is None:
        return True
    if field.lstrip().startswith('"'):
        return field.strip() == f'"{etag}"'
    return parse_date(field) == modified
