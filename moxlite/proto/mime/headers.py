"""Header sections: look-up, removal and selection of fields (RFC 5322 §2.2, §3.6).

Theory of operation
-------------------
Delivery, submission, signatures, search and the MIME scanner use this one parser. A field begins with a line that
starts with a name of printable ASCII, optional blanks and a colon. Lines that begin with a blank continue the piece
before them. Each other line, with its continuation lines, is *junk*: a piece without a name. The first empty line ends
the section. So the section is a sequence of pieces without gaps. A byte order mark before the first field, as editors
and exporting programs write it, belongs to that piece, but not to its name.

Parsing is tolerant: a bare LF ends a line, blanks before the colon are allowed (RFC 5322 §4.5.2), a bare CR or NUL is
an ordinary octet. One regular expression splits the whole section; a field is unfolded on access, and decoded when
that is asked for (`words`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from .words import decode_words

MAX_HEADER: Final = 1 << 20
"""Octets of a header section that are read (STORE-55): far more than in real mail, small enough to be read many times.
"""

MAX_FIELDS: Final = 10_000
"""Number of fields of a header section that are read (STORE-55)."""

CONTENT_FIELDS: Final = frozenset({b"mime-version"})
"""Fields besides Content-* which make up the MIME header of a message that is its own only part (IMAP-98)."""

MBOX: Final = (b"From ", b">From ")
"""Beginnings of a line that mail tools leave before the header."""

MESSAGE_FIELDS: Final = frozenset(
    {
        *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"sender", b"reply-to", b"received"),
        *(b"return-path", b"delivered-to", b"mime-version", b"content-type"),
    }
)
"""Fields of which a message has at least one, if it has a header."""

_BLANKS: Final = b" \t\r\n"
# Where a piece begins: the line end before it, and name and blanks of a field. A line holds 998 octets (RFC 5322
# §2.1.1), so no name is longer; the bound keeps a megabyte of name from being read twice.
_BEGIN: Final = re.compile(rb"\n(?:([!-9;-~]{1,998})([ \t]*):|(?![ \t]))")
_EMPTY: Final = re.compile(rb"\n\r?\n")
_BLANK: Final = re.compile(rb"\n\r*\n")  # with CRs that are mended later
_LINE: Final = re.compile(rb"\n(?![ \t])")


def unfold(value: bytes) -> bytes:
    """A field's text without its line ends and the blanks around it; blanks that folding left inside stay (RFC 5322
    §2.2.3).
    """
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return value.strip(_BLANKS)


class Field(NamedTuple):
    """A field, or junk.

    Attributes:
      start: offset in the message that the section begins.
      name: in lower case, b"" for junk.
      raw: all octets, with folding and the last line end.
    """

    start: int
    name: bytes
    raw: bytes

    @property
    def end(self) -> int:
        """Offset after the last line end."""
        return self.start + len(self.raw)

    @property
    def label(self) -> bytes:
        """The name as it was written."""
        return self.raw.removeprefix(codecs.BOM_UTF8)[: len(self.name)]

    @property
    def text(self) -> bytes:
        """The unfolded value after the colon; the whole text of junk."""
        return unfold(self.raw.partition(b":")[2] if self.name else self.raw)


class HeaderSection:
    """The header section that `octets` begin with; a body may follow.

    Iterating yields all pieces in order. Names in arguments are in lower case; b"" means junk.

    Args:
      octets: the message from its start; without an empty line, all octets are header.
      limit: largest number of pieces that are read, at least two. At most MAX_HEADER octets are read.
      hint: the charset of raw 8-bit text, that of the message's texts: `hint` of its root part.

    Attributes:
      octets: the section without the empty line.
      body: offset of the body, None without an empty line.
      complete: whether the section does not exceed the limits.

    Linear in the octets, at some 0.5 µs for each field.
    """

    __slots__ = ("_index", "_labels", "_last_end", "_rests", "_spaces", "_starts", "body", "complete", "hint", "octets")

    def __init__(self, octets: bytes, limit: int = MAX_FIELDS, *, hint: str = "") -> None:
        self.hint = hint
        end, self.body = _end_of(octets)
        self.octets = octets if end == len(octets) else octets[:end]
        self.complete = end <= MAX_HEADER
        read = self.octets if self.complete else octets[:MAX_HEADER]
        self._last_end = b"\n" if read.endswith(b"\n") else b""
        self._labels, self._spaces, self._rests = _cut(read, limit)
        self._starts: list[int] | None = None
        if len(self._labels) >= limit and (more := _LINE.search(self._rests[-1])):
            self._rests[-1] = self._rests[-1][: more.start()]
            self._last_end = b"\n"
            self.complete = False
        index: dict[bytes, list[int]] = {}
        for at, label in enumerate(self._labels):
            name = label.lower() if label else b""
            if name in index:
                index[name].append(at)
            else:
                index[name] = [at]
        if octets.startswith(codecs.BOM_UTF8) and (marked := self._labels[0]):
            del index[marked.lower()]
            index.setdefault(marked.lower().removeprefix(codecs.BOM_UTF8), []).insert(0, 0)
        self._index = index

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self._labels)

    def __iter__(self) -> Iterator[Field]:
        return map(self._field, range(len(self)))

    @property
    def names(self) -> Collection[bytes]:
        """The different names, in the order of their first use."""
        return self._index.keys()

    def count(self, name: bytes) -> int:
        """Number of fields with this name."""
        return len(self._index.get(name, ()))

    def first(self, name: bytes) -> Field | None:
        """The first field of this name."""
        found = self._index.get(name)
        return self._field(found[0]) if found else None

    def all(self, *names: bytes) -> list[Field]:
        """All fields of these names, in order."""
        return [self._field(at) for at in self._places(names)]

    def text(self, name: bytes) -> bytes | None:
        """The unfolded text of the first field of this name."""
        found = self._index.get(name)
        return unfold(self._rests[found[0]]) if found else None

    def texts(self, name: bytes) -> list[bytes]:
        """The unfolded texts of all fields of this name, in order."""
        return [unfold(self._rests[at]) for at in self._index.get(name, ())]

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """The name as it was written, b"" for junk, and the unfolded text of each piece, in order."""
        labels = [(label or b"").removeprefix(codecs.BOM_UTF8) for label in self._labels]
        return zip(labels, map(unfold, self._rests), strict=True)

    def decode(self, text: bytes) -> str:
        """The text of a field as a reader sees it."""
        return decode_words(text, self.hint)

    def decoded(self, name: bytes) -> list[str]:
        """The texts of all fields of this name, decoded, in order."""
        return [self.decode(text) for text in self.texts(name)]

    def without(self, dropped: Iterable[Field]) -> bytes:
        """The section without these fields; all other octets are unchanged, also beyond the limits."""
        kept: list[bytes] = []
        start = 0
        for field in sorted(dropped):
            kept.append(self.octets[start : field.start])
            start = field.end
        kept.append(self.octets[start:])
        return b"".join(kept)

    def select(self, names: Iterable[bytes]) -> bytes:
        """The unchanged octets of the fields with these names, in order, and an empty line (IMAP-98)."""
        chosen = [self._raw(at).removeprefix(codecs.BOM_UTF8) for at in self._places(names)]
        if chosen and not chosen[-1].endswith(b"\n"):
            chosen[-1] += b"\r\n"
        chosen.append(b"\r\n")
        return b"".join(chosen)

    def _places(self, names: Iterable[bytes]) -> list[int]:
        return sorted([at for name in frozenset(names) for at in self._index.get(name, ())])

    def _field(self, at: int) -> Field:
        return Field(self._start(at), (self._labels[at] or b"").lower().removeprefix(codecs.BOM_UTF8), self._raw(at))

    def _raw(self, at: int) -> bytes:
        label = self._labels[at]
        end = b"\n" if at + 1 < len(self._labels) else self._last_end
        return (
            self._rests[at] + end if label is None else b"%b%b:%b%b" % (label, self._spaces[at], self._rests[at], end)
        )

    def _start(self, at: int) -> int:
        if self._starts is None:
            lengths = [
                len(rest) + 1 if label is None else len(label) + len(space) + len(rest) + 2
                for label, space, rest in zip(self._labels, self._spaces, self._rests, strict=True)
            ]
            self._starts = list(accumulate(lengths, initial=0))
        return self._starts[at]


class HeaderWatch:
    """Detects a header section that is too long while the message arrives in pieces."""

    __slots__ = ("_ended", "_last", "_seen")

    def __init__(self) -> None:
        self._seen = 0
        self._last = b"\n"  # as if a line had ended before the message
        self._ended = False

    def exceeded(self, octets: bytes) -> bool:
        """Whether the section has more than MAX_HEADER octets, after `octets` have come, too.

        One that ends is for HeaderSection to judge.
        """
        if self._ended:
            return False
        self._seen += len(octets)
        octets = self._last + octets
        self._ended = _BLANK.search(octets) is not None
        self._last = octets[-4:]
        return not self._ended and self._seen > MAX_HEADER + len(b"\r\n")


def first_fault(section: HeaderSection) -> Literal["", "line", "text", "opaque"]:
    """What is wrong where a message begins: a line that is no field, above others; or it's a text or other octets
    without a header. "" for nothing.
    """
    junk = section.first(b"")
    if junk is None or junk.start > 0 or junk.raw.startswith(MBOX):
        return ""
    if not MESSAGE_FIELDS.isdisjoint(section.names):
        return "line"
    return "opaque" if b"\0" in section.octets else "text"


def is_message(octets: bytes, media_type: str) -> bool:
    """Whether octets, at least the first 64 KiB, begin as a message. A text without a header is one if its sender says
    so.
    """
    fault = first_fault(HeaderSection(octets))
    return bool(octets) and (fault in ("", "line") or (fault == "text" and media_type == "message/rfc822"))


def _end_of(octets: bytes) -> tuple[int, int | None]:
    """Start and end of the first empty line; without one, the end of the octets and None."""
    for line in (b"\r\n", b"\n"):
        if octets.startswith(line):
            return 0, len(line)
    match = _EMPTY.search(octets)
    return (len(octets), None) if match is None else (match.start() + 1, match.end())


def _cut(octets: bytes, limit: int) -> tuple[list[bytes | None], list[bytes], list[bytes]]:
    """Split a section into pieces. Returns three lists: names as written, blanks before the colon (both None for junk),
    and the rest of each piece without its last line end. The last piece holds all octets after the limit.
    """
    if not octets:
        return [], [], []
    mark = codecs.BOM_UTF8 if octets.startswith(codecs.BOM_UTF8) else b""
    octets = octets[len(mark) :]
    headless = octets.startswith((b" ", b"\t"))  # a continuation line of nothing, cut off before the first split
    before, *parts = _BEGIN.split(b"\n" + octets.removesuffix(b"\n"), limit - headless)
    if headless:
        parts[:0] = (None, None, before[1:])
    if mark:
        first = 2 if parts[0] is None else 0
        parts[first] = mark + parts[first]
    return parts[::3], parts[1::3], parts[2::3]


def select_fields(header: bytes, names: Collection[bytes], *, invert: bool = False) -> bytes:
    """The fields with these (lower-case) names, or with all others: octets, order, folding and duplicates kept
    (IMAP-98).

    Always ends with a blank line, even if `header` does not. Fields beyond the limits are left out.
    """
    section = HeaderSection(header)
    return section.select([name for name in section.names if name not in names] if invert else names)


def select_content_fields(header: bytes) -> bytes:
    """The MIME header of part 1 of a message that is not multipart: its Content-* and MIME-Version fields (IMAP-98)."""
    section = HeaderSection(header)
    return section.select([name for name in section.names if name in CONTENT_FIELDS or name.startswith(b"content-")])
