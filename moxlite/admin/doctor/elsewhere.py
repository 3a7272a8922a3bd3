"""A server that still runs with the data folder that moxlite.toml named at its start (ADMIN-19d): no command that reads
the new one there finds its control socket.
"""

from pathlib import Path
from typing import Final

import trio

from moxlite.admin.doctor.requests import ReadState, Running
from moxlite.config.datadir import KEY
from moxlite.net.control.client import CtlFailed, NotRunning, VersionMismatch, connect_ctl

SOCKETS: Final = Path("/proc/net/unix")
"""All Unix sockets of the kernel (proc(5)); only Linux has it."""

LISTENS: Final = 0x10000
"""The flag of a socket that accepts connections: `__SO_ACCEPTCON` of net.h."""

NAME: Final = "ctl"
MOST: Final = 20
"""Sockets that are asked at most: others may give theirs the same name."""

SECONDS: Final = 10.0
"""Seconds for all of them."""


async def still_running() -> str:
    """A line about a server whose `data_dir` was changed in moxlite.toml since its start; "" without one. Only root and
    the server's user may ask it.
    """
    with trio.move_on_after(SECONDS):
        for path in (await trio.to_thread.run_sync(_listening))[:MOST]:
            if await _has_moved(path):
                return (
                    f"the server still runs with {path.parent}, because {KEY} was changed in moxlite.toml since its "
                    "start. First move the data (`moxlite help docs/growing.md`), then run `systemctl restart moxlite`"
                )
    return ""


def _listening() -> list[Path]:
    """The control sockets on this machine, and what else has their name."""
    try:
        lines = SOCKETS.read_text(errors="surrogateescape").splitlines()[1:]
    except OSError:
        return []
    # Num RefCount Protocol Flags Type St Inode Path
    fields = [line.split(None, 7) for line in lines]
    paths = [Path(row[7]) for row in fields if len(row) == 8 and int(row[3], 16) & LISTENS]
    return [path for path in paths if path.is_absolute() and path.name == NAME]


async def _has_moved(path: Path) -> bool:
    try:
        async with connect_ctl(path) as client:
            state = await client.call("doctor state", ReadState(), Running)
    except (NotRunning, VersionMismatch, CtlFailed, OSError):
        return False
    changed = (finding.text for finding in state.findings if finding.code == "restart-needed")
    return any(KEY in text.replace(",", " ").split() for text in changed)
