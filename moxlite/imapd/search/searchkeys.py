"""Search programs, split into a condition on rows and a test of the message (IMAP-119, IMAP-121, IMAP-122).

Theory of operation
-------------------
A program is a tree. Keys about flags, dates, sizes and ids are conditions on rows, which the
store evaluates; keys about text are tests on one message. `divide` splits a program into a condition that is
necessary for a match, so that few messages are read, and a test for the rest. If a condition is below an OR or NOT
that also has a text key, its UIDs are read beforehand and the test looks them up: so every program is answered exactly.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from moxlite.imapd.search.searchindex import IndexQuery, sought
from moxlite.imapd.session.errors import bad
from moxlite.imapd.session.named import FEW, NamedUIDs, in_ranges
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import parse_words
from moxlite.proto.imap import search as s
from moxlite.proto.imap.seqset import MAX_NUMBER, SequenceSet, within
from moxlite.proto.mime.addresstext import ADDRESS_FIELDS, address_text, address_words, has_labels, header_words
from moxlite.proto.mime.headers import MAX_HEADER, HeaderSection
from moxlite.proto.mime.text import body_text, fold, header_text
from moxlite.proto.mime.types import Structure, file_names
from moxlite.store.content.prepare import HEADER_LIMIT
from moxlite.store.errors import ChunkDamaged
from moxlite.store.mail.fetching import section_of, structure_of
from moxlite.store.rows import conditions as q
from moxlite.store.rows.sorting import sent_day
from moxlite.store.types import Flag

_DAY: Final = 86_400_000_000
_EPOCH: Final = dt.date(1970, 1, 1)
MAX_HINTS: Final = 3
"""Maximum words of a needle that headers are searched for: each further word rules out fewer messages."""
MAX_WORD: Final = 200
"""Octets of a needle that headers are searched for. Compiled patterns take 16 times as much, and Python keeps the last
512 of them for the whole process.
"""
_PLAIN: Final = frozenset({"7BIT", "8BIT", "BINARY"})


class Message:
    """A message under test. Its parts are read and decoded at the first use.

    `packed` is its stored structure. `read` gives octets of the message from one offset to another.
    """

    __slots__ = ("_folded_body", "_folded_header", "_structure", "header", "packed", "read", "uid")

    def __init__(self, uid: int, header: bytes, packed: bytes, read: Callable[[int, int], bytes]) -> None:
        self.uid = uid
        self.header = header
        self.read = read
        self.packed = packed
        self._structure: Structure | None = None
        self._folded_header: str | None = None
        self._folded_body: str | None = None

    @property
    def structure(self) -> Structure:
        """The MIME index. Raises ChunkDamaged."""
        if self._structure is None:
            self._structure = structure_of(self.packed)
        return self._structure

    @property
    def sent(self) -> int | None:
        """The day of the Date field in its own zone, counted from 1970; None without a valid one. Raises
        ChunkDamaged.
        """
        try:
            return sent_day(self.packed)
        except msgspec.DecodeError as error:
            raise ChunkDamaged(f"can't read the date of the message: {error}") from error

    def section(self) -> HeaderSection:
        """The header section up to MAX_HEADER, even if less of it is stored apart."""
        header = self.header
        if len(header) >= HEADER_LIMIT:
            header = self.read(0, min(self.structure.root.body, MAX_HEADER))
        return section_of(header, self.packed)

    def header_holds(self, needle: str, hint: Hint | None) -> bool:
        """Whether the decoded header contains `needle`, which is folded; `hint` was made from it."""
        if self._folded_header is None:
            if hint is not None and not hint.may_hold([self.header]):
                return False
            self._folded_header = fold(header_text(self.section()))
        return needle in self._folded_header

    def names_hold(self, needle: str) -> bool:
        """Whether the name of a part contains `needle`, which is folded."""
        return any(needle in fold(name) for name in file_names(self.structure))

    def body_holds(self, needle: str) -> bool:
        """Whether the decoded text contains `needle`, which is folded (IMAP-121)."""
        if self._folded_body is None:
            part = self.structure.root
            if (
                part.type == "TEXT"
                and part.subtype != "HTML"
                and part.encoding in _PLAIN
                and (octets := self.read(part.body, part.end)).isascii()
                and part.charset in ("", "us-ascii", "utf-8", "iso-8859-1")
            ):
                # the most common case: the text is the octets
                return needle.isascii() and needle.encode() in octets.lower()
            self._folded_body = fold(body_text(self.structure, self.read))
        return needle in self._folded_body

    def field_holds(self, name: bytes, needle: str) -> bool:
        """Whether there is a field of that (lower-case) name with `needle` in its decoded text."""
        return any(needle in fold(text) for text in self.section().decoded(name))

    def address_holds(self, name: bytes, needle: str) -> bool:
        """The same for a field with addresses, where `needle` may also be in an address as ENVELOPE shows it, and its
        domain in either spelling.
        """
        words, labels = header_words(needle), has_labels(needle)
        section = self.section()
        for value in section.texts(name):
            text = fold(section.decode(value))
            if needle in text:
                return True
            if all(any(spelling in text for spelling in spellings) for spellings in words) and (
                needle in address_text(value, section.hint, labels=labels)
            ):
                return True
        return False


class Hint(msgspec.Struct, frozen=True):
    """Patterns for the raw header of a matching message, in lower case. At least one of them matches in any header of
    plain text that contains the needle.

    Octets are plain when they are ASCII without encoded words. Then the raw text of a field equals the decoded one
    except for folding, which only happens at blanks (RFC 5322 §2.2.3), and a word (without blanks and controls) is
    never changed.
    """

    patterns: tuple[re.Pattern[bytes], ...]

    @classmethod
    def of(cls, needle: str) -> list[Hint]:
        """One hint for each word of a folded needle, longest first. Plain text never contains a needle outside
        ASCII.
        """
        if not needle.isascii():
            return [cls(())]
        words = sorted(set(_NO_WORD.split(needle)) - {""}, key=len, reverse=True)
        return cls._of_words(words)

    @classmethod
    def of_addresses(cls, needle: str) -> list[Hint]:
        """As `of`, for a needle that must be in a field with addresses, or in one of these addresses (`addresses`)."""
        return [cls(())] if has_labels(needle) else cls._of_words(address_words(needle))

    @classmethod
    def _of_words(cls, words: Sequence[str]) -> list[Hint]:
        return [cls((re.compile(re.escape(word.encode()[:MAX_WORD])),)) for word in words[:MAX_HINTS]]

    @classmethod
    def of_field(cls, needle: str) -> list[Hint]:
        """As `of`, for a needle that must be in the text of one field."""
        if not needle or not needle.isascii() or not needle.isprintable():
            return cls.of(needle)
        parts = [re.escape(part) for part in needle.encode()[:MAX_WORD].split(b" ")]
        return [cls((re.compile(_BLANK.join(parts)),))]

    def may_hold(self, headers: Sequence[bytes]) -> list[int]:
        """Positions of the headers that match one of the patterns, or are not plain, or not complete; ascending.

        All headers are searched at once, as a step per header would cost as much as searching it.
        """
        ends = list(accumulate([len(header) + 1 for header in headers]))
        # NUL between them: a match across two headers, which only a blank can make, counts for the first one and loses
        # nothing, since the search goes on where the next header begins.
        joined = b"\0".join(headers)
        found = {position for position, header in enumerate(headers) if len(header) >= HEADER_LIMIT}
        if not joined.isascii():
            found.update([position for position, header in enumerate(headers) if not header.isascii()])
        lower = joined.lower()
        for pattern in (_ENCODED_WORD, *self.patterns):
            match = pattern.search(lower)
            while match is not None:
                position = bisect_right(ends, match.start())
                found.add(position)
                match = pattern.search(lower, ends[position])
        return sorted(found)


_BLANK: Final = rb"(?:\r?\n)?[\x00-\x20\x7f]"
"""A blank of a decoded field: perhaps folded there, and perhaps a control (`decode_words`)."""
_ENCODED_WORD: Final = re.compile(rb"=\?")
_NO_WORD: Final = re.compile(r"[\x00-\x20\x7f:]+")
"""Separators of words, with the colon: blanks before it are dropped in decoding."""


Test = Callable[[Message], bool]


class Program(msgspec.Struct, frozen=True):
    """A split program. Every match meets `condition`; of the messages that do, exactly those that pass `test` match.

    hints: each holds for every match, too; they only save time. test: None if the condition alone decides. sets:
    conditions whose UIDs must be known before testing; `test` looks into `found`, a list of sets of UIDs in the same
    order, which the search fills. sought: the query to the text index, without the parts that need `sets`. dated: the
    test needs no more of a message than its date.
    """

    condition: q.Condition
    hints: tuple[Hint, ...]
    test: Test | None
    sets: tuple[q.Condition, ...]
    found: list[frozenset[int]]
    sought: IndexQuery | None
    dated: bool


class _Divider:
    def __init__(self, view: View, named: Mapping[SequenceSet, q.Condition]) -> None:
        self.view = view
        self.named = named
        self.now = time.time_ns() // 1000
        self.sets: list[q.Condition] = []
        self.found: list[frozenset[int]] = []
        self._uids = NamedUIDs(view)

    def divide(self, key: s.SearchKey) -> tuple[q.Condition, Test | None]:
        """(condition on rows, test of the message, or None)."""
        match key:
            case s.And(keys=keys):
                parts = [self.divide(one) for one in keys]
                tests = [test for _, test in parts if test is not None]
                return q.And(tuple([condition for condition, _ in parts])), _all(tests) if tests else None
            case s.Or() | s.Not() if any(map(_is_text, s.keys_of(key))):
                return q.All(), self.test(key)
            case s.Or(left=left, right=right):
                return q.Or((self.condition(left), self.condition(right))), None
            case s.Not(key=inner):
                return q.Not(self.condition(inner)), None
            case _ if _is_text(key):
                return q.All(), self.leaf(key)
            case _:
                return self.condition(key), None

    def test(self, key: s.SearchKey) -> Test:
        """A test for a tree that has text keys in it."""
        match key:
            case s.And(keys=keys):
                return _all([self.test(one) for one in keys])
            case s.Or(left=left, right=right):
                one, other = self.test(left), self.test(right)
                return lambda m: one(m) or other(m)
            case s.Not(key=inner):
                positive = self.test(inner)
                return lambda m: not positive(m)
            case _ if _is_text(key):
                return self.leaf(key)
            case _:
                index, found = len(self.sets), self.found
                self.sets.append(self.condition(key))
                return lambda m: m.uid in found[index]

    def leaf(self, key: s.SearchKey) -> Test:
        """The test of a text key."""
        match key:
            case s.Header(field=field, value=value) if value and field.lower() in ADDRESS_FIELDS:
                name, needle = field.lower().encode(), fold(value)
                return lambda m: m.address_holds(name, needle)
            case s.Header(field=field, value=value):
                name, needle = field.lower().encode(), fold(value)
                return lambda m: m.field_holds(name, needle)
            case s.BodyText(value=value):
                needle = fold(value)
                return lambda m: m.body_holds(needle)
            case s.Text(value=value):
                needle = fold(value)
                hint = next(iter(Hint.of(needle)), None)
                return lambda m: m.header_holds(needle, hint) or m.names_hold(needle) or m.body_holds(needle)
            case s.DateIs(comparison=comparison, date=date):
                first = (date - _EPOCH).days
                return _sent(comparison, first)
            case _:
                raise AssertionError(key)

    def condition(self, key: s.SearchKey) -> q.Condition:
        """The condition of a tree without text keys."""
        match key:
            case s.And(keys=keys):
                return q.And(tuple([self.condition(one) for one in keys]))
            case s.Or(left=left, right=right):
                return q.Or((self.condition(left), self.condition(right)))
            case s.Not(key=inner):
                return q.Not(self.condition(inner))
            case s.FlagIs(flag=flag, present=present):
                return _flag(flag, present)
            case s.Recent():
                return in_ranges(self.view.recent.uids)
            case s.DateIs(of="saved", comparison=comparison, date=date):
                return q.SavedAt(*_days(comparison, date))
            case s.DateIs(comparison=comparison, date=date):
                return q.ReceivedOn(*_days(comparison, date))
            case s.Larger(size=size):
                # a number of 63 bits may be asked for; SQLite has no larger one
                return q.SizeBetween(least=min(size, q.MAX_INT - 1) + 1)
            case s.Smaller(size=size):
                return q.SizeBetween(most=min(size, q.MAX_INT) - 1)
            case s.Older(seconds=seconds):
                # a message of exactly that age is older, too (RFC 5032 §3), and `until` is exclusive
                return q.ReceivedAt(until=self.now - seconds * 1_000_000 + 1)
            case s.Younger(seconds=seconds):
                return q.ReceivedAt(since=self.now - seconds * 1_000_000)
            case s.Sequence(set=numbers):
                return self.numbered(numbers, uid=False)
            case s.Uids(set=numbers):
                # `named`: sets that the view cannot resolve have conditions of their own
                return self.named.get(numbers) or self.numbered(numbers, uid=True)
            case s.UidAfter(uid=uid):
                return q.UIDRange(uid + 1, MAX_NUMBER)
            case s.UidBefore(uid=uid):
                return q.UIDRange(1, uid - 1)
            case s.ModSeqIs(modseq=modseq):
                return q.ChangedSince(modseq)
            case s.EmailIdIs(id=text):
                return _by_id(q.Email, "M", text, self.view)
            case s.ThreadIdIs(id=text):
                return _by_id(q.InThread, "T", text, self.view)
            case s.AllMessages() | s.SaveDateSupported():
                # SAVEDATESUPPORTED is true of every mailbox here (RFC 8514 §4.3)
                return q.All()
            case _:
                raise bad("search key isn't supported")

    def numbered(self, numbers: SequenceSet, *, uid: bool) -> q.Condition:
        """The condition of a set of message numbers, or of UIDs."""
        view = self.view
        if not numbers.saved and not view.counted:
            last = view.uidnext - 1 if uid else view.exists
            ranges = within(numbers.resolve(view.last_uid if uid else view.exists), 1, last)
            if len(ranges) <= FEW:
                return in_ranges(ranges if uid else [(view.uid(low), view.uid(high)) for low, high in ranges])
        return self._uids.condition(view.resolve(numbers, uid=True) if uid else view.sought(numbers))


def _is_text(key: s.SearchKey) -> bool:
    """Whether a key is about the message's octets. SENTBEFORE and similar keys are, as the Date field is not a
    column.
    """
    return isinstance(key, s.Header | s.BodyText | s.Text) or _is_sent(key)


def _is_sent(key: s.SearchKey) -> bool:
    return isinstance(key, s.DateIs) and key.of == "sent"


def divide(program: s.SearchKey, view: View, named: Mapping[SequenceSet, q.Condition]) -> Program:
    """Split a program. `named`: conditions for sets of UIDs that the view cannot resolve.

    Raises Refused: BAD for keys that are not supported, LIMIT for too many UIDs.
    """
    divider = _Divider(view, named)
    condition, test = divider.divide(program)
    dated = all(map(_is_sent, filter(_is_text, s.keys_of(program))))
    hints, sets = tuple(_hints(program)), tuple(divider.sets)
    return Program(condition, hints, test, sets, divider.found, sought(program), dated)


def _hints(key: s.SearchKey) -> list[Hint]:
    """Hints that hold for all matches of a program."""
    match key:
        case s.And(keys=keys):
            return [hint for one in keys for hint in _hints(one)]
        case s.Or(left=left, right=right):
            hints, other = _hints(left), _hints(right)
            return [Hint((*hints[0].patterns, *other[0].patterns))] if hints and other else []
        case s.Header(field=field, value=value) if value and field.lower() in ADDRESS_FIELDS:
            return Hint.of_addresses(fold(value)) or Hint.of(field.lower())
        case s.Header(field=field, value=value):
            return Hint.of_field(fold(value)) or Hint.of(field.lower())
        case _:
            return []


def _all(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda m: all(test(m) for test in tests)


def _flag(word: str, present: bool) -> q.Condition:
    flags, keywords = parse_words((word,)) if not _SYNONYM.fullmatch(word) else (Flag(0), (word,))
    if keywords:
        held: q.Condition = q.HasKeyword(keywords[0])
        return held if present else q.Not(held)
    return q.WithFlags(having=flags) if present else q.WithFlags(lacking=flags)


_SYNONYM: Final = re.compile(r"(?i)junk|nonjunk|notjunk|\$nonjunk")
"""Keywords that also set a flag when they are stored (IMAP-115). In a search they mean only the keyword."""


def _days(comparison: s.Comparison, date: dt.date) -> tuple[int, int]:
    """(since, until) in µs, of the day in its own clock."""
    start = (date - _EPOCH).days * _DAY
    match comparison:
        case s.Comparison.BEFORE:
            return -q.MAX_INT, start
        case s.Comparison.ON:
            return start, start + _DAY
        case s.Comparison.SINCE:
            return start, q.MAX_INT


def _sent(comparison: s.Comparison, day: int) -> Test:
    """Whether the Date field, in its own zone, is before, on, or since a day; False without one (IMAP-122)."""
    since = -q.MAX_INT if comparison is s.Comparison.BEFORE else day
    until = {s.Comparison.BEFORE: day, s.Comparison.ON: day + 1, s.Comparison.SINCE: q.MAX_INT}[comparison]
    return lambda m: (sent := m.sent) is not None and since <= sent < until


def _by_id(condition: Callable[[int], q.Condition], letter: str, text: str, view: View) -> q.Condition:
    """The condition for an object id of this server (IMAP-106). Other text is not the id of any message."""
    suffix = view.seat.suffix.decode()
    number = text[1 : len(text) - len(suffix)]
    known = text[:1] == letter and text.endswith(suffix) and number.isascii() and number.isdigit() and len(number) < 19
    return condition(int(number)) if known else q.Or(())
