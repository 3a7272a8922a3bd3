"""A form with a file, streamed to disk: ``multipart/form-data`` in bounded memory (RFC 7578; WEB-20, WEB-72, WEB-136).

The file has no name on disk, so a crash leaves nothing of it.
"""

from __future__ import annotations

import io
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import multipart
import trio

from moxlite.web.errors import StorageRefused, TooLarge, UserError
from moxlite.web.http.errors import BodyTooLarge
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.web.http.exchange import Request

__all__ = ["DISK_FULL", "Counted", "Form", "receive_form", "room_for"]

logger = logging.getLogger("moxlite.web.account")

WRITE_SIZE: Final = 256 << 10  # octets per write, in a thread: switching to it costs less than the copy
LOOK_SIZE: Final = 8 << 20  # octets between two checks of the free space: below any reserve that makes sense
MAX_FIELD: Final = 4096  # octets of a field that is not the file: the name of a mailbox, with room
MAX_SEGMENTS: Final = 16  # fields of a form; ours have fewer
OVERHEAD: Final = 64 << 10  # octets of a form besides its file
DEADLINE: Final = 24 * 3600.0  # seconds for a file: 50 GiB at 5 Mbit/s; each piece has its own, shorter deadline

DISK_FULL: Final = "the disk of the server has no room for this file"


class Counted(io.RawIOBase):
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


class Form:
    """A received form: one file and the other fields. The caller closes the file, or passes it on."""

    def __init__(self, file: Counted, fields: dict[str, str]) -> None:
        self.file = file
        self.fields = fields


def room_for(directory: Path, octets: int, reserve: int) -> bool:
    """Whether the disk has space for so many octets and keeps the reserve free. A system call."""
    return shutil.disk_usage(directory).free - octets >= reserve


async def receive_form(request: Request, *, directory: Path, limit: int, reserve: int) -> Form:
    """Read the form of a request. Its file, in the field ``file``, is written to a file without a name.

    Args:
      directory: directory for the file.
      limit: maximum octets of the file.
      reserve: octets that must stay free on the disk.

    Raises:
      UserError: this is not a form with one file; TooLarge; StorageRefused: the disk is full.
      HTTPError, ClientGone: as `Body.receive`.
    """
    kind, options = multipart.parse_options_header(request.headers.get("content-type") or "")
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise UserError("a form with a file is expected: multipart/form-data")
    try:
        if not await trio.to_thread.run_sync(room_for, directory, request.body.declared or 0, reserve):
            raise StorageRefused(DISK_FULL)
        file = await trio.to_thread.run_sync(_nameless, directory)
        return await _received(request, options["boundary"], _Reading(file, directory, reserve), limit)
    except OSError as e:
        logger.warning("upload failed", extra={"kv": {"account": request.account, "err": e.strerror or str(e)}})
        raise StorageRefused(DISK_FULL) from e


def _nameless(directory: Path) -> BinaryIO:
    """In a thread: create a file without a name. Where the system has no such files, the name is removed at once."""
    return cast("BinaryIO", tempfile.TemporaryFile(dir=directory))


async def _received(request: Request, boundary: str, reading: _Reading, limit: int) -> Form:
    kept = False
    try:
        with trio.move_on_after(DEADLINE) as scope:
            await _read(request, boundary, reading, limit)
        if scope.cancelled_caught:
            raise UserError("the file took too long to arrive")
        if not reading.has_file:
            raise UserError("the form has no file")
        size = await reading.finish()
        kept = True
    finally:
        if not kept:
            reading.file.close()
    return Form(Counted(reading.file, size), reading.fields)


async def _read(request: Request, boundary: str, reading: _Reading, limit: int) -> None:
    try:
        # Not strict: the strict parser refuses octets after the last boundary, such as the line end of all browsers if
        # it arrives separately (RFC 2046 §5.1.1: they are ignored).
        parser = multipart.PushMultipartParser(boundary, max_header_size=MAX_FIELD, max_segment_count=MAX_SEGMENTS)
        while data := await request.body.receive(limit + OVERHEAD):
            for event in parser.parse(data):
                reading.take(event)
            await reading.write()
        parser.close()
    except multipart.MultipartError as e:
        raise UserError(worded("the form is not complete, or cannot be read: {reason}", reason=e)) from e
    except BodyTooLarge as e:
        raise TooLarge(worded("the file is larger than an import may be ({limit} octets)", limit=limit)) from e


class _Reading:
    """The fields of a form, and its file, while they are parsed."""

    def __init__(self, file: BinaryIO, directory: Path, reserve: int) -> None:
        self.fields: dict[str, str] = {}
        self.has_file = False
        self.file = file
        self._directory = directory
        self._reserve = reserve
        self._name = ""
        self._text = bytearray()
        self._held = bytearray()
        self._unlooked = 0

    def take(self, event: object) -> None:
        """Take an event of the parser: a field begins, some of its octets, its end. Raises UserError."""
        match event:
            case multipart.MultipartSegment():
                self._name = event.name
                if self._name in self.fields or (self._name == "file" and self.has_file):
                    raise UserError(worded("the form has several fields {name}", name=repr(self._name[:80])))
                self.has_file = self.has_file or self._name == "file"
                self._text.clear()
            case None:
                if self._name != "file":
                    self.fields[self._name] = self._text.decode("utf-8", "replace")
            case bytes() | bytearray():
                if self._name == "file":
                    self._held += event
                elif len(self._text) + len(event) > MAX_FIELD:
                    raise UserError(worded("the field {name} is too long", name=repr(self._name[:80])))
                else:
                    self._text += event
            case _:
                raise AssertionError(event)

    async def write(self, at_least: int = WRITE_SIZE) -> None:
        """Write the collected octets if there are enough. Raises StorageRefused, OSError."""
        if len(self._held) < at_least:
            return
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
