"""The message as tests see it: header fields, addresses, dates and body, each read when it is first asked for, and
charged to the budget of the run before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from moxlite.proto.address import Localpart, pack_localpart
from moxlite.proto.mime.dates import parse_date
from moxlite.proto.mime.decode import is_known_encoding
from moxlite.proto.mime.envelope import RawAddress, decode_address, parse_addresses
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import Read, part_text, visible_text
from moxlite.proto.mime.types import Part, Structure
from moxlite.proto.sieve.comparing import Values
from moxlite.proto.sieve.limits import CALL, MAX_BODY, Budget, weight

MAX_FIELDS: Final = 1000
"""Fields of one name that are looked at, as for rulesets (STORE-64)."""

MAX_ADDRESSES: Final = 1000
"""Addresses of one name that are looked at: a bigger list costs 5 µs for each."""

WORD: Final = 16 * CALL
"""Work of decoding an encoded word."""

DATE: Final = 32 * CALL
"""Work of reading a date."""

PART: Final = 8 * CALL
"""Work of looking at the type of a part."""

DOMAIN: Final = 400 * CALL
"""Work of bringing an internationalized domain into its other spelling: 80 µs for four labels."""

ADDRESS: Final = 512
"""Octets of an address in memory, and the work of reading it, at most."""

TAG: Final = 8 * CALL
"""Work of reading a tag of HTML."""

DECODING: Final = 8
"""Work of decoding an octet of a body."""

HTML: Final = frozenset({"text/html", "application/xhtml+xml"})

DATE_END: Final = 1024
"""Octets at the end of a field in which a date is looked for."""

_MARKS: Final = re.compile(rb"\\.|[();]", re.DOTALL)  # RFC 5322 §3.2.2: of comments, and quoted pairs

NO_VALUES: Final = Values(())


_SPECIAL: Final = re.compile(r'[\x00-\x20"(),:;<>@\[\\\]\x7f]')


class Mailbox(msgspec.Struct, frozen=True):
    """An address of a header field or an envelope. `domain` is "" where it has none."""

    localpart: str
    domain: str

    def __str__(self) -> str:
        """The address as it is written, with quotes around a localpart that needs them (RFC 5322 §3.4.1)."""
        if not self.domain:
            return self.localpart
        quoted = _SPECIAL.search(self.localpart) is not None
        return f"{pack_localpart(Localpart(self.localpart)) if quoted else self.localpart}@{self.domain}"


class Body(msgspec.Struct, frozen=True):
    """The body of a message: its MIME structure and its octets; offsets of `read` as in the structure."""

    structure: Structure
    read: Read


class Message:
    """A message. Header names are in lower case; one that no message can have has no fields.

    Args:
      header: the header section.
      size: octets of the message.
      body: reads the body when a test asks for it.

    Attributes:
      headers: the fields that `header` was asked for.
    """

    def __init__(self, header: HeaderSection, size: int, body: Callable[[], Body]) -> None:
        self.size = size
        self._section = header
        self._read = body
        self._body: Body | None = None
        self.headers: dict[str, Values] = {}
        self._addresses: dict[str, tuple[tuple[Mailbox, ...], ...]] = {}
        self._coded: dict[str, str] = {}
        self._bodies: dict[tuple[str, ...], Values] = {}

    def exists(self, name: str) -> bool:
        """Whether a field of this name is there."""
        return self._section.count(_octets(name)) > 0

    def header(self, name: str, budget: Budget) -> Values:
        """The texts of all fields of this name, decoded, without blanks around them; NO_VALUES without any."""
        values = self.headers.get(name)
        if values is None:
            texts = self._section.texts(_octets(name))[:MAX_FIELDS]
            values = Values([self._decoded(text, budget).strip() for text in texts]) if texts else NO_VALUES
            self.headers[name] = values
        return values

    def addresses(self, name: str, budget: Budget) -> tuple[tuple[Mailbox, ...], ...]:
        """The addresses of each field of this name."""
        found = self._addresses.get(name)
        if found is None:
            left = MAX_ADDRESSES
            fields: list[tuple[Mailbox, ...]] = []
            for text in self._section.texts(_octets(name))[:MAX_FIELDS]:
                fields.append(tuple(_mailboxes(text, left, budget, self._coded, self._section.hint)))
                left -= len(fields[-1])
                if left <= 0:
                    break
            found = self._addresses[name] = tuple(fields)
        return found

    def dates(self, name: str, budget: Budget) -> list[tuple[int, int] | None]:
        """Moment (µs UTC) and offset (minutes) of each field of this name: the text after the last semicolon, as in
        Received (RFC 5260 §4); None for one without a date.
        """
        texts = self._section.texts(_octets(name))[:MAX_FIELDS]
        budget.charge(sum(map(len, texts)) + DATE * len(texts))
        return [parse_date(_date_text(text).strip()) for text in texts]

    def _decoded(self, text: bytes, budget: Budget) -> str:
        words = text.count(b"=?")
        budget.charge(WORD * words)
        budget.make(len(text) if text.isascii() and not words else 4 * len(text))
        return self._section.decode(text)

    def has_body(self) -> bool:
        """Whether an empty line ends the header (RFC 5173 §4)."""
        body = self._whole()
        root = body.structure.root
        return body.read(max(root.header, root.body - 3), root.body).endswith((b"\n\r\n", b"\n\n")) or (
            root.header < root.body <= root.header + 2
        )

    def _whole(self) -> Body:
        if self._body is None:
            self._body = self._read()
        return self._body

    def body(self, transform: str, budget: Budget, content: tuple[str, ...] = ()) -> Values:
        """Texts of the body (RFC 5173 §5), MAX_BODY characters together.

        Args:
          transform: raw, content (the parts of the types of `content`), or text.
        """
        key = (transform, *content)
        values = self._bodies.get(key)
        if values is None:
            values = self._bodies[key] = Values(list(_texts(self._whole(), transform, content, budget)))
        return values


def _date_text(text: bytes) -> bytes:
    """The text after the last semicolon outside comments; all of it without one."""
    start = max(0, len(text) - DATE_END)
    depth = 0
    for match in reversed([*_MARKS.finditer(text, start)]):
        mark = match[0]
        if mark == b")":
            depth += 1
        elif mark == b"(":
            depth = max(0, depth - 1)
        elif mark == b";" and not depth:
            return text[match.end() :]
    return text.rpartition(b";")[2] if depth else text  # with a parenthesis that was never opened: as it is


def _octets(name: str) -> bytes:
    """A name as the section has it; for one that no field can have, octets that no field has."""
    return name.encode() if name and name.isascii() else b"\n"


def _mailboxes(text: bytes, limit: int, budget: Budget, coded: dict[str, str], hint: str) -> Iterator[Mailbox]:
    if limit <= 0:
        return
    budget.charge(len(text))
    budget.make(ADDRESS * min(limit, 1 + text.count(b",") + text.count(b";") + text.count(b":")))
    for item in parse_addresses(text, limit):
        if isinstance(item, RawAddress):
            address = decode_address(item, coded, hint)
            if address.localpart or address.domain:
                written = (item.domain or b"").decode("ascii", "ignore")  # i;octet tells its case
                same = written.lower() == address.domain
                yield Mailbox(address.localpart, written if same else address.domain)


def _texts(body: Body, transform: str, content: tuple[str, ...], budget: Budget) -> Iterator[str]:
    """The texts, cut after MAX_BODY characters."""
    root = body.structure.root
    if transform == "raw":
        yield _octets_of(body, root.body, root.end, MAX_BODY, budget)
        return
    wanted = _types(content)
    left = MAX_BODY
    for part in root.walk():
        budget.charge(PART)
        for text in (
            _of_type(part, body, wanted, left, budget) if transform == "content" else _read(part, body, left, budget)
        ):
            left -= len(text)
            yield text
        if left <= 0:
            return


def _of_type(part: Part, body: Body, wanted: frozenset[str], limit: int, budget: Budget) -> Iterator[str]:
    """The texts of a part for the transform content, if it is of a wanted type (RFC 5173 §5.2)."""
    if wanted.isdisjoint(("", part.type.lower(), part.media_type)):
        return
    if part.parts:
        yield _octets_of(body, part.body, part.parts[0].boundary, limit, budget)
        rest = _octets_of(body, part.parts[-1].end, part.end, limit, budget)
        yield rest.lstrip("\r\n").partition("\n")[2]  # after the last delimiter
    elif part.message is not None:
        root = part.message.root
        header = _octets_of(body, root.header, root.body, limit, budget)
        yield header[: header.rfind("\n", 0, -1) + 1] if header.endswith(("\n\r\n", "\n\n")) else header
    else:
        yield _text(part, body, limit, budget)


def _read(part: Part, body: Body, limit: int, budget: Budget) -> Iterator[str]:
    """The text of a part that a reader sees: of HTML, too."""
    is_html = part.media_type in HTML
    if part.parts or part.end <= part.body or not (is_html or part.type == "TEXT"):
        return
    if not is_known_encoding(part.encoding):  # RFC 2045 §6.4: octets that have no text
        return
    text = _text(part, body, limit, budget)
    if is_html:
        budget.charge(TAG * text.count("<") + CALL * text.count("&"))
        budget.make(2 * weight(text))
        text = visible_text(text, limit=limit)
    yield text


def _octets_of(body: Body, start: int, end: int, limit: int, budget: Budget) -> str:
    """Octets of the message as text."""
    end = min(end, start + limit)
    budget.make(5 * max(0, end - start))
    return body.read(start, end).decode("utf-8", "replace")


def _text(part: Part, body: Body, limit: int, budget: Budget) -> str:
    """The decoded text of a part."""
    size = min(limit, part.end - part.body)
    budget.charge(DECODING * size)
    budget.make(6 * size)  # the octets twice, and the characters
    return part_text(part, body.read, limit)


def _types(content: tuple[str, ...]) -> frozenset[str]:
    """The types of parts that are meant (RFC 5173 §5.2): "" for all, a main type, or a whole one; without what is no
    type.
    """
    split = (one.lower().partition("/") for one in content)
    return frozenset(
        main + slash + sub for main, slash, sub in split if (main and sub and "/" not in sub) or not (slash or sub)
    )
