"""Libraries that moxlite uses where they are installed, and the command that installs one beside it (ADMIN-43)."""

import sys
from typing import Final

from moxlite.ownprogram import FROZEN

ADDED: Final = "/usr/local/lib/moxlite"
"""Libraries that the owner adds to a frozen program: an upgrade leaves them there."""


def how_to_install(library: str) -> str:
    """The command that installs `library` where this process looks for it."""
    if FROZEN:
        ours = f"--python-version {sys.version_info[0]}.{sys.version_info[1]} --only-binary=:all:"
        return f"apt-get install python3-pip && pip install --target {ADDED} {ours} {library}"
    if sys.prefix != sys.base_prefix:
        return f"{sys.prefix}/bin/pip install {library}"
    return f"pip install {library}"
