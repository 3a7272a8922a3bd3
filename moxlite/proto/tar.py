"""Writing tar files: the header of a member, and what fills its last block (POSIX pax).

Reading them, with all that hostile ones can do, is `store.imports.tarstream`.
"""

from __future__ import annotations

import stat
import tarfile
from typing import Final

__all__ = ["BLOCK", "TAR_END", "padding", "tar_header"]

BLOCK: Final = 512
"""Octets: headers and data begin at a multiple of it."""

TAR_END: Final = bytes(2 * BLOCK)
"""The end of an archive: two empty blocks."""


def tar_header(name: str, size: int, mtime: int, *, folder: bool = False) -> bytes:
    """The header of a member, with an extended one where it needs it."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, mtime
    info.mode = stat.S_IRWXU if folder else stat.S_IRUSR | stat.S_IWUSR
    info.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """What follows the data of a member."""
    return bytes(-size % BLOCK)
