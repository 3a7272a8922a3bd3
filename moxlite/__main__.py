"""``python -m moxlite`` and the console script ``moxlite``."""

import os
import sys

from moxlite.ownprogram import VERB, clean_environment, run_child


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    _open_missing()
    clean_environment()
    if sys.argv[1:2] == [VERB]:
        return run_child(sys.argv[2:])
    from moxlite.prctl import hide_memory

    hide_memory()
    from moxlite.cli import run

    sys.exit(run())


def _open_missing() -> None:
    """Open what a caller has closed of the three standard streams (``moxlite ... >&-``): else the next file that is
    opened gets its number, and what is printed would go there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest free one
            setattr(sys, name, os.fdopen(descriptor, "w" if number else "r"))


if __name__ == "__main__":
    main()
