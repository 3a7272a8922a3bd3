"""The grammar of search programs, RETURN options and sort criteria (RFC 9051 §9 ``search-key``, RFC 4466 §2.6.1, RFC
5256 §5).
"""

import codecs
from collections.abc import Callable, Mapping
from typing import Final

from .. import search as s
from ..errors import ProtocolError
from ..tokens import MAX_MODSEQ, Reader
from .parsing import Modes

MAX_DEPTH: Final = 32
"""Depth of nested NOT, OR and parentheses (IMAP-119): far below Python's recursion limit, far above real programs."""

MAX_KEYS: Final = 1000
"""Maximum number of search keys in one SEARCH (IMAP-119)."""

CHARSETS: Final[Mapping[str, str]] = {
    # IMAP-120; the value is Python's name
    "US-ASCII": "ascii",
    "ASCII": "ascii",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "ISO-8859-1": "iso-8859-1",
    "ISO-8859-2": "iso-8859-2",
    "ISO-8859-15": "iso-8859-15",
    "WINDOWS-1250": "cp1250",
    "WINDOWS-1251": "cp1251",
    "WINDOWS-1252": "cp1252",
    "KOI8-R": "koi8-r",
    "ISO-2022-JP": "iso2022_jp",
    "GB18030": "gb18030",
    "BIG5": "big5",
}


def _bad_charset() -> ProtocolError:
    return ProtocolError(
        "charset not supported, or string not valid in it", code="BADCHARSET (US-ASCII UTF-8)", condition="NO"
    )


def charset_of(reader: Reader) -> str:
    """Read a charset name, in upper case. Raises ProtocolError (NO BADCHARSET) if it is unknown (RFC 9051 §6.4.4)."""
    name = reader.text().upper()
    if name not in CHARSETS:
        raise _bad_charset()
    return name


def parse_return(reader: Reader) -> s.Return | None:
    """Read `` RETURN (…)`` if it is next (RFC 4731 §3.1, RFC 5182, RFC 5267 §4.2, RFC 9394 §3.1)."""
    if not reader.word(b" RETURN "):
        return None
    reader.expect(b"(")
    found: dict[str, bool] = {}
    partial: tuple[int, int] | None = None
    if not reader.skip(b")"):
        while True:
            word = reader.atom("a return option").upper()
            if word == "PARTIAL":
                reader.space()
                if partial is not None:
                    raise ProtocolError("duplicate PARTIAL")
                partial = parse_partial(reader)
            elif word in ("MIN", "MAX", "ALL", "COUNT", "SAVE"):
                found[word.lower()] = True
            else:
                raise ProtocolError(f"unknown return option {word}")
            if reader.skip(b")"):
                break
            reader.space()
    if not found and partial is None:
        found["all"] = True  # RFC 4731 §3.1: () means ALL
    if partial is not None and found.get("all"):
        raise ProtocolError("PARTIAL can't be combined with ALL")  # RFC 9394 §3.1
    return s.Return(partial=partial, **found)


def parse_partial(reader: Reader) -> tuple[int, int]:
    """``partial-range`` (RFC 9394 §3.1): both numbers from the start, or both negative, from the end."""

    def signed() -> int:
        negative = reader.skip(b"-")
        value = reader.number(smallest=1)
        return -value if negative else value

    first = signed()
    reader.expect(b":")
    last = signed()
    if (first < 0) != (last < 0):
        raise ProtocolError("a PARTIAL range can't mix positive and negative numbers")
    return first, last


_SORT: Final = frozenset({"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"})


def parse_sort_keys(reader: Reader) -> tuple[s.SortKey, ...]:
    """``"(" sort-criterion *(SP sort-criterion) ")"`` (RFC 5256 §5)."""
    reader.expect(b"(")
    keys: list[s.SortKey] = []
    while True:
        word = reader.atom("a sort criterion").upper()
        reverse = word == "REVERSE"
        if reverse:
            reader.space()
            word = reader.atom("a sort criterion").upper()
        if word not in _SORT:
            raise ProtocolError(f"unknown sort criterion {word}")
        keys.append(s.SortKey(word, reverse))
        if reader.skip(b")"):
            return tuple(keys)
        reader.space()


class _Program:
    """Parser of one search program. Its recursion is limited by `MAX_DEPTH`."""

    __slots__ = ("codec", "count", "reader", "uidonly")

    def __init__(self, reader: Reader, codec: str, *, uidonly: bool) -> None:
        self.reader = reader
        self.codec = codec
        self.count = 0
        self.uidonly = uidonly

    def keys(self, depth: int) -> s.SearchKey:
        """``search-key *(SP search-key)``."""
        found = [self.key(depth)]
        while self.reader.skip(b" "):
            found.append(self.key(depth))
        return found[0] if len(found) == 1 else s.And(tuple(found))

    def key(self, depth: int) -> s.SearchKey:
        """Read one ``search-key`` (RFC 9051 §6.4.4)."""
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_KEYS:
            raise ProtocolError("search has too many keys, or is nested too deeply", code="LIMIT", condition="NO")
        reader = self.reader
        if reader.skip(b"("):
            inner = self.keys(depth + 1)
            reader.expect(b")")
            return inner
        head = reader.peek()
        if head in _SET_START:
            if self.uidonly and head != b"$":
                raise ProtocolError("message numbers aren't allowed with UIDONLY", code="UIDREQUIRED")  # RFC 9586 §3
            return s.Sequence(reader.sequence_set())
        word = reader.atom("a search key").upper()
        simple = _SIMPLE.get(word)
        if simple is not None:
            return simple
        reader.space()
        if word == "NOT":
            return s.Not(self.key(depth + 1))
        if word == "OR":
            left = self.key(depth + 1)
            reader.space()
            return s.Or(left, self.key(depth + 1))
        rule = _RULES.get(word)
        if rule is None:
            raise ProtocolError(f"unknown search key {word[:40]}")
        return rule(self)

    def string(self) -> str:
        """An ``astring`` in the program's charset."""
        octets = self.reader.astring()
        if octets.isascii() and self.codec != "iso2022_jp":
            return octets.decode("ascii")
        try:
            return codecs.decode(octets, self.codec)
        except ValueError as error:
            raise _bad_charset() from error

    def header(self) -> s.Header:
        """``HEADER field value``."""
        field = self.reader.astring()
        if not field.isascii():
            raise ProtocolError("invalid header field name")
        self.reader.space()
        return s.Header(field.decode("ascii"), self.string())

    def keyword(self, present: bool) -> s.FlagIs:
        """``KEYWORD flag``."""
        return s.FlagIs(self.reader.atom("a keyword"), present)

    def modseq(self) -> s.ModSeqIs:
        """``MODSEQ [entry-name entry-type] n`` (RFC 7162 §3.1.5)."""
        reader = self.reader
        if reader.peek() == b'"':
            reader.string()
            reader.space()
            if reader.atom("an entry type").upper() not in ("PRIV", "SHARED", "ALL"):
                raise ProtocolError("entry type must be priv, shared, or all")
            reader.space()
        return s.ModSeqIs(reader.number(MAX_MODSEQ, what="a modification sequence"))

    def object_id(self) -> str:
        """``objectid`` (RFC 8474 §7)."""
        return self.reader.text()


_SET_START: Final = frozenset({b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"*", b"$"})

_SEEN: Final = s.FlagIs("\\Seen")

_SIMPLE: Final[Mapping[str, s.SearchKey]] = {
    "ALL": s.AllMessages(),
    "ANSWERED": s.FlagIs("\\Answered"),
    "UNANSWERED": s.FlagIs("\\Answered", present=False),
    "DELETED": s.FlagIs("\\Deleted"),
    "UNDELETED": s.FlagIs("\\Deleted", present=False),
    "DRAFT": s.FlagIs("\\Draft"),
    "UNDRAFT": s.FlagIs("\\Draft", present=False),
    "FLAGGED": s.FlagIs("\\Flagged"),
    "UNFLAGGED": s.FlagIs("\\Flagged", present=False),
    "SEEN": _SEEN,
    "UNSEEN": s.FlagIs("\\Seen", present=False),
    # RFC 3501 §6.4.4
    "NEW": s.And((s.Recent(), s.FlagIs("\\Seen", present=False))),
    "OLD": s.Not(s.Recent()),
    "RECENT": s.Recent(),
    "SAVEDATESUPPORTED": s.SaveDateSupported(),
}


def _dates() -> dict[str, Callable[[_Program], s.SearchKey]]:
    def rule(of: str, comparison: s.Comparison) -> Callable[[_Program], s.SearchKey]:
        if of == "sent":
            return lambda p: s.DateIs("sent", comparison, p.reader.date())
        if of == "saved":
            return lambda p: s.DateIs("saved", comparison, p.reader.date())
        return lambda p: s.DateIs("internal", comparison, p.reader.date())

    return {
        prefix + comparison.value: rule(of, comparison)
        for prefix, of in (("", "internal"), ("SENT", "sent"), ("SAVED", "saved"))
        for comparison in s.Comparison
    }


def _address(field: str) -> Callable[[_Program], s.SearchKey]:
    return lambda p: s.Header(field, p.string())


_RULES: Final[Mapping[str, Callable[[_Program], s.SearchKey]]] = {
    "BCC": _address("Bcc"),
    "CC": _address("Cc"),
    "FROM": _address("From"),
    "SUBJECT": _address("Subject"),
    "TO": _address("To"),
    "BODY": lambda p: s.BodyText(p.string()),
    "TEXT": lambda p: s.Text(p.string()),
    "HEADER": _Program.header,
    "KEYWORD": lambda p: p.keyword(True),
    "UNKEYWORD": lambda p: p.keyword(False),
    "LARGER": lambda p: s.Larger(p.reader.number(MAX_MODSEQ)),
    "SMALLER": lambda p: s.Smaller(p.reader.number(MAX_MODSEQ)),
    "OLDER": lambda p: s.Older(p.reader.number(smallest=1)),
    "YOUNGER": lambda p: s.Younger(p.reader.number(smallest=1)),
    "UID": lambda p: s.Uids(p.reader.sequence_set()),
    "UIDAFTER": lambda p: s.UidAfter(p.reader.number(smallest=1)),
    "UIDBEFORE": lambda p: s.UidBefore(p.reader.number(smallest=1)),
    "MODSEQ": _Program.modseq,
    "EMAILID": lambda p: s.EmailIdIs(p.object_id()),
    "THREADID": lambda p: s.ThreadIdIs(p.object_id()),
    **_dates(),
}


def parse_search(reader: Reader, charset: str, *, uidonly: bool = False) -> s.SearchKey:
    """Parse a whole program, up to the end of the line. Raises ProtocolError."""
    codec = CHARSETS.get(charset.upper())
    if codec is None:
        raise _bad_charset()
    return _Program(reader, codec, uidonly=uidonly).keys(0)


def search_program(
    reader: Reader, modes: Modes, *, returns: s.Return | None = None, sorts: bool = False
) -> tuple[str | None, s.SearchKey]:
    """`` [CHARSET c] program``, or ``c program`` if it `sorts`. Returns the charset named, and the program.

    `returns`: the options before it; an error tells whether the result was to be saved.
    """
    charset = None
    try:
        if not sorts:
            reader.space()
        if sorts or reader.word(b"CHARSET "):
            if modes.utf8_accept and not sorts:  # RFC 6855 §3
                raise ProtocolError("CHARSET isn't allowed after ENABLE UTF8=ACCEPT; strings are UTF-8")
            charset = charset_of(reader)
            reader.space()
        return charset, parse_search(reader, charset or "UTF-8", uidonly=modes.uidonly)
    except ProtocolError as error:
        error.saves = returns is not None and returns.save
        raise
