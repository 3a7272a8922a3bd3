"""The grammar of commands on the messages of the selected mailbox (RFC 9051 §6.4, RFC 5256, RFC 7162, RFC 9394)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from .. import commands as c
from ..errors import ProtocolError
from ..fetchitems import MACROS, Attribute, Binary, BinarySize, Body, FetchItem, Preview, Section
from ..tokens import MAX_MODSEQ, Reader
from .parsing import Modes, Rule, list_of, modseq_value, numbers_of, plain
from .search import parse_partial, parse_return, parse_sort_keys, search_program

MAX_KNOWN: Final = 512
"""Octets of the longest data items that are cached: clients send up to some 300."""


def _expunge(reader: Reader, modes: Modes) -> c.Expunge:
    reader.space()
    return c.Expunge(reader.sequence_set())


def _search(uid: bool) -> Rule:
    def read(reader: Reader, modes: Modes) -> c.Command:
        if not uid and modes.uidonly:
            raise ProtocolError("message numbers aren't allowed with UIDONLY", code="UIDREQUIRED")
        returns = parse_return(reader)
        charset, program = search_program(reader, modes, returns=returns)
        return c.Search(program, uid, returns, charset)

    return read


def _sort(uid: bool) -> Rule:
    def read(reader: Reader, modes: Modes) -> c.Command:
        if not uid and modes.uidonly:
            raise ProtocolError("message numbers aren't allowed with UIDONLY", code="UIDREQUIRED")
        returns = parse_return(reader)
        reader.space()
        keys = parse_sort_keys(reader)
        reader.space()
        charset, program = search_program(reader, modes, returns=returns, sorts=True)
        assert charset is not None
        return c.Sort(keys, program, uid, returns, charset)

    return read


def _thread(uid: bool) -> Rule:
    def read(reader: Reader, modes: Modes) -> c.Command:
        if not uid and modes.uidonly:
            raise ProtocolError("message numbers aren't allowed with UIDONLY", code="UIDREQUIRED")
        reader.space()
        algorithm = reader.atom("an algorithm").upper()
        reader.space()
        charset, program = search_program(reader, modes, sorts=True)
        assert charset is not None
        return c.Thread(algorithm, program, uid, charset)

    return read


def _fetch(uid: bool) -> Rule:
    def read(reader: Reader, modes: Modes) -> c.Command:
        numbers = numbers_of(reader, modes, uid=uid)
        reader.space()
        # Modifiers change with each command. A valid list of items has no ") (" (field names have no parentheses).
        stop = reader.data.find(b") (", reader.position) + 1
        rest = reader.data[reader.position : stop or len(reader.data)]
        items, length = _known_items(rest) if len(rest) <= MAX_KNOWN else _items(rest)
        reader.position += length
        changedsince: int | None = None
        vanished = False
        partial: tuple[int, int] | None = None
        if not reader.at_end():
            reader.space()
            reader.expect(b"(")
            while True:
                word = reader.atom("a modifier").upper()
                if word == "CHANGEDSINCE":
                    reader.space()
                    changedsince = modseq_value(reader, zero=not modes.pedantic)
                elif word == "VANISHED":
                    vanished = True
                elif word == "PARTIAL" and uid:
                    reader.space()
                    partial = parse_partial(reader)
                else:
                    raise ProtocolError(f"unknown modifier {word}")
                if reader.skip(b")"):
                    break
                reader.space()
        if vanished and not (uid and modes.qresync and changedsince is not None):
            raise ProtocolError("VANISHED requires UID FETCH, CHANGEDSINCE, and QRESYNC")  # RFC 7162 §3.2.6
        return c.Fetch(numbers, items, uid, changedsince, vanished, partial)

    return read


def _items(text: bytes) -> tuple[tuple[FetchItem, ...], int]:
    """Parse the data items at the start of `text`; also returns their length in octets."""
    reader = Reader(text)
    if reader.peek() == b"(":
        return tuple(dict.fromkeys(list_of(reader, lambda: fetch_item(reader)))), reader.position
    word = reader.section_text().upper().decode("ascii")
    if word in MACROS and (reader.at_end() or reader.peek() == b" "):
        return MACROS[word], reader.position
    reader.position = 0
    return (fetch_item(reader),), reader.position


_known_items: Final = lru_cache(maxsize=256)(_items)
"""`_items`, cached: a client repeats the same items, and parsing them is half of the work on a FETCH line."""


_ATTRIBUTES: Final = {attribute.value.encode(): attribute for attribute in Attribute}


def fetch_item(reader: Reader) -> FetchItem:
    word = reader.section_text().upper()
    attribute = _ATTRIBUTES.get(word)
    if attribute is not None and (attribute is not Attribute.BODY or reader.peek() != b"["):
        return attribute
    if word in (b"BODY", b"BODY.PEEK") and reader.skip(b"["):
        section = _section(reader)
        return Body(section, word == b"BODY.PEEK", _partial(reader))
    if word in (b"BINARY", b"BINARY.PEEK") and reader.skip(b"["):
        part = _part(reader)
        return Binary(part, word == b"BINARY.PEEK", _partial(reader))
    if word == b"BINARY.SIZE" and reader.skip(b"["):
        return BinarySize(_part(reader))
    if word == b"PREVIEW":
        lazy = reader.word(b" (LAZY)")
        return Preview(lazy)
    raise ProtocolError(f"unknown data item {word[:40].decode('ascii')}")


def _part(reader: Reader) -> tuple[int, ...]:
    text = reader.section_text()
    reader.expect(b"]")
    return _part_numbers(text.split(b".")) if text else ()


def _part_numbers(words: list[bytes]) -> tuple[int, ...]:
    # RFC 9051 §9: section-part = nz-number *("." nz-number)
    if any(not word.isdigit() or len(word) > 10 or not 0 < int(word) <= 0xFFFF_FFFF for word in words):
        raise ProtocolError("bad part number")
    return tuple(map(int, words))


def _section(reader: Reader) -> Section:
    text = reader.section_text().upper()
    part: tuple[int, ...] = ()
    if text in (b"", b"HEADER", b"TEXT", b"HEADER.FIELDS", b"HEADER.FIELDS.NOT"):
        specifier = text.decode("ascii")
    else:
        words = text.split(b".")
        split = next((i for i, word in enumerate(words) if not word.isdigit()), len(words))
        part = _part_numbers(words[:split])
        specifier = b".".join(words[split:]).decode("ascii")
        if not specifier and split < len(words):
            raise ProtocolError("bad section")
    fields: tuple[str, ...] = ()
    if specifier in ("HEADER.FIELDS", "HEADER.FIELDS.NOT"):
        reader.space()
        fields = tuple(list_of(reader, lambda: _field_name(reader)))
    elif specifier not in ("", "HEADER", "TEXT", "MIME") or (specifier == "MIME" and not part):
        raise ProtocolError("unknown section")
    reader.expect(b"]")
    return Section(part, specifier, fields)


def parse_section(text: str) -> Section:
    """Parse the decoded section of an IMAP URL (RFC 5092 §11). Raises ProtocolError."""
    reader = Reader(text.encode() + b"]", utf8=False)
    section = _section(reader)
    if not reader.at_end():
        raise ProtocolError("bad section")
    return section


_FIELD_NAME: Final = re.compile(rb"[!-9;-~]+")  # RFC 5322 §2.2


def _field_name(reader: Reader) -> str:
    octets = reader.astring()
    if _FIELD_NAME.fullmatch(octets) is None:
        raise ProtocolError("invalid header field name")
    return octets.decode("ascii")


def _partial(reader: Reader) -> tuple[int, int] | None:
    if not reader.skip(b"<"):
        return None
    offset = reader.number(MAX_MODSEQ)
    reader.expect(b".")
    length = reader.number(MAX_MODSEQ, smallest=1)
    reader.expect(b">")
    return offset, length


_MODES: Final = {mode.value.encode(): mode for mode in c.StoreMode}


def _store(uid: bool) -> Rule:
    def read(reader: Reader, modes: Modes) -> c.Command:
        numbers = numbers_of(reader, modes, uid=uid)
        reader.space()
        unchangedsince: int | None = None
        if reader.skip(b"("):
            if not reader.word(b"UNCHANGEDSINCE "):
                raise ProtocolError("unknown STORE modifier")
            unchangedsince = modseq_value(reader, zero=True)
            reader.expect(b")")
            reader.space()
        for sign in (b"+", b"-", b""):
            if reader.word(sign + b"FLAGS"):
                mode = _MODES[sign + b"FLAGS"]
                break
        else:
            raise ProtocolError("expected FLAGS, +FLAGS, or -FLAGS")
        silent = reader.word(b".SILENT")
        reader.space()
        if reader.peek() == b"(":
            flags = reader.flags()
        else:
            found = [reader.flag()]
            while reader.skip(b" "):
                found.append(reader.flag())
            flags = tuple(found)
        return c.Store(numbers, mode, flags, uid, silent, unchangedsince)

    return read


def _copy(kind: type[c.Copy] | type[c.Move], uid: bool) -> Rule:
    def read(reader: Reader, modes: Modes) -> c.Command:
        numbers = numbers_of(reader, modes, uid=uid)
        reader.space()
        return kind(numbers, reader.mailbox(), uid)

    return read


MESSAGE_COMMANDS: Final[Mapping[str, Rule]] = {
    # §6.4, with a selected mailbox
    "CHECK": plain(c.Check()),
    "CLOSE": plain(c.Close()),
    "UNSELECT": plain(c.Unselect()),
    "EXPUNGE": plain(c.Expunge()),
    "UID EXPUNGE": _expunge,
    "SEARCH": _search(uid=False),
    "UID SEARCH": _search(uid=True),
    "SORT": _sort(uid=False),
    "UID SORT": _sort(uid=True),
    "THREAD": _thread(uid=False),
    "UID THREAD": _thread(uid=True),
    "FETCH": _fetch(uid=False),
    "UID FETCH": _fetch(uid=True),
    "STORE": _store(uid=False),
    "UID STORE": _store(uid=True),
    "COPY": _copy(c.Copy, uid=False),
    "UID COPY": _copy(c.Copy, uid=True),
    "MOVE": _copy(c.Move, uid=False),
    "UID MOVE": _copy(c.Move, uid=True),
}
