"""`python -m tests.mirrorserver END ARGS`: tells what a process was started with, and ends in the way END."""

import atexit
import os
import sys
import threading
from collections.abc import Callable
from typing import Final

__all__ = ["ENDS"]


def planted() -> None:
    """Raise an error."""
    raise ValueError("planted")


ENDS: Final[dict[str, Callable[[], object]]] = {
    "nothing": lambda: None,
    "a number": lambda: sys.exit(7),
    "words": lambda: sys.exit("words"),
    "an error": planted,
    "an interrupt": lambda: os.kill(os.getpid(), 2),
    "a signal": lambda: os.kill(os.getpid(), 9),
    "at exit": lambda: atexit.register(print, "at exit"),
    "a thread": lambda: threading.Timer(0.2, print, ["late"]).start(),
}


def main() -> None:
    """Tell, and end."""
    print(sys.argv, sys.path[0], os.getcwd(), sys.stdin.read(), os.environ.get("OF_THE_TEST"))
    print(sorted(os.environ), os.umask(0), os.getsid(0) == os.getpid(), len(os.listdir("/proc/self/fd")))
    streams = sys.stdin, sys.stdout, sys.stderr
    print([(one.encoding, one.errors, one.line_buffering, one.name) for one in streams], flush=True)
    print("told", file=sys.stderr)
    ENDS[sys.argv[1]]()


if __name__ == "__main__":
    main()
