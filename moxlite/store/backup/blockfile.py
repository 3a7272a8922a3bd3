"""An SQLite VFS whose file is a row of blocks that are handed on as soon as they are full (STORE-183).

The backup API writes the pages of a copy once each and nearly in order, page 1 once more at the end. So a block is
collected until all its octets have come; the first one waits for the end, as do the last one and that of the page at
1 GiB which SQLite never uses. Anything else that SQLite might want
of such a file (to read a page again, to write one again) is an error: the copy would not be what it seems.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

import apsw

from moxlite.store.backup.blockforms import BLOCK

_names: Final = itertools.count(1)

Sink = Callable[[int, bytes], None]
"""Takes the number of a block, from 0, and its octets; called once for each, in any order."""


class BlockVFS(apsw.VFS):
    """Registered for as long as it lives; give `name` to one connection."""

    def __init__(self, sink: Sink) -> None:
        self.name = f"moxlite-blocks-{next(_names)}"
        self._sink = sink
        self.error: BaseException | None = None
        """What the sink raised: SQLite makes a plain I/O error of it."""
        super().__init__(self.name, apsw.vfs_names()[0])

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> Any:  # noqa: N802 - APSW's name
        """The file of blocks; there is no other, for the connection keeps no journal."""
        if not flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            raise apsw.CantOpenError("only one file")
        flags[1] = flags[0]
        return _BlockFile(self)

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802 - APSW's name
        """No file is there."""
        return False

    def hand_on(self, number: int, block: bytes) -> None:
        """Give a block to the sink."""
        try:
            self._sink(number, block)
        except BaseException as error:
            self.error = error
            raise apsw.IOError(str(error)) from error


class _BlockFile:
    """Named as APSW wants it: see its class VFSFile."""

    def __init__(self, vfs: BlockVFS) -> None:
        self._vfs = vfs
        self._size = 0
        # Number of a block to its octets, and where in it something has come.
        self._open: dict[int, tuple[bytearray, set[int]]] = {}
        self._done: set[int] = set()

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if offset >= self._size:
            return b""
        number, start = divmod(offset, BLOCK)
        if number not in self._open:
            raise apsw.IOError("a block was wanted again that has been handed on")
        return bytes(self._open[number][0][start : start + amount])

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        number, start = divmod(offset, BLOCK)
        length = len(data)
        if number in self._done or start + length > BLOCK:
            raise apsw.IOError("a page was written again, or over the end of its block")
        block, came = self._open.setdefault(number, (bytearray(), set()))
        if len(block) < start + length:
            block.extend(bytes(start + length - len(block)))
        block[start : start + length] = data
        came.add(start)
        self._size = max(self._size, offset + length)
        if len(came) * length >= BLOCK and number:
            del self._open[number]
            self._done.add(number)
            self._vfs.hand_on(number, bytes(block))

    def xClose(self) -> None:  # noqa: N802
        for number, (block, _) in sorted(self._open.items()):
            self._vfs.hand_on(number, bytes(block))
        self._open.clear()

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        if newsize != self._size:
            raise apsw.IOError("the copy must not shrink")

    def xFileSize(self) -> int:  # noqa: N802
        return self._size

    def xSync(self, flags: int) -> None:  # noqa: N802
        """The blocks are synced together, later."""

    def xLock(self, level: int) -> None:  # noqa: N802
        """No other process can open it."""

    def xUnlock(self, level: int) -> None:  # noqa: N802
        """See `xLock`."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0
