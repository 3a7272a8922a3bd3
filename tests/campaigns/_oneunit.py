"""The commands of systemctl for one unit, for tests without systemd: ``python -m tests.campaigns._oneunit FOLDER VERB
...``. FOLDER has `command`, the words of its ExecStart, one a line; it gets the process id, the log, and the moment at
which the unit was ready. One command runs at a time, and goes on when its caller is killed.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

READY: Final = b"ready to serve"
PATIENCE: Final = 90.0


def is_running(folder: Path) -> bool:
    """Whether the unit's process is there."""
    try:
        pid = int((folder / "pid").read_text())
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, ValueError):
        return False


def stop(folder: Path) -> int:
    """End the unit's process."""
    if is_running(folder):
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
    while is_running(folder):
        time.sleep(0.02)
    return 0


def start(folder: Path) -> int:
    """Start it, and wait until it is ready."""
    if is_running(folder):
        return 0
    (folder / "ready").write_text("0")
    with (folder / "log").open("wb") as log:
        command = (folder / "command").read_text().splitlines()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, close_fds=True
        )
    (folder / "pid").write_text(str(process.pid))
    deadline = time.monotonic() + PATIENCE
    while READY not in (folder / "log").read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            return 1
        time.sleep(0.02)
    (folder / "ready").write_text(str(time.monotonic_ns() // 1000))
    return 0


def main(folder: Path, verb: str, *words: str) -> int:
    """Run a command; its exit code."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if verb == "show":
            asked = "--property=ActiveState" in words
            print(("inactive", "active")[is_running(folder)] if asked else (folder / "ready").read_text())
            return 0
        if verb in ("stop", "restart"):
            stop(folder)
        return start(folder) if verb in ("start", "restart") else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
