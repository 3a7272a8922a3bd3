"""Containers of files, as streams of octets: tar, tar.gz, zip, or one file by itself."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

from moxlite.proto.tar import TAR_END, padding, tar_header
from moxlite.store.exports.items import Container
from moxlite.store.exports.zipstream import ZipWriter

Pieces = Callable[[], Iterator[bytes]]
"""Returns the octets of a file; called twice, it returns the same octets both times."""

DIRECTORY_STEP: Final = 256 << 10
"""Octets of a zip file's directory per piece."""

GZIP: Final = 31
"""zlib's number for the gzip format."""


class Sink(Protocol):
    """Packs files, one after the other; its methods return octets of the container."""

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        """A folder, without its content."""
        ...

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        """A whole file; `mtime` is Unix time."""
        ...

    def finish(self) -> Iterator[bytes]:
        """The end of the container."""
        ...

    def close(self) -> None:
        """Release temporary files; also after a failure."""
        ...


def make_sink(container: Container, directory: Path) -> Sink:
    """Make the sink of a container; `directory` is for temporary files."""
    match container:
        case Container.NONE:
            return _Plain()
        case Container.TAR:
            return _Tar()
        case Container.TGZ:
            return _Gzipped(_Tar())
        case Container.ZIP:
            return _Zip(directory)


class _Plain:
    """Concatenation of the files as they are."""

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        yield from ()

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        yield from pieces()

    def finish(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """Nothing is held."""


class _Tar:
    """A tar file. The size precedes the data, so the octets of each file are generated twice."""

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        yield tar_header(name, 0, mtime, folder=True)

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        size = 0
        for piece in pieces():
            size += len(piece)
            yield b""  # a large mbox takes its time: the caller may pause
        yield tar_header(name, size, mtime)
        yield from pieces()
        yield padding(size)

    def finish(self) -> Iterator[bytes]:
        yield TAR_END

    def close(self) -> None:
        """Nothing is held."""


class _Gzipped:
    """Another container, compressed."""

    def __init__(self, inner: Sink) -> None:
        self._inner = inner
        self._compressor = zlib.compressobj(wbits=GZIP)

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        return map(self._compressor.compress, self._inner.folder(name, mtime))

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        return map(self._compressor.compress, self._inner.file(name, mtime, pieces))

    def finish(self) -> Iterator[bytes]:
        yield from map(self._compressor.compress, self._inner.finish())
        yield self._compressor.flush()

    def close(self) -> None:
        self._inner.close()


class _Zip:
    """A zip file."""

    def __init__(self, directory: Path) -> None:
        self._writer = ZipWriter(directory)

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        yield self._writer.begin(name, mtime, folder=True)
        yield self._writer.end()

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        yield self._writer.begin(name, mtime)
        for piece in pieces():
            yield self._writer.data(piece)
        yield self._writer.end()

    def finish(self) -> Iterator[bytes]:
        trailer = self._writer.trailer()
        position = 0
        while piece := self._writer.directory(position, DIRECTORY_STEP):
            position += len(piece)
            yield piece
        yield trailer

    def close(self) -> None:
        self._writer.close()
