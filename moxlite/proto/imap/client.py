"""IMAP client codec: octets of a server in, structs of `responses` out (RFC 9051 §7). Commands are written by
`write.encode_command`.

Theory of operation
-------------------
A response is a line, unless a line ends in ``{n}``: then n octets follow, and the line continues. `ClientDecoder`
collects one whole response (`take`). `parse`, which may run in a thread, parses it with the same `Reader` as the
server's codec. Only responses that list numbers or have a message's parts may have lines over `MAX_SHORT`. A response
without a struct becomes `Unknown`, since clients must accept unknown responses (RFC 9051 §2.2.2). A known response with
a syntax error raises ProtocolError, and the next response is read as usual.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from . import responses as r
from .errors import ProtocolError
from .seqset import STAR
from .tokens import MAX_MODSEQ, MAX_RAW_NAMES, Reader

MAX_LINE: Final = 1 << 20
"""Octets of a response without its literals: some servers send the result of a SEARCH in one line."""

MAX_SHORT: Final = 64 << 10
"""Octets of other responses without their literals: a line of LIST has a name, and a few attributes."""

MAX_RESPONSE: Final = 128 << 20
"""Default limit for the octets of a whole response: a FETCH of a message with all its items."""

MAX_UINT64: Final = (1 << 64) - 1
"""Largest message id of Google's extension: 64 bits, unsigned."""

_MARK: Final = re.compile(rb"~?\{([0-9]{1,20})\}\Z")
_CONDITION: Final = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH)(?: |\Z)", re.IGNORECASE)
_NUMBERED: Final = re.compile(rb"([0-9]{1,10}) ([A-Za-z]+)(?: |\Z)")
_WORD: Final = re.compile(rb"([A-Za-z0-9-]+)(?: |\Z)")
_LONG: Final = re.compile(rb"\* (?:[0-9]{1,10} (?:UID)?FETCH|E?SEARCH|SORT|THREAD|VANISHED|UIDBATCHES) ", re.IGNORECASE)
_CODE: Final = re.compile(rb"\[([^\x00-\x20\]]++)(?: ((?>(?:[^\]\"\r\n]++|\"(?>(?:[^\"\\]++|\\.)*)\")*)))?\](?: |\Z)")
_TAG: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
_ITEM: Final = re.compile(
    rb"[A-Za-z0-9.\-]+(?:\[(?:[^\]\"\x80-\xff]|\"(?:[^\"\\\x80-\xff]|\\[\x00-\x7f])*\")*\])?(?:<[0-9]+>)?"
)


class ResponseOctets(Struct, frozen=True):
    """Octets of a response, number of blanks at its end behind the last literal, and of octets outside of literals."""

    octets: bytes
    blanks: int
    lines: int


class ClientDecoder:
    """Decoder of a server's responses. `utf8`: IMAP4rev2 or UTF8=ACCEPT is enabled, so mailbox names are UTF-8."""

    __slots__ = ("_buffer", "_left", "_literals", "_max_response", "_raw_names", "_response", "_scanned", "utf8")

    def __init__(self, *, max_response: int = MAX_RESPONSE) -> None:
        """`max_response`: limit for the octets of a response with its literals."""
        self.utf8, self._raw_names = False, set[str]()
        self._max_response = max_response
        self._buffer = bytearray()
        self._scanned = 0
        self._response = bytearray()
        self._left = 0  # octets of a literal still to be received
        self._literals = 0  # octets of the response's literals

    def feed(self, octets: bytes) -> None:
        """Take octets from the server."""
        self._buffer += octets

    def is_utf8(self, mailbox: str) -> bool:
        """Whether commands name a mailbox in UTF-8: also without `utf8`, if LIST gave this name so."""
        return self.utf8 or mailbox in self._raw_names

    @property
    def buffered(self) -> int:
        """Number of octets not yet used by a response. It must be 0 after the OK to STARTTLS."""
        return len(self._buffer) + len(self._response)

    @property
    def announced(self) -> int:
        """Number of octets of the running response that have come, or were announced as a literal."""
        return self.buffered + self._left

    def next_response(self) -> r.Response | None:
        """Return the next response, None if it is incomplete. Raises ProtocolError; a fatal one ends the connection."""
        whole = self.take()
        return None if whole is None else self.parse(whole)

    def take(self) -> ResponseOctets | None:
        """As `next_response`, not parsed yet."""
        while True:
            if self._left:
                taken = min(self._left, len(self._buffer))
                self._response += self._buffer[:taken]
                del self._buffer[:taken]
                self._left -= taken
                if self._left:
                    return None
            end = self._buffer.find(b"\n", self._scanned)
            if end < 0:
                self._scanned = len(self._buffer)
                self._check(self._scanned)
                return None
            self._check(end)
            line = bytes(self._buffer[: end + 1])
            del self._buffer[: end + 1]
            self._scanned = 0
            stripped = line[:-2] if line.endswith(b"\r\n") else line[:-1]
            mark = _MARK.search(stripped) if stripped.endswith(b"}") else None
            if mark is None:
                octets = bytes(self._response) + stripped
                whole = ResponseOctets(octets, len(stripped) - len(stripped.rstrip(b" ")), len(octets) - self._literals)
                self._response.clear()
                self._literals = 0
                return whole
            self._response += stripped + b"\r\n"
            self._left = int(mark[1])
            self._literals += self._left
            # By what is announced, before any of it is buffered.
            if len(self._response) + self._left > self._max_response:
                raise ProtocolError("server response is too large", fatal=True)

    def _check(self, line: int) -> None:
        """Raise ProtocolError for a response whose lines are too long, with so many octets of the one that comes."""
        octets = len(self._response) - self._literals + line
        if octets > (MAX_LINE if octets > MAX_SHORT and _LONG.match(self._response or self._buffer) else MAX_SHORT):
            raise ProtocolError("server line is too long", fatal=True)

    def parse(self, whole: ResponseOctets) -> r.Response:
        """Parse a response. Raises ProtocolError."""
        data = whole.octets
        if data.startswith(b"+"):
            return r.Continue(data[2:])
        if data.startswith(b"* "):
            return self._untagged(data, whole.blanks)
        match = _TAG.match(data)
        if match is None or not data.startswith(b" ", match.end()):
            raise ProtocolError("missing tag in response")
        return _state(data, match.end() + 1, match[0].decode("ascii"))

    def _untagged(self, data: bytes, blanks: int) -> r.Response:
        if _CONDITION.match(data, 2):
            return _state(data, 2, None)
        # Exchange ends STATUS with a blank, and Yahoo SEARCH.
        reader = Reader(data[: len(data) - blanks], utf8=self.utf8)
        if (match := _NUMBERED.match(data, 2)) is not None:
            reader.position = match.end()
            rule = _BY_NUMBER.get(match[2].upper())
            if rule is not None:
                response = rule(reader, int(match[1]))
                reader.end()
                return response
        elif (match := _WORD.match(data, 2)) is not None:
            reader.position = match.end()
            kind = _BY_WORD.get(match[1].upper())
            if kind is not None:
                response = kind(reader)
                reader.end()
                if isinstance(response, r.ListData) and not data.isascii() and len(self._raw_names) < MAX_RAW_NAMES:
                    self._raw_names.add(response.name)
                return response
        return r.Unknown(data[2:])


def _state(data: bytes, position: int, tag: str | None) -> r.State:
    match = _CONDITION.match(data, position)
    if match is None:
        raise ProtocolError("missing condition in response")
    condition: Any = match[1].upper().decode("ascii")
    position = match.end()
    code: r.Code | None = None
    if (found := _CODE.match(data, position)) is not None:
        code = r.Code(found[1].decode("ascii", "replace"), found[2] or b"")
        position = found.end()
    return r.State(condition, data[position:].decode("utf-8", "replace"), code, tag)


# --- readers of single responses


def _rest(reader: Reader) -> tuple[str, ...]:
    words = reader.data[reader.position :].decode("ascii", "replace").split()
    reader.position = len(reader.data)
    return tuple(words)


def _separator(reader: Reader) -> str | None:
    value = reader.nstring()
    return None if value is None else value.decode("ascii", "replace")


def _list(reader: Reader) -> r.ListData:
    flags = reader.flags()
    reader.space()
    separator = _separator(reader)
    reader.space()
    name = reader.mailbox()
    childinfo: tuple[str, ...] = ()
    oldname: str | None = None
    if reader.skip(b" ("):
        while True:
            tag = reader.astring().upper()
            reader.space()
            if tag == b"CHILDINFO":
                reader.expect(b"(")
                words = []
                while not reader.skip(b")"):
                    reader.skip(b" ")
                    words.append(reader.text())
                childinfo = tuple(words)
            elif tag == b"OLDNAME":
                reader.expect(b"(")
                oldname = reader.mailbox()
                reader.expect(b")")
            else:
                skip_value(reader)
            if reader.skip(b")"):
                break
            reader.space()
    return r.ListData(flags, name, separator, childinfo, oldname)


def _lsub(reader: Reader) -> r.LsubData:
    flags = reader.flags()
    reader.space()
    separator = _separator(reader)
    reader.space()
    return r.LsubData(flags, reader.mailbox(), separator)


def _namespace(reader: Reader) -> r.NamespaceData:
    fields: list[tuple[tuple[str, str], ...]] = []
    for number in range(3):
        if number:
            reader.space()
        pairs: list[tuple[str, str]] = []
        if not reader.word(b"NIL"):
            reader.expect(b"(")
            while reader.skip(b"("):
                prefix = reader.mailbox()
                reader.space()
                pairs.append((prefix, _separator(reader) or ""))
                while reader.skip(b" "):  # extensions (RFC 2342 §6)
                    skip_value(reader)
                reader.expect(b")")
            reader.expect(b")")
        fields.append(tuple(pairs))
    return r.NamespaceData(*fields)


def _status(reader: Reader) -> r.StatusData:
    mailbox = reader.mailbox()
    reader.space()
    reader.expect(b"(")
    items: list[tuple[str, int | str | None]] = []
    while not reader.skip(b")"):
        if items:
            reader.space()
        name = reader.atom().upper()
        reader.space()
        if reader.word(b"NIL"):
            items.append((name, None))
        elif reader.skip(b"("):
            items.append((name, reader.atom()))
            reader.expect(b")")
        else:
            items.append((name, reader.number(MAX_MODSEQ)))
    return r.StatusData(mailbox, tuple(items))


def _numbers(reader: Reader) -> tuple[tuple[int, ...], int | None]:
    numbers: list[int] = []
    modseq: int | None = None
    while not reader.at_end():
        if numbers or reader.peek() == b" ":
            reader.space()
        if reader.skip(b"(MODSEQ "):
            modseq = reader.number(MAX_MODSEQ)
            reader.expect(b")")
        else:
            numbers.append(reader.number())
    return tuple(numbers), modseq


def _ranges(reader: Reader) -> tuple[tuple[int, int], ...]:
    numbers = reader.sequence_set()
    if numbers.saved or any(STAR in pair for pair in numbers.ranges):
        raise ProtocolError("unexpected * in a set from the server")
    return numbers.ranges


def _correlator(reader: Reader) -> dict[str, Any]:
    """The command and mailbox that an ESEARCH answers (RFC 4466 §2.6.2, RFC 7377 §2.1)."""
    found: dict[str, Any] = {}
    while True:
        word = reader.atom().upper()
        reader.space()
        if word == "TAG":
            found["tag"] = reader.text()
        elif word == "MAILBOX":
            found["mailbox"] = reader.mailbox()
        elif word == "UIDVALIDITY":
            found["uidvalidity"] = reader.number()
        else:
            skip_value(reader)
        if reader.skip(b")"):
            return found
        reader.space()


def _esearch(reader: Reader) -> r.EsearchData:
    found: dict[str, Any] = {}
    if reader.skip(b"("):
        found = _correlator(reader)
        reader.skip(b" ")
    while not reader.at_end():
        word = reader.atom().upper()
        if word == "UID":
            found["uid"] = True
        else:
            reader.space()
            match word:
                case "MIN" | "MAX" | "COUNT":
                    found[word.lower()] = reader.number()
                case "MODSEQ":
                    found["modseq"] = reader.number(MAX_MODSEQ)
                case "ALL":
                    found["all"] = _ranges(reader)
                case "PARTIAL":
                    found["partial"] = _partial(reader)
                case _:
                    skip_value(reader)
        reader.skip(b" ")
    return r.EsearchData(**found)


def _partial(reader: Reader) -> tuple[tuple[int, int], tuple[tuple[int, int], ...] | None]:
    def signed() -> int:
        return -reader.number() if reader.skip(b"-") else reader.number()

    reader.expect(b"(")
    first = signed()
    reader.expect(b":")
    last = signed()
    reader.space()
    found = None if reader.word(b"NIL") else _ranges(reader)
    reader.expect(b")")
    return (first, last), found


def _thread(reader: Reader) -> r.ThreadData:
    # Without recursion: a thread may be deeper than Python's stack.
    stack: list[list[Any]] = [[]]
    while not reader.at_end():
        if reader.skip(b"("):
            stack.append([])
        elif reader.skip(b")"):
            if len(stack) < 2:
                raise ProtocolError("unexpected closing parenthesis in THREAD response")
            branch = tuple(stack.pop())
            stack[-1].append(branch)
        elif not reader.skip(b" "):
            stack[-1].append(reader.number())
    if len(stack) != 1:
        raise ProtocolError("missing closing parenthesis in THREAD response")
    return r.ThreadData(tuple(stack[0]))


def _quota(reader: Reader) -> r.QuotaData:
    root = reader.text()
    reader.space()
    reader.expect(b"(")
    resources: list[tuple[str, int, int]] = []
    while not reader.skip(b")"):
        if resources:
            reader.space()
        name = reader.atom()
        reader.space()
        usage = reader.number(MAX_MODSEQ)
        reader.space()
        resources.append((name, usage, reader.number(MAX_MODSEQ)))
    return r.QuotaData(root, tuple(resources))


def _quota_root(reader: Reader) -> r.QuotaRootData:
    mailbox = reader.mailbox()
    return r.QuotaRootData(mailbox, tuple(_texts(reader)))


def _texts(reader: Reader) -> list[str]:
    found = []
    while reader.skip(b" "):
        found.append(reader.text())
    return found


def _metadata(reader: Reader) -> r.MetadataData | r.MetadataChanged:
    mailbox = reader.mailbox()
    if not reader.skip(b" ("):
        return r.MetadataChanged(mailbox, tuple(_texts(reader)))
    entries: list[tuple[str, bytes | None]] = []
    while not reader.skip(b")"):
        if entries:
            reader.space()
        name = reader.text()
        reader.space()
        entries.append((name, None if reader.word(b"NIL") else reader.string(binary=True)))
    return r.MetadataData(mailbox, tuple(entries))


def _acl(reader: Reader) -> r.AclData:
    mailbox = reader.mailbox()
    words = _texts(reader)
    return r.AclData(mailbox, tuple(zip(words[::2], words[1::2], strict=False)))


def _list_rights(reader: Reader) -> r.ListRightsData:
    mailbox = reader.mailbox()
    words = _texts(reader)
    if len(words) < 2:
        raise ProtocolError("missing rights in LISTRIGHTS response")
    return r.ListRightsData(mailbox, words[0], words[1], tuple(words[2:]))


def _my_rights(reader: Reader) -> r.MyRightsData:
    mailbox = reader.mailbox()
    reader.space()
    return r.MyRightsData(mailbox, reader.text())


def _id(reader: Reader) -> r.IdData:
    if reader.word(b"NIL"):
        return r.IdData()
    reader.expect(b"(")
    pairs: list[tuple[str, str | None]] = []
    while not reader.skip(b")"):
        if pairs:
            reader.space()
        key = reader.string().decode("utf-8", "replace")
        reader.space()
        value = reader.nstring()
        pairs.append((key, None if value is None else value.decode("utf-8", "replace")))
    return r.IdData(tuple(pairs))


def _vanished(reader: Reader) -> r.Vanished:
    earlier = reader.word(b"(EARLIER) ")
    return r.Vanished(_ranges(reader), earlier)


def _search(reader: Reader) -> r.SearchData:
    return r.SearchData(*_numbers(reader))


def _uid_batches(reader: Reader) -> r.UidBatchesData:
    reader.expect(b"(TAG ")
    tag = reader.text()
    reader.expect(b")")
    batches: list[tuple[int, int]] = []
    while reader.skip(b"," if batches else b" "):
        high = reader.number(smallest=1)
        batches.append((high, reader.number(smallest=1) if reader.skip(b":") else high))
    return r.UidBatchesData(tag, tuple(batches))


def _sort(reader: Reader) -> r.SortData:
    return r.SortData(*_numbers(reader))


def _fetch(reader: Reader, number: int, *, uid: bool = False) -> r.FetchData:
    reader.expect(b"(")
    items: list[tuple[str, r.FetchValue]] = []
    while not reader.skip(b")"):
        if items:
            reader.space()
            if reader.skip(b")"):  # QQ Mail
                break
        match = _ITEM.match(reader.data, reader.position)
        if match is None:
            raise ProtocolError("expected a data item")
        reader.position = match.end()
        name = match[0].decode("ascii")
        reader.space()
        items.append((name.upper() if "[" not in name else name, _fetched(reader, name.upper())))
    return r.FetchData(number, tuple(items), uid)


def _fetched(reader: Reader, name: str) -> r.FetchValue:
    match name:
        case "UID" | "RFC822.SIZE":
            return reader.number(MAX_MODSEQ)
        case "FLAGS":
            return _flags(reader)
        case "MODSEQ":
            reader.expect(b"(")
            modseq = reader.number(MAX_MODSEQ)
            reader.expect(b")")
            return modseq
        case "INTERNALDATE" | "SAVEDATE":
            return None if reader.word(b"NIL") else _date(reader)
        case "EMAILID" | "THREADID":
            if reader.word(b"NIL"):
                return None
            reader.expect(b"(")
            identity = reader.text()
            reader.expect(b")")
            return identity
    if name.startswith("BINARY.SIZE["):
        return reader.number(MAX_MODSEQ)
    if name in ("X-GM-MSGID", "X-GM-THRID"):  # Google's extension
        return reader.number(MAX_UINT64)
    if reader.word(b"NIL"):
        return None
    if reader.peek() in (b'"', b"{", b"~"):
        return reader.string(binary=True)
    start = reader.position
    skip_value(reader)
    return r.Wire(reader.data[start : reader.position])


def _flags(reader: Reader) -> tuple[str, ...]:
    """Flags of a message, unchecked: servers store old keywords that today's grammar does not allow."""
    reader.expect(b"(")
    found: list[str] = []
    while not reader.skip(b")"):
        if found:
            reader.space()
            if reader.skip(b")"):  # SurgeMail
                break
        found.append(reader.bare().decode("utf-8", "replace"))
    return tuple(found)


def _date(reader: Reader) -> dt.datetime | None:
    """Read a date. Returns None if it's malformed, so the rest of the message is still usable."""
    start = reader.position
    try:
        return reader.date_time()
    except ProtocolError:
        reader.position = start
        reader.string()
        return None


def skip_value(reader: Reader) -> None:
    """Skip one value: atom, number, string or parenthesized list of values, without recursion."""
    depth = 0
    while True:
        if reader.skip(b"("):
            depth += 1
            continue
        if depth and reader.skip(b")"):
            depth -= 1
        elif depth and reader.skip(b" "):
            continue
        elif reader.peek() in (b'"', b"{", b"~"):
            reader.string(binary=True)
        else:
            reader.bare()
        if not depth:
            return


_BY_NUMBER: Final[Mapping[bytes, Callable[[Reader, int], r.Response]]] = {
    b"EXISTS": lambda reader, number: r.Exists(number),
    b"RECENT": lambda reader, number: r.RecentData(number),
    b"EXPUNGE": lambda reader, number: r.ExpungeData(number),
    b"FETCH": _fetch,
    b"UIDFETCH": lambda reader, number: _fetch(reader, number, uid=True),
}

_BY_WORD: Final[Mapping[bytes, Callable[[Reader], r.Response]]] = {
    b"CAPABILITY": lambda reader: r.CapabilityData(_rest(reader)),
    b"ENABLED": lambda reader: r.Enabled(_rest(reader)),
    b"LIST": _list,
    b"LSUB": _lsub,
    b"NAMESPACE": _namespace,
    b"JMAPACCESS": lambda reader: r.JmapAccessData(reader.string().decode("ascii", "replace")),
    b"STATUS": _status,
    b"FLAGS": lambda reader: r.FlagsData(reader.flags()),
    b"SEARCH": _search,
    b"ESEARCH": _esearch,
    b"SORT": _sort,
    b"UIDBATCHES": _uid_batches,
    b"THREAD": _thread,
    b"QUOTA": _quota,
    b"QUOTAROOT": _quota_root,
    b"METADATA": _metadata,
    b"ACL": _acl,
    b"LISTRIGHTS": _list_rights,
    b"MYRIGHTS": _my_rights,
    b"ID": _id,
    b"VANISHED": _vanished,
}
