"""`moxlite` with a lease of 12 s in place of 60, for campaigns: ``python -m tests.campaigns._fastlease ARGS``."""

import sys
from pathlib import Path
from typing import Final

from moxlite.admin.standby import following, holding, lease, replicating, takingover
from moxlite.cli.backups import takeover

FACTOR: Final = 5
"""All times of the lease are shorter by it, so that their order stays."""

PROGRAM: Final = (sys.executable, "-m", "tests.campaigns._fastlease")


def shorten() -> None:
    """Shorten the lease of this process."""
    for module in (lease, holding, takingover):
        for name in ("RENEW", "SILENT", "END", "LIFETIME", "EARLIER", "RETRY", "LOOK", "REQUEST", "STOPPED"):
            if hasattr(module, name):
                setattr(module, name, getattr(module, name) / FACTOR)
    for module in (replicating, following):
        setattr(module, "BEAT", 0.5)  # noqa: B010 - a constant
    takeover.PROGRAM = PROGRAM  # type: ignore[misc]  # a constant of the module


if __name__ == "__main__":
    shorten()
    import moxlite.__main__

    assert Path(moxlite.__main__.__file__).exists()
    moxlite.__main__.main()
