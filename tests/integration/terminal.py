"""Full-screen programs on a terminal of their own."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["on_terminal"]

#: What a terminal program sends to move the cursor and to set colours.
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>])")


def on_terminal(command: list[str], home: Path, steps: Sequence[tuple[str, str]], *, seconds: float = 60) -> str:
    """Run a program until it ends; what it showed.

    steps: what it must show, since the step before, and the keys to type then. A program that is still there after
    `seconds` is killed.
    """
    master, slave = pty.openpty()
    environment = os.environ | {"HOME": str(home), "TERM": "xterm", "LINES": "24", "COLUMNS": "100"}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True, cwd=home
    )
    os.close(slave)
    shown, since = b"", 0
    waiting = list(steps)
    deadline = time.monotonic() + seconds
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                shown += os.read(master, 65536)
            if waiting and waiting[0][0] in plain(shown[since:]):
                since = len(shown)
                os.write(master, waiting.pop(0)[1].encode())
    except OSError:  # the terminal is gone when the program has ended
        process.wait(timeout=10)
    finally:
        os.close(master)
        process.kill()
        process.wait()
    text = plain(shown)
    assert not waiting, f"never shown: {waiting[0][0]!r}\n{text}"
    return text


def plain(octets: bytes) -> str:
    """What was shown, without movements and colours."""
    return ESCAPES.sub("", octets.decode(errors="replace"))
