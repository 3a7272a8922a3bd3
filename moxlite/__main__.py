"""``python -m moxlite`` and the console script ``moxlite``."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    from moxlite.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
