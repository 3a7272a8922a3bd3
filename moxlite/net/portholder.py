"""The program that listens at a port of this machine, found in /proc of Linux (ADMIN-66)."""

import re
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Final

from moxlite.net.limits import IPAddress, unmap

PROC: Final = Path("/proc")

LISTEN: Final = "0A"
"""TCP_LISTEN in the column `st` (net/tcp_states.h)."""

NAME: Final = re.compile(r"[^\x20-\x7e]")


def holder_of(ip: IPAddress, port: int) -> str:
    """The program that listens at the port, as ``mailpit (process 812)``. "" if it cannot be found out: another user's,
    which only root may look at, or one of another container.
    """
    wanted = {f"socket:[{inode}]" for inode in _inodes(ip, port)}
    if not wanted:
        return ""
    for process in PROC.iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(str(fd.readlink()) in wanted for fd in (process / "fd").iterdir()):
                name = NAME.sub("?", (process / "comm").read_text(errors="replace").strip())
                return f"{name} (process {process.name})"
        except OSError:  # another user's, or one that has just ended
            continue
    return ""


def _inodes(ip: IPAddress, port: int) -> Iterator[str]:
    """The sockets that listen where a socket at this address and port would."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            address, _, at = fields[1].partition(":")
            theirs = _address(address)
            if (
                fields[3] == LISTEN
                and int(at, 16) == port
                and (theirs == ip or (theirs.is_unspecified or ip.is_unspecified))
            ):
                yield fields[9]


def _address(text: str) -> IPAddress:
    """An address as /proc/net/tcp and tcp6 have it: words of 32 bits in the order of the machine."""
    packed = bytes.fromhex(text)
    if len(packed) == 4:
        return IPv4Address(packed[::-1] if sys.byteorder == "little" else packed)
    words = (packed[at : at + 4] for at in range(0, 16, 4))
    return unmap(ip_address(b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)))
