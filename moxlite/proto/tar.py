"""Writer of tar files (POSIX pax): headers of members, and the padding after their data.

Reading untrusted tar files does not belong here: see `store.imports.archives`.
"""

from __future__ import annotations

import stat
import tarfile
from typing import Final

BLOCK: Final = 512
"""Octets of a block. Headers and data begin at multiples of this."""

TAR_END: Final = bytes(2 * BLOCK)
"""The end of an archive: two empty blocks."""


def tar_header(name: str, size: int, mtime: int, *, folder: bool = False, link: bool = False) -> bytes:
    """Return the header of a member, after an extended header if it needs one. `mtime`: seconds since 1970. A `link` is
    a mark that there is one: it leads nowhere.
    """
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, mtime
    info.mode = stat.S_IRWXU if folder else stat.S_IRUSR | stat.S_IWUSR
    info.type = tarfile.DIRTYPE if folder else tarfile.SYMTYPE if link else tarfile.REGTYPE
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """Zero octets that fill the last block of a member of `size` octets."""
    return bytes(-size % BLOCK)
