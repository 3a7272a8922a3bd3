"""The program that listens at a port of this machine, found in /proc of Linux (ADMIN-66)."""

import re
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Final, NamedTuple

from moxlite.net.limits import IPAddress, unmap

PROC: Final = Path("/proc")

LISTEN: Final = "0A"
"""TCP_LISTEN in the column `st` (net/tcp_states.h)."""

NAME: Final = re.compile(r"[^\x20-\x7e]")

SERVICE: Final = re.compile(
    r"^(?:0:|\d+:name=systemd):/system\.slice/(?:[^/\n]+/)*?([^/\n]+)\.service(?:/|$)", re.MULTILINE
)
"""A service of the system in ``/proc/PID/cgroup`` (cgroups(7)), with either version of control groups."""

POSTFIX: Final = "postfix"
"""The folder of Postfix's programs: its ``master`` says nothing to people."""

FIRST: Final = "1"
"""systemd, the parent of a service's main process. What has another parent was started by a service for something else,
as containers are.
"""


class Holder(NamedTuple):
    """A program, its process, and the service of systemd whose main process that is; "" for none."""

    name: str
    process: str
    service: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.process})"


def holder_of(ip: IPAddress, port: int) -> Holder | None:
    """The program that listens at the port: a service's main process, if several do. None if it cannot be found out:
    another user's, which only root may look at, or one of another container.
    """
    wanted = {f"socket:[{inode}]" for inode in _inodes(ip, port)}
    if not wanted:
        return None
    first = None
    for process in PROC.iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(str(fd.readlink()) in wanted for fd in (process / "fd").iterdir()):
                holder = _holder(process)
                if holder.service:
                    return holder
                first = first or holder
        except OSError:  # another user's, or one that has just ended
            continue
    return first


def _holder(process: Path) -> Holder:
    """Raises OSError."""
    name = NAME.sub("?", (process / "comm").read_text(errors="replace").strip())
    if POSTFIX in (process / "exe").readlink().parts:
        name = "Postfix"
    service = SERVICE.search((process / "cgroup").read_text(errors="replace"))
    if service is None or _parent(process) != FIRST:
        return Holder(name, process.name, "")
    return Holder(name, process.name, NAME.sub("?", service[1].removesuffix("@-")))  # the default one of a template


def _parent(process: Path) -> str:
    return (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]


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
