"""The body of a request: the JSON of its parameters, and files (WEB-20, WEB-91, WEB-98).

Three kinds are taken: ``application/json``; ``application/x-www-form-urlencoded`` with the field ``request``;
``multipart/form-data`` with that field and files. Everything is spooled: in memory while it is short, else in files
without a name, so that memory is bounded and a crash leaves nothing.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
import multipart
import trio
from msgspec import inspect

from moxlite.encoding import from_json
from moxlite.ledger import FREE, NoRoom
from moxlite.processor import off_loop
from moxlite.store.content.spool import Spool
from moxlite.web.http.errors import NoRoomForRequest
from moxlite.web.webapi.errors import WebAPIError
from moxlite.web.webapi.types import Encoded

if TYPE_CHECKING:
    from moxlite.compose.draft import Place
    from moxlite.web.http.exchange import Request


FIELD: Final = "request"
PLACES: Final[dict[str, Place]] = {
    "alternativefile": "alternative",
    "inlinefile": "inline",
    "attachedfile": "attached",
}
MAX_FILES: Final = 200
"""Files of a form: each is a spool, and a long one takes a descriptor."""

MAX_PART_HEADER: Final = 4096
"""Octets of a part's header, or of a field's name: the name of a file is the longest thing there."""

MAX_FIELDS: Final = 100
"""Fields of a form beside the request and the files; they are passed over."""

ON_LOOP: Final = 64 << 10
"""Octets of JSON that are decoded on the event loop: about a millisecond."""

READ: Final = 8
"""Times its octets that JSON takes while it is read and sent, as measured with emojis: of a text with one each letter
takes four, and it is there as JSON and as octets of the message, too. Lists are short, and files stay where they are.
"""

DEADLINE: Final = 3600.0
"""Seconds for a body: 200 MiB at 500 kbit/s; each piece has its own, shorter deadline."""

T = TypeVar("T", bound=msgspec.Struct)


class FormFile(msgspec.Struct, frozen=True):
    """A file of a form; the fields as in `types.FileData`."""

    place: Place
    name: str
    content_type: str
    content_id: str
    spool: Spool


class Body:
    """A received body. `parameters` refer to its octets, which exist within the block of `receive` only."""

    def __init__(self, octets: bytes | memoryview, files: list[FormFile], digest: bytes) -> None:
        self._octets = octets
        self.files = files
        self.digest = digest

    async def parameters(self, cls: type[T]) -> T:
        """The parameters of the call. Raises WebAPIError."""
        if len(self._octets) <= ON_LOOP:
            return read_json(self._octets, cls)
        return await off_loop(partial(read_json, self._octets, cls), kind="webapi")


@asynccontextmanager
async def receive(request: Request, tmp: Path, limit: int) -> AsyncIterator[Body]:
    """Receive the body of at most `limit` octets.

    Raises WebAPIError: ``protocol``; OSError: the disk is full; HTTPError, ClientGone: as `Body.receive`, and
    NoRoomForRequest.
    """
    with ExitStack() as spools:
        with trio.move_on_after(DEADLINE) as scope:
            form, files = await _received(request, spools, tmp, limit)
        if scope.cancelled_caught:
            raise WebAPIError("protocol", "the request took too long to arrive")
        await form.finish()
        if form.size > FREE:
            try:
                await request.body.hold.take("request", READ * form.size)
            except NoRoom as error:
                raise NoRoomForRequest(error) from None
        digest = hashlib.sha256(form.digest())
        for file in files:
            await file.spool.finish()
            for word in (file.place, file.name, file.content_type, file.content_id):
                digest.update(word.encode("utf-8", "replace") + b"\0")
            digest.update(file.spool.digest())
        with form.open_view() as octets:
            yield Body(octets, files, digest.digest())


async def _received(request: Request, spools: ExitStack, tmp: Path, limit: int) -> tuple[Spool, list[FormFile]]:
    field = request.headers.get("content-type") or ""
    kind, options = multipart.parse_options_header(field)
    match kind.lower():
        case "application/json":
            form = spools.enter_context(Spool(tmp))
            while data := await request.body.receive(limit):
                await form.write(data)
            return form, []
        case "application/x-www-form-urlencoded":
            form = spools.enter_context(Spool(tmp))
            await _read_urlencoded(request, form, limit)
            return form, []
        case "multipart/form-data" if options.get("boundary"):
            return await _read_multipart(request, options["boundary"], spools, tmp, limit)
    raise WebAPIError(
        "protocol",
        "send application/json, or a form (application/x-www-form-urlencoded"
        ' or multipart/form-data) with a "request" field',
    )


class _URLEncoded:
    """The value of the field ``request`` in a form (WHATWG URL §5.1), decoded in pieces."""

    def __init__(self) -> None:
        self._name = bytearray()
        self._rest = b""  # an incomplete escape
        self._in_name = True
        self.found = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Octets of the value. Raises WebAPIError."""
        for index, field in enumerate(data.split(b"&")):
            if index:
                yield from self._end()
            if self._in_name:
                name, equals, field = field.partition(b"=")
                self._name += name[: MAX_PART_HEADER - len(self._name)]
                if not equals:
                    continue
                self._in_name = False
                if bytes(self._name) == FIELD.encode():
                    if self.found:
                        raise WebAPIError("protocol", "duplicate form field: request")
                    self.found = True
            if bytes(self._name) == FIELD.encode():
                yield self._decoded(field)

    def _decoded(self, field: bytes) -> bytes:
        octets = self._rest + field
        # The end of a piece may cut an escape: its one or two octets wait for the next piece.
        cut = octets.rfind(b"%", max(0, len(octets) - 2))
        self._rest = b"" if cut < 0 else octets[cut:]
        return unquote_to_bytes((octets if cut < 0 else octets[:cut]).replace(b"+", b" "))

    def _end(self) -> Iterator[bytes]:
        if not self._in_name and bytes(self._name) == FIELD.encode():
            yield self._rest
        self._name.clear()
        self._rest = b""
        self._in_name = True

    def finish(self) -> Iterator[bytes]:
        """The last octets. Raises WebAPIError if there was no field."""
        yield from self._end()
        if not self.found:
            raise WebAPIError("protocol", 'the form must have a "request" field')


async def _read_urlencoded(request: Request, form: Spool, limit: int) -> None:
    decoder = _URLEncoded()
    while data := await request.body.receive(limit):
        for piece in decoder.feed(data):
            await form.write(piece)
    for piece in decoder.finish():
        await form.write(piece)


async def _read_multipart(
    request: Request, boundary: str, spools: ExitStack, tmp: Path, limit: int
) -> tuple[Spool, list[FormFile]]:
    # A form is read once, in any order of its fields, and files go to the disk as they come: bounds must hold at each
    # segment, before its octets, not at the end.
    form: Spool | None = None
    files: list[FormFile] = []
    target: Spool | None = None
    try:
        parser = multipart.PushMultipartParser(
            boundary, max_header_size=MAX_PART_HEADER, max_segment_count=MAX_FILES + MAX_FIELDS
        )
        while data := await request.body.receive(limit):
            for event in parser.parse(data):
                if isinstance(event, multipart.MultipartSegment):
                    target = None
                    if event.name == FIELD:
                        if form is not None:
                            raise WebAPIError("protocol", "duplicate form field: request")
                        target = form = spools.enter_context(Spool(tmp))
                    elif event.name in PLACES:
                        if len(files) >= MAX_FILES:
                            raise WebAPIError("user", f"you can send up to {MAX_FILES} files")
                        target = spools.enter_context(Spool(tmp))
                        files.append(_file(event, target))
                elif event is not None and target is not None:
                    await target.write(bytes(event))
        parser.close()
    except multipart.MultipartError as error:
        raise WebAPIError("protocol", f"the form is incomplete or invalid: {error}") from None
    if form is None:
        raise WebAPIError("protocol", 'the form must have a "request" field')
    return form, files


def _file(segment: multipart.MultipartSegment, spool: Spool) -> FormFile:
    headers = {name.lower(): value for name, value in segment.headerlist}
    return FormFile(
        PLACES[segment.name],
        segment.filename or "",
        headers.get("content-type", ""),
        headers.get("content-id", ""),
        spool,
    )


# JSON of a request, read as a struct of `types` (RFC 8259; WEB-91, WEB-134).
#
# Differences from msgspec's own decoder: names of fields match in any ASCII case, a repeated field is an error, null
# counts as absent, too long lists are refused before they are built, and base64 stays where it is (`types.Encoded`).
# msgspec decodes each scalar. Work and memory are linear in the octets, whatever these are.


MAX_KEYS: Final = 64
"""Pairs of an object with free keys: Extra (QUEUE-5)."""
Octets = bytes | memoryview

BLANK: Final = re.compile(rb"[ \t\r\n]*+")
STRING: Final = re.compile(rb'["\\]')
SCALAR: Final = re.compile(rb"[-+.0-9A-Za-z]++")
EMPTY: Final = b'""'
RFC3339: Final = Annotated[datetime, msgspec.Meta(tz=True)]
TEXT: Final = inspect.type_info(str)


class _Field(msgspec.Struct, frozen=True):
    attribute: str
    name: str
    kind: inspect.Type


@functools.cache
def _fields(cls: type[msgspec.Struct]) -> Mapping[bytes, _Field]:
    """The fields of a struct by their names in lower case."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return {
        field.encode_name.lower().encode(): _Field(field.name, field.encode_name, field.type) for field in info.fields
    }


def read_json(octets: Octets, cls: type[T]) -> T:
    """Decode a request. Parts of the result refer to `octets`.

    Raises WebAPIError: ``protocol`` with path and offset for what is not JSON of this type, ``user`` for a list that is
    too long.
    """
    reader = _Reader(octets)
    value, end = reader.struct(reader.blank(0), cls, "")
    if reader.blank(end) != len(octets):
        raise reader.error(end, "", "unexpected data after the JSON object")
    return value


class _Reader:
    def __init__(self, octets: Octets) -> None:
        self._octets = octets

    def error(self, at: int, path: str, text: str) -> WebAPIError:
        """An error about the octets at an offset."""
        place = f"{path}: " if path else ""
        return WebAPIError("protocol", f"{place}{text} (at octet {at} of the request)")

    def blank(self, at: int) -> int:
        """The offset of the next token."""
        match = BLANK.match(self._octets, at)
        assert match is not None
        return match.end()

    def _begins(self, at: int, char: int) -> bool:
        return at < len(self._octets) and self._octets[at] == char

    def _string(self, at: int, path: str) -> int:
        """The offset after the string that begins at `at`."""
        begin = at
        at += 1
        # From quote to quote: an escape is passed over unread, and msgspec decodes the whole string afterwards.
        while (match := STRING.search(self._octets, at)) is not None:
            if self._octets[match.start()] == 0x22:
                return match.end()
            at = match.end() + 1
        raise self.error(begin, path, "unterminated string")

    def _scalar(self, at: int, path: str) -> int:
        """The offset after the string, number or word at `at`."""
        if self._begins(at, 0x22):
            return self._string(at, path)
        match = SCALAR.match(self._octets, at)
        if match is None:
            raise self.error(at, path, "wrong value type")
        return match.end()

    def struct(self, at: int, cls: type[T], path: str) -> tuple[T, int]:
        """The struct at `at`, and the offset after it."""
        fields = _fields(cls)
        values: dict[str, Any] = {}
        seen: set[str] = set()
        for key, begin in (members := _Members(self, at, path)):
            field = fields.get(key.encode().lower())
            if field is None:
                raise self.error(begin, path, f"unknown field {key[:80]!r}")
            where = f"{path}.{field.name}" if path else field.name
            if field.name in seen:
                raise self.error(begin, where, "duplicate field")
            seen.add(field.name)
            value, members.at = self._value(members.at, field.kind, where)
            if value is not None:
                values[field.attribute] = value
        return cls(**values), members.at

    def _value(self, at: int, kind: inspect.Type, path: str) -> tuple[Any, int]:
        """The value at `at`, None for null, and the offset after it."""
        if self._octets[at : at + 4] == b"null":
            return None, at + 4
        match kind:
            case inspect.StructType():
                return self.struct(at, kind.cls, path)
            case inspect.ListType():
                return self._list(at, kind, path)
            case inspect.TupleType():
                found, end = self._items(at, kind.item_types, path)
                return tuple(found), end
            case inspect.DictType():
                return self._dict(at, path)
            case inspect.UnionType():
                [inner] = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
                return self._value(at, inner, path)
            case inspect.Metadata():
                return self._value(at, kind.type, path)
        end = self._scalar(at, path)
        return self._decoded(at, end, kind, path), end

    def _decoded(self, at: int, end: int, kind: inspect.Type, path: str) -> Any:
        literal = self._octets[at:end]
        match kind:
            case inspect.CustomType():
                if literal[0] != 0x22:
                    raise self.error(at, path, "expected a string")
                return Encoded(literal)
            case inspect.DateTimeType():
                return None if literal == EMPTY else self._plain(at, literal, RFC3339, path)
            case inspect.StrType():
                text = self._plain(at, literal, str, path)
                if kind.max_length is not None and len(text) > kind.max_length:
                    raise WebAPIError("user", f"{path}: must be {kind.max_length} characters or fewer")
                return text
            case inspect.IntType():
                number = self._plain(at, literal, int, path)
                if (kind.ge is not None and number < kind.ge) or (kind.le is not None and number > kind.le):
                    raise self.error(at, path, "number out of range")
                return number
            case inspect.BoolType():
                return self._plain(at, literal, bool, path)
        raise AssertionError(kind)

    def _plain(self, at: int, literal: Octets, kind: Any, path: str) -> Any:
        try:
            return from_json(literal, kind)
        except msgspec.DecodeError as error:
            raise self.error(at, path, str(error).partition(" (byte")[0]) from None

    def _list(self, at: int, kind: inspect.ListType, path: str) -> tuple[list[Any], int]:
        found: list[Any] = []
        for index, begin in (items := _Items(self, at, path)):
            if kind.max_length is not None and index >= kind.max_length:
                raise WebAPIError("user", f"{path}: you can have up to {kind.max_length} entries")
            value, items.at = self._value(begin, kind.item_type, f"{path}[{index}]")
            if value is None:
                raise self.error(begin, f"{path}[{index}]", "lists can't contain null")
            found.append(value)
        return found, items.at

    def _items(self, at: int, kinds: tuple[inspect.Type, ...], path: str) -> tuple[list[Any], int]:
        found: list[Any] = []
        for index, begin in (items := _Items(self, at, path)):
            if index >= len(kinds):
                raise self.error(begin, path, f"must have {len(kinds)} entries")
            value, items.at = self._value(begin, kinds[index], f"{path}[{index}]")
            if value is None:
                raise self.error(begin, f"{path}[{index}]", "lists can't contain null")
            found.append(value)
        if len(found) != len(kinds):
            raise self.error(at, path, f"must have {len(kinds)} entries")
        return found, items.at

    def _dict(self, at: int, path: str) -> tuple[dict[str, str], int]:
        found: dict[str, str] = {}
        for key, begin in (members := _Members(self, at, path)):
            if key in found:
                raise self.error(begin, path, f"duplicate key {key[:80]!r}")
            if len(found) >= MAX_KEYS:
                raise WebAPIError("user", f"{path}: you can have up to {MAX_KEYS} keys")
            value, members.at = self._value(members.at, TEXT, f"{path}.{key[:80]}")
            found[key] = value or ""
        return found, members.at

    def key(self, at: int, path: str) -> tuple[str, int]:
        """The name at `at`, and the offset of its value."""
        if not self._begins(at, 0x22):
            raise self.error(at, path, "expected a field name")
        end = self._string(at, path)
        name = self._plain(at, self._octets[at:end], str, path)
        colon = self.blank(end)
        if not self._begins(colon, 0x3A):
            raise self.error(colon, path, "expected a colon")
        return name, self.blank(colon + 1)

    def open(self, at: int, char: int, path: str) -> int:
        """The offset after the opening bracket."""
        if not self._begins(at, char):
            raise self.error(at, path, "expected an object" if char == 0x7B else "expected a list")
        return self.blank(at + 1)

    def goes_on(self, at: int, close: int, path: str) -> int | None:
        """After a value: the offset of the next one, None at the closing bracket."""
        if self._begins(at, 0x2C):
            return self.blank(at + 1)
        if self._begins(at, close):
            return None
        raise self.error(at, path, "expected a comma or closing bracket")

    def closes(self, at: int, close: int) -> bool:
        """Whether the closing bracket is at `at`."""
        return self._begins(at, close)


class _Members:
    """The members of an object: iteration gives the name and its offset. The caller reads the value at `at`, and sets
    `at` to the offset after it; at the end that is the offset after the object.
    """

    CLOSE = 0x7D

    def __init__(self, reader: _Reader, at: int, path: str) -> None:
        self._reader = reader
        self._path = path
        self.at = reader.open(at, 0x7B, path)
        self._first = True

    def __iter__(self) -> _Members:
        return self

    def __next__(self) -> tuple[str, int]:
        at = _next(self._reader, self.at, self.CLOSE, self._path, first=self._first)
        self._first = False
        if at is None:
            self.at = self._reader.blank(self.at) + 1
            raise StopIteration
        name, self.at = self._reader.key(at, self._path)
        return name, at


class _Items:
    """The items of a list: iteration gives index and offset; `at` as in `_Members`."""

    CLOSE = 0x5D

    def __init__(self, reader: _Reader, at: int, path: str) -> None:
        self._reader = reader
        self._path = path
        self.at = reader.open(at, 0x5B, path)
        self._index = -1

    def __iter__(self) -> _Items:
        return self

    def __next__(self) -> tuple[int, int]:
        at = _next(self._reader, self.at, self.CLOSE, self._path, first=self._index < 0)
        if at is None:
            self.at = self._reader.blank(self.at) + 1
            raise StopIteration
        self._index += 1
        return self._index, at


def _next(reader: _Reader, at: int, close: int, path: str, *, first: bool) -> int | None:
    at = reader.blank(at)
    if first:
        return None if reader.closes(at, close) else at
    return reader.goes_on(at, close, path)
