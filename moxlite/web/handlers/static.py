"""The handler ``static``: serves the files of a directory (WEB-37..40)."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec
import trio

from moxlite.config.webserver import WebStatic
from moxlite.web.handlers.contenttypes import content_type
from moxlite.web.handlers.files import (
    READ_SIZE,
    Copies,
    File,
    FileError,
    Forbidden,
    IsDirectory,
    NameTooLong,
    NoSuchFile,
    check_directory,
    close,
    list_directory,
    open_file,
    read,
)
from moxlite.web.http.conditional import Plan, Validators, plan
from moxlite.web.http.encoding import MIN_SIZE, Coder, choose, coder, compress, compressed, is_compressible
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.exchange import FilePart, Request, ResponseWriter
from moxlite.web.http.messages import Headers, Response

logger = logging.getLogger("moxlite.web.handlers")

T = TypeVar("T")

SIBLINGS: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
"""Endings of compressed copies beside a file, by coding; the smallest first."""

INDEX: Final = "index.html"
threads: Final = trio.CapacityLimiter(16)
"""Threads of this handler only, so that a disk or network mount that hangs takes no thread from the mail store."""


KEPT_SECONDS: Final = 1.0
"""Seconds for which a small file is sent from memory before it is opened again, in a thread. Nothing else would show
that it has changed: a look at it (`stat`) on the loop takes 2 µs, but would stop the whole server while the disk or
network mount hangs.
"""

KEPT_OCTETS: Final = 8 << 20
"""Octets of all files in memory, and of what is noted with them."""

NOTED: Final = 1024
"""Octets of what is noted with a file."""

Key: TypeAlias = tuple[object, ...]


class StaticFile(msgspec.Struct, frozen=True):
    """A file to send. ``file`` is what is sent, in ``coding`` or as it is; ``original`` has the facts for validators,
    and may be closed; ``path`` names it on this machine; ``kind`` is its content type; ``facts`` are for an answer
    that sends it as it is.
    """

    file: File
    original: File
    path: str
    kind: str
    coding: str | None
    facts: Validators


class FileCache:
    """The small files that were sent in the last second, the least recently used ones dropped beyond `KEPT_OCTETS`."""

    def __init__(self) -> None:
        self._files: OrderedDict[Key, tuple[float, StaticFile]] = OrderedDict()
        self._octets = 0

    def find(self, key: Key) -> StaticFile | None:
        """The file as it was in the last second, or None."""
        since, static_file = self._files.get(key, (0.0, None))
        if static_file is None:
            return None
        if not 0 <= time.monotonic() - since < KEPT_SECONDS:
            self._drop(key)
            return None
        self._files.move_to_end(key)
        return static_file

    def keep(self, key: Key, static_file: StaticFile, since: float) -> None:
        """Keep a file that was opened at this time (`time.monotonic`) or later."""
        self._drop(key)
        self._files[key] = since, static_file
        self._octets += len(static_file.file.first) + NOTED
        while self._octets > KEPT_OCTETS:
            self._drop(next(iter(self._files)))

    def _drop(self, key: Key) -> None:
        if (was := self._files.pop(key, None)) is not None:
            self._octets -= len(was[1].file.first) + NOTED


kept: Final = FileCache()


class Static:
    """Serves the files below ``settings.root``, compressed if `compress` is set and it is worthwhile; `copies` keeps
    what was compressed.
    """

    def __init__(self, settings: WebStatic, *, compress: bool, copies: Copies) -> None:
        self._settings = settings
        self._compress = compress
        self._copies = copies
        self._extra = tuple((name.lower(), value) for name, value in settings.response_headers.items())
        self._kind = next((value for key, value in self._extra if key == "content-type"), None)
        self._key = (settings.root, settings.follow_symlinks, compress, settings.precompressed, self._extra)

    async def answer(self, request: Request, writer: ResponseWriter) -> bool:
        """Answer; False to try the next handler.

        Raises HTTPError, ClientGone.
        """
        settings = self._settings
        go_on = settings.continue_not_found
        if request.method not in ("GET", "HEAD"):
            if go_on:
                return False
            raise HTTPError(405, "Use GET to load files.", (("allow", "GET, HEAD"),))
        if not request.path.startswith(settings.strip_prefix):
            return self._not_found(go_on)
        name = request.path.removeprefix(settings.strip_prefix).strip("/")
        try:
            if request.path.endswith("/"):
                return await self._directory(request, writer, name)
            await self._file(request, writer, name)
        except NoSuchFile:
            return self._not_found(go_on)
        except NameTooLong as e:
            raise HTTPError(404, "Page not found.") from e
        except Forbidden as e:
            raise HTTPError(403, "You don't have permission to view this.") from e
        except IsDirectory:
            query = f"?{request.query}" if request.query else ""
            await writer.respond(Response.redirect(307, path_text(request.path) + "/" + query))
        return True

    def _not_found(self, go_on: bool) -> bool:
        if go_on:
            return False
        raise HTTPError(404, "Page not found.")

    async def _directory(self, request: Request, writer: ResponseWriter, name: str) -> bool:
        """Send the index of a directory, else a listing; False if it has neither and the next handler is to be tried
        (WEB-39).
        """
        follow, root = self._settings.follow_symlinks, self._settings.root
        index = f"{name}/{INDEX}".lstrip("/")
        siblings, coding = self._codings(request)
        if kept.find((*self._key, index, *siblings, coding)) is None:
            await self._blocking(request, partial(check_directory, root, name, follow=follow))
        try:
            await self._file(request, writer, index)
        except FileError:
            pass
        else:
            return True
        if not self._settings.list_files:
            if self._settings.continue_not_found:
                return False
            raise Forbidden
        found = await self._blocking(request, partial(list_directory, root, name, follow=follow))
        from moxlite.web.handlers import listing  # the names of `html`: 0.5 MB that few servers need

        page = await self._blocking(request, partial(listing.render, request.path, found))
        headers = with_extra(listing.HEADERS, self._extra, keep="content-type")
        response = Response(200, headers, page)
        await writer.respond(await compressed(request.headers, response) if self._compress else response)
        return True

    async def _file(self, request: Request, writer: ResponseWriter, name: str) -> None:
        """Send a file. Raises FileError before the first octet."""
        siblings, coding = self._codings(request)
        key = (*self._key, name, *siblings, coding)
        static_file = kept.find(key)
        if static_file is None:
            since = time.monotonic()
            static_file = await self._blocking(request, partial(self._open, name, siblings, coding))
            if static_file.file.descriptor is None and not self._is_to_compress(static_file, coding):
                kept.keep(key, static_file, since)
        try:
            await self._send(request, writer, static_file, coding)
        finally:
            close(static_file.file)

    def _codings(self, request: Request) -> tuple[Sequence[str], str | None]:
        """The codings in which the client may have a sibling of a file, and the one to compress it in."""
        # ranges count compressed octets, and no client resumes a compressed download
        whole = request.headers.get("range") is None
        siblings = accepted(request.headers) if self._settings.precompressed and whole else ()
        return siblings, choose(request.headers) if self._compress and whole else None

    def _open(self, name: str, siblings: Sequence[str], coding: str | None) -> StaticFile:
        """In a thread: open the file, or its sibling in the first of these codings that is not older than the file, or
        the copy in `coding` that was made before.
        """
        root, follow = self._settings.root, self._settings.follow_symlinks
        file = open_file(root, name, follow=follow)
        kind = self._kind or content_type(name, file.first)
        for one in siblings:
            try:
                sibling = open_file(root, name + SIBLINGS[one], follow=follow)
            except FileError:
                continue
            # An older one was forgotten when the file changed.
            if sibling.modified >= file.modified:
                close(file)
                return self._static_file(sibling, sibling, name, kind, one)
            close(sibling)
        if coding is not None and is_compressible(kind):
            copy = self._copies.find(f"{root}/{name}", file, coding)
            if copy is not None:
                close(file)
                file = msgspec.structs.replace(file, descriptor=None, first=b"")
                return self._static_file(copy, file, name, kind, coding)
        return self._static_file(file, file, name, kind, None)

    def _static_file(self, file: File, original: File, name: str, kind: str, coding: str | None) -> StaticFile:
        facts = self._facts(file.size, original, kind, coding)
        return StaticFile(file, original, f"{self._settings.root}/{name}", kind, coding, facts)

    def _facts(self, size: int, original: File, kind: str, coding: str | None) -> Validators:
        """Facts for an answer that sends so many octets of a file, in a coding."""
        headers: tuple[tuple[str, str], ...] = (("x-content-type-options", "nosniff"),)
        if self._is_worthwhile(original, kind) or self._settings.precompressed:
            headers += (("vary", "Accept-Encoding"),)
        # Of the original, in whatever coding: a copy that is made anew has other times, and clients keep what they
        # have.
        tag = f"{original.modified:x}-{original.size:x}-{original.inode:x}"
        if coding is not None:
            tag += f"-{coding}"
            headers += (("content-encoding", coding),)
        modified = datetime.fromtimestamp(original.modified // 1_000_000_000, UTC)
        return Validators(size, kind, tag, modified, with_extra(headers, self._extra, drop="content-type"))

    async def _send(
        self, request: Request, writer: ResponseWriter, static_file: StaticFile, wanted: str | None
    ) -> None:
        """Send a file; `wanted`: the coding in which it is to be sent if that is worthwhile and it is not in any."""
        file, coding, facts = static_file.file, None, static_file.facts
        if self._is_to_compress(static_file, wanted):
            coding = wanted
            facts = self._facts(file.size, static_file.original, static_file.kind, coding)
        decided = plan(request.method, request.headers, facts)
        if coding is not None or static_file.coding is not None:
            decided = msgspec.structs.replace(decided, headers=_without_ranges(decided.headers))
        if not decided.pieces:
            await writer.respond(Response(decided.status, decided.headers))
        elif coding is None:
            await self._send_plain(request, writer, file, decided)
        else:
            await self._send_in(coding, request, writer, static_file, decided)

    def _is_worthwhile(self, original: File, kind: str) -> bool:
        return self._compress and is_compressible(kind) and original.size >= MIN_SIZE

    def _is_to_compress(self, static_file: StaticFile, wanted: str | None) -> bool:
        """Whether it is to be compressed, and is not in any coding."""
        return (
            wanted is not None
            and static_file.coding is None
            and self._is_worthwhile(static_file.original, static_file.kind)
        )

    async def _send_in(
        self, coding: str, request: Request, writer: ResponseWriter, static_file: StaticFile, decided: Plan
    ) -> None:
        """Send a file in this coding: as a copy on the disk, made now; else compressed as it goes."""
        file, copy = static_file.file, None
        if request.method != "HEAD":
            copy = await self._blocking(request, partial(self._copies.make, static_file.path, file, coding))
        if copy is not None:
            try:
                decided = msgspec.structs.replace(decided, pieces=((0, copy.size),))
                await self._send_plain(request, writer, copy, decided)
            finally:
                close(copy)
        elif file.descriptor is None:
            squeezed = await self._blocking(request, partial(compress, file.first, coding))
            await writer.respond(Response(decided.status, decided.headers, squeezed))
        else:
            await self._send_compressed(request, writer, file, decided, coder(coding))

    async def _send_plain(self, request: Request, writer: ResponseWriter, file: File, decided: Plan) -> None:
        if file.descriptor is None:
            await writer.respond(Response(decided.status, decided.headers, decided.body(file.first)))
            return
        fields = (*decided.headers, ("content-length", str(decided.length)))
        first = len(file.first) if writer.sends_files else min(decided.length, READ_SIZE)
        await writer.start(decided.status, fields, first=first)
        if request.method != "HEAD":
            for piece in decided.pieces:
                if isinstance(piece, bytes):
                    await writer.write(piece)
                    continue
                at, end = piece
                if writer.sends_files:
                    # The first octets are in memory since the file was opened; the kernel copies the rest.
                    if at < len(file.first):
                        head = file.first[at:end]
                        await writer.write(head)
                        at += len(head)
                    await self._from_disk(request, writer, FilePart(file.descriptor, at, end, threads))
                    continue
                while at < end:
                    data = (await self._read(request, file, at))[: end - at]
                    if not data:  # the file was truncated meanwhile: the announced length cannot be sent
                        raise ClientGone
                    await writer.write(data)
                    at += len(data)
        await writer.finish()

    async def _from_disk(self, request: Request, writer: ResponseWriter, part: FilePart) -> None:
        try:
            await writer.write_file(part)
        except OSError as e:
            raise self._failed(request, e) from e

    async def _send_compressed(
        self, request: Request, writer: ResponseWriter, file: File, decided: Plan, stream: Coder
    ) -> None:
        await writer.start(decided.status, decided.headers, first=READ_SIZE)
        if request.method != "HEAD":
            at = 0
            while data := (await self._read(request, file, at))[: file.size - at]:
                await writer.write(await self._blocking(request, partial(stream.compress, data)))
                at += len(data)
            await writer.write(stream.flush())
        await writer.finish()

    async def _read(self, request: Request, file: File, at: int) -> bytes:
        if at < len(file.first):
            return file.first[at:]
        assert file.descriptor is not None
        return await self._blocking(request, partial(read, file.descriptor, at))

    async def _blocking(self, request: Request, call: Callable[[], T]) -> T:
        """Run a call that waits for the disk. Raises HTTPError 500 if the disk fails."""
        try:
            return await trio.to_thread.run_sync(call, limiter=threads)
        except OSError as e:
            raise self._failed(request, e) from e

    def _failed(self, request: Request, error: OSError) -> HTTPError:
        """Log a failure of the disk; returns the answer, if none has begun."""
        kv = {"handler": request.handler, "path": request.path, "err": error.strerror or str(error)}
        logger.error("failed to read served file", extra={"kv": kv})
        return HTTPError(500, "This file can't be read.")


def accepted(headers: Headers) -> list[str]:
    """The codings of `SIBLINGS` that a client accepts, the best first."""
    left, found = tuple(SIBLINGS), []
    while left and (coding := choose(headers, left)) is not None:
        found.append(coding)
        left = tuple(one for one in left if one != coding)
    return found


def path_text(path: str) -> str:
    """A decoded path in the form for a URL. No character in it, such as a backslash, can lead to another host."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/:@!$&'()*+,;=~")


def with_extra(
    headers: tuple[tuple[str, str], ...], extra: tuple[tuple[str, str], ...], *, keep: str = "", drop: str = ""
) -> tuple[tuple[str, str], ...]:
    """Our fields and the administrator's. The administrator's win, except for the field `keep`; their field `drop` is
    left out.
    """
    added = tuple(field for field in extra if field[0] not in (keep, drop))
    names = {name for name, _ in added}
    return (*(field for field in headers if field[0] not in names), *added)


def _without_ranges(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Fields of a response that is compressed while it is sent, and so cannot serve ranges."""
    return tuple(field for field in headers if field[0] != "accept-ranges")
