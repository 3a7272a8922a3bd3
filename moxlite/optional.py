"""Libraries that moxlite uses where they are installed, and the command that installs one beside it (ADMIN-43)."""

import sys
from pathlib import Path
from typing import Final

from moxlite.ownprogram import FROZEN

PACKAGED: Final = Path("/usr/lib/moxlite")
"""The environment of the Debian package, which an upgrade replaces."""

ADDED: Final = "/usr/local/lib/moxlite"
"""Libraries that the owner adds to the Debian package or a frozen program: an upgrade leaves them there."""


def how_to_install(library: str) -> str:
    """The command that installs `library` where this process looks for it."""
    if FROZEN or Path(sys.prefix) == PACKAGED:
        return f"apt-get install python3-pip && pip install --target {ADDED} {library}"
    if sys.prefix != sys.base_prefix:
        return f"{sys.prefix}/bin/pip install {library}"
    return f"pip install {library}"
