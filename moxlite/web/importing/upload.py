"""A form with files, streamed to disk: ``multipart/form-data`` in bounded memory (RFC 7578; WEB-20, WEB-72, WEB-136).

The files follow each other in one file on disk. It has no name, so a crash leaves nothing of it.
"""

from __future__ import annotations

import io
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec
import multipart
import trio

from moxlite.normal import visible
from moxlite.store.imports.engine import close_file
from moxlite.web.errors import StorageRefused, TooLarge, UserError
from moxlite.web.http.errors import BodyTooLarge
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.web.http.exchange import Request

logger = logging.getLogger("moxlite.web.importing")

WRITE_SIZE: Final = 256 << 10  # octets per write, in a thread: switching to it costs less than the copy
LOOK_SIZE: Final = 8 << 20  # octets between two checks of the free space: below any reserve that makes sense
MAX_FIELD: Final = 4096  # octets of a field that is not the file: the name of a mailbox, with room
MAX_LABELS: Final = 48 << 10  # octets of the field of labels: 500 of those that people make, and their meanings
MAX_SEGMENTS: Final = 16  # fields of a form besides its files; ours have fewer
MAX_NAME: Final = 255  # characters of a file's name that are kept
OVERHEAD: Final = 64 << 10  # octets of a form besides its first file
FILE_OVERHEAD: Final = 1 << 10  # octets for each further file: its header, with room for a name of 255 characters
DEADLINE: Final = 24 * 3600.0  # seconds for a file: 50 GiB at 5 Mbit/s; each piece has its own, shorter deadline

DISK_FULL: Final = "there isn't enough disk space on the server for this file"


class CountingFile(io.RawIOBase):
    """A file that counts the octets read from it, in any thread."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size: Final = size
        self.octets = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.octets += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


class Sent(msgspec.Struct):
    """A file of a form: its name without control characters, where it begins in `Form.file`, and its octets."""

    name: str
    start: int
    size: int = 0


class Form:
    """A received form: the octets of its files, one after the other, and the other fields. The caller closes the file,
    or passes it on.
    """

    def __init__(self, file: CountingFile, files: list[Sent], fields: dict[str, str]) -> None:
        self.file = file
        self.files = files
        self.fields = fields


def room_for(directory: Path, octets: int, reserve: int) -> bool:
    """Whether the disk has space for so many octets and keeps the reserve free. A system call."""
    return shutil.disk_usage(directory).free - octets >= reserve


async def receive_form(request: Request, *, directory: Path, limit: int, reserve: int, most: int = 1) -> Form:
    """Read the form of a request. Its files, in fields ``file``, are written to one file without a name.

    Args:
      directory: directory for the file.
      limit: maximum octets of all files.
      reserve: octets that must stay free on the disk.
      most: maximum number of files.

    Raises:
      UserError: this is not a form with so many files; TooLarge; StorageRefused: the disk is full.
      HTTPError, ClientGone: as `Body.receive`.
    """
    kind, options = multipart.parse_options_header(request.headers.get("content-type") or "")
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise UserError("the request must be a form with a file (multipart/form-data)")
    try:
        # What the client declares is a promise only: `_put` looks again while the octets come, and other uploads take
        # room meanwhile.
        if not await trio.to_thread.run_sync(room_for, directory, request.body.declared or 0, reserve):
            raise StorageRefused(DISK_FULL)
        file = await trio.to_thread.run_sync(_nameless, directory)
        return await _received(request, options["boundary"], _FormParser(file, directory, reserve, most), limit)
    except OSError as e:
        logger.warning("upload failed", extra={"kv": {"account": request.account, "err": e.strerror or str(e)}})
        raise StorageRefused(DISK_FULL) from e


def _nameless(directory: Path) -> BinaryIO:
    """In a thread: create a file without a name. Where the system has no such files, the name is removed at once."""
    return cast("BinaryIO", tempfile.TemporaryFile(dir=directory))


async def _received(request: Request, boundary: str, reading: _FormParser, limit: int) -> Form:
    kept = False
    try:
        with trio.move_on_after(DEADLINE) as scope:
            await _read(request, boundary, reading, limit)
        if scope.cancelled_caught:
            raise UserError("the upload took too long")
        if not reading.files:
            raise UserError("the form doesn't include a file")
        size = await reading.finish()
        kept = True
    finally:
        if not kept:
            await close_file(reading.file)
    return Form(CountingFile(reading.file, size), reading.files, reading.fields)


async def _read(request: Request, boundary: str, reading: _FormParser, limit: int) -> None:
    try:
        # Not strict: the strict parser refuses octets after the last boundary, such as the line end of all browsers if
        # it arrives separately (RFC 2046 §5.1.1: they are ignored).
        parser = multipart.PushMultipartParser(
            boundary, max_header_size=MAX_FIELD, max_segment_count=MAX_SEGMENTS + reading.most
        )
        # The body as a whole has the limit: a form of empty files, or a header without end, is bounded by it, too.
        while data := await request.body.receive(limit + OVERHEAD + reading.most * FILE_OVERHEAD):
            for event in parser.parse(data):
                reading.take(event)
            await reading.write()
        parser.close()
    except multipart.MultipartError as e:
        raise UserError(worded("the form is incomplete or invalid: {reason}", reason=e)) from e
    except BodyTooLarge as e:
        raise TooLarge(worded("this file exceeds the import limit ({limit} bytes)", limit=limit)) from e


class _FormParser:
    """The fields of a form, and its files, while they are parsed."""

    def __init__(self, file: BinaryIO, directory: Path, reserve: int, most: int) -> None:
        self.fields: dict[str, str] = {}
        self.files: list[Sent] = []
        self.file = file
        self.most: Final = most
        self._directory = directory
        self._reserve = reserve
        self._name = ""
        self._octets = 0  # of all files
        self._text = bytearray()
        self._held = bytearray()
        self._unlooked = 0

    def take(self, event: object) -> None:
        """Take an event of the parser: a field begins, some of its octets, its end. Raises UserError."""
        match event:
            case multipart.MultipartSegment():
                self._name = event.name
                if self._name in self.fields or (self._name == "file" and len(self.files) == self.most == 1):
                    raise UserError(worded("the form has more than one {name} field", name=repr(self._name[:80])))
                if self._name == "file":
                    if len(self.files) == self.most:
                        raise UserError(
                            worded("you can upload up to {most} files; pack them into one archive", most=self.most)
                        )
                    self.files.append(Sent(_clean(event.filename or ""), self._octets))
                self._text.clear()
            case None:
                if self._name != "file":
                    self.fields[self._name] = self._text.decode("utf-8", "replace")
            case bytes() | bytearray():
                if self._name == "file":
                    self._held += event
                    self._octets += len(event)
                    self.files[-1].size += len(event)
                elif len(self._text) + len(event) > (MAX_LABELS if self._name == "labels" else MAX_FIELD):
                    raise UserError(worded("form field {name} is too long", name=repr(self._name[:80])))
                else:
                    self._text += event
            case _:
                raise AssertionError(event)

    async def write(self, at_least: int = WRITE_SIZE) -> None:
        """Write the collected octets if there are enough. Raises StorageRefused, OSError."""
        if len(self._held) < at_least:
            return
        # Exchanged before the await, so that the buffer belongs to the thread alone.
        data, self._held = self._held, bytearray()
        self._unlooked += len(data)
        if not await trio.to_thread.run_sync(self._put, data):
            raise StorageRefused(DISK_FULL)

    async def finish(self) -> int:
        """Write the rest and rewind; returns the size of the file in octets. Raises as `write`."""
        await self.write(at_least=1)
        return await trio.to_thread.run_sync(self._rewind)

    def _put(self, data: bytearray) -> bool:
        """In a thread: write, unless that would use up the reserve; False then."""
        if self._unlooked >= LOOK_SIZE:
            self._unlooked = 0
            if not room_for(self._directory, len(data), self._reserve):
                return False
        self.file.write(data)
        return True

    def _rewind(self) -> int:
        """In a thread: go to the beginning of the file; returns its size in octets."""
        size = self.file.seek(0, io.SEEK_END)
        self.file.seek(0)
        return size


def _clean(name: str) -> str:
    """A file's name for texts."""
    return visible(name, "_")[:MAX_NAME] or "file"
