"""The body of a request: the JSON of its parameters, and files (WEB-20, WEB-91, WEB-98).

Three kinds are taken: ``application/json``; ``application/x-www-form-urlencoded`` with the field ``request``;
``multipart/form-data`` with that field and files. Everything is spooled: in memory while it is short, else in files
without a name, so that memory is bounded and a crash leaves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
import multipart
import trio

from moxlite.processor import off_loop
from moxlite.store.content.spool import Spool
from moxlite.web.webapi.errors import WebAPIError
from moxlite.web.webapi.jsonreader import read_json

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
MAX_PART_HEADER: Final = 4096
MAX_FIELDS: Final = 100
"""Fields of a form beside the request and the files; they are passed over."""

ON_LOOP: Final = 64 << 10
"""Octets of JSON that are decoded on the event loop: about a millisecond."""

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

    Raises WebAPIError: ``protocol``; OSError: the disk is full; HTTPError, ClientGone: as `Body.receive`.
    """
    with ExitStack() as spools:
        with trio.move_on_after(DEADLINE) as scope:
            form, files = await _received(request, spools, tmp, limit)
        if scope.cancelled_caught:
            raise WebAPIError("protocol", "the request took too long to arrive")
        await form.finish()
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
        "send application/json, or a form with the field request: application/x-www-form-urlencoded"
        " or multipart/form-data",
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
                        raise WebAPIError("protocol", "the form has several fields request")
                    self.found = True
            if bytes(self._name) == FIELD.encode():
                yield self._decoded(field)

    def _decoded(self, field: bytes) -> bytes:
        octets = self._rest + field
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
            raise WebAPIError("protocol", "the form has no field request")


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
                            raise WebAPIError("protocol", "the form has several fields request")
                        target = form = spools.enter_context(Spool(tmp))
                    elif event.name in PLACES:
                        if len(files) >= MAX_FILES:
                            raise WebAPIError("user", f"more than {MAX_FILES} files")
                        target = spools.enter_context(Spool(tmp))
                        files.append(_file(event, target))
                elif event is not None and target is not None:
                    await target.write(bytes(event))
        parser.close()
    except multipart.MultipartError as error:
        raise WebAPIError("protocol", f"the form is not complete, or cannot be read: {error}") from None
    if form is None:
        raise WebAPIError("protocol", "the form has no field request")
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
