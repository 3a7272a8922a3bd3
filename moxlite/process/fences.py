"""Restrictions by systemd: paths that the unit hides from the server, or makes read-only (ADMIN-40, ADMIN-11a).

`config printservice` and the Debian package write units with ProtectHome=yes, PrivateTmp=yes and ProtectSystem=strict
(systemd.exec(5)). For the server, hidden files do not exist, and other folders are read-only. An owner who sees the
file takes both for a fault of the disk.
"""

import errno
import os
import subprocess
from pathlib import Path
from typing import Final

UNIT: Final = "moxlite"
"""Name of the unit, of the package and in the documentation."""

HOMES: Final = (Path("/root"), Path("/home"), Path("/run/user"))
TEMPORARY: Final = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - compared with

SYSTEMD: Final = Path("/run/systemd/system")
"""A folder that exists if systemd runs the machine (sd_booted(3))."""

SECONDS: Final = 10.0
"""Seconds for an answer of systemctl."""


def runs_systemd() -> bool:
    """Whether systemd runs this machine."""
    return SYSTEMD.exists()


def hidden(path: Path) -> str:
    """The setting of the unit that hides a path, "" if no setting does."""
    absolute = path.absolute()
    for setting, folders in (("ProtectHome", HOMES), ("PrivateTmp", TEMPORARY)):
        if any(absolute.is_relative_to(folder) for folder in folders):
            return setting
    return ""


def lost(folder: Path) -> str:
    """The reason why what the server writes to a folder is not there for others, "" for none: PrivateTmp gives it a
    folder of its own in that place, and removes it when the server stops.
    """
    if hidden(folder) != "PrivateTmp" or "INVOCATION_ID" not in os.environ:
        return ""
    return "with PrivateTmp, systemd gives the server a private folder there and deletes it when the server stops"


def explain_os_error(error: OSError, path: Path) -> str:
    """Text of an OSError, with its likely cause if systemd restricts the path."""
    text = error.strerror or str(error)
    setting = hidden(path)
    if error.errno in (errno.ENOENT, errno.EACCES) and setting and "INVOCATION_ID" in os.environ:
        return (
            f"{text} (hidden from the server by systemd's {setting}). Use another folder, like /etc/moxlite, or "
            "/var/backups/moxlite for backups"
        )
    return f"{text} ({read_only(path)})" if error.errno == errno.EROFS else text


def told_of_target(error: OSError, path: Path, target: Path) -> str:
    """`explain_os_error`, with the remedy if the server's user may not write to the target of a backup, or make it."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "isn't a folder; choose another place"
    text = explain_os_error(error, path)
    concerned = target.is_relative_to(path) or path.is_relative_to(target)
    denied = isinstance(error, PermissionError) and text == error.strerror and concerned
    return f"{text} ({not_owned(target)})" if denied else text


def not_owned(folder: Path) -> str:
    """The remedy if the server's user may not write to a folder, or not make it."""
    return f"install -d -o USER -m 0750 {folder}, where USER is the server's user"


def read_only(folder: Path) -> str:
    """The remedy if systemd makes a folder read-only for the server."""
    return (
        f"systemd lets the server only read there: `systemctl edit {UNIT}`, with the lines [Service] and "
        f"ReadWritePaths={folder}, then `systemctl restart {UNIT}`"
    )


def writable_paths() -> list[Path] | None:
    """Folders that the unit lets the server write to. None if unknown, or if no unit restricts it."""
    values = _unit("ProtectSystem", "ReadWritePaths")
    if values.get("ProtectSystem") != "strict":
        return None
    return [Path(word.lstrip("-+")) for word in values.get("ReadWritePaths", "").split()]


def hiding() -> set[str] | None:
    """The settings of the unit that hide paths, of those that `hidden` knows; None if there is no unit yet."""
    values = _unit("ProtectHome", "PrivateTmp")
    return {name for name, value in values.items() if value not in ("no", "read-only")} if values else None


def _unit(*properties: str) -> dict[str, str]:
    """Properties of the unit. Empty if systemd does not know it, or does not run this machine."""
    if not runs_systemd():
        return {}
    command = ("systemctl", "show", f"--property=LoadState,{','.join(properties)}", f"{UNIT}.service")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 - fixed
    except (OSError, subprocess.TimeoutExpired):
        return {}
    values = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return values if values.pop("LoadState", "") == "loaded" else {}
