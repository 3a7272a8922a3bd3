"""A release as its owner makes it and as others meet it: `script/release` makes the folder of the version that
CHANGELOG.md names next, it is signed and served, and booted bare Debian 12 and 13 follow the README word for word: the
one file, the apt repository, and `moxlite self update` from an older version (ADMIN-43a, ADMIN-60d, 60e).

Only the full count runs: it builds three times, and fetches Debian. MOXLITE_ROOTS may name a folder with root file
systems `booted12` and `booted13`, in place of new ones.
"""

import tempfile
import time
from pathlib import Path

from moxlite import __version__
from tests.campaigns._released import OLDER, make_older, play, released, root_of, sign
from tests.campaigns.report import Finding, Report
from tests.containers import SUITES
from tests.packagerig import package
from tests.tools import need

__all__ = ["run"]


def run(seed: int, share: float, report: Report) -> None:
    """On both releases of Debian, once; `seed` decides nothing."""
    if share < 1:
        report.tell("left to the full count: it builds a release and fetches Debian")
        return
    for program in ("mmdebstrap", "systemd-nspawn", "gpg", "openssl", "dpkg-deb"):
        need(program)
    with tempfile.TemporaryDirectory(prefix="moxlite-release-") as name:
        folder = Path(name)
        began = time.monotonic()
        clone = released(folder)
        report.tell(f"script/release {__version__}: two builds of the same octets, {time.monotonic() - began:.0f} s")
        site = sign(folder, clone / "dist" / __version__, report)
        older = _older(clone, folder)
        for place, suite in SUITES.items():
            play(root_of(folder, place, suite), folder, site, older, suite, report)


def _older(clone: Path, folder: Path) -> Path:
    """The one file of the same program under an older version."""
    make_older(clone)
    done = package("binary", "--to", folder / "older", "--version", OLDER, project=clone, seconds=1200)
    if done.returncode:
        raise Finding(f"script/package binary: {done.stderr}")
    return Path(done.stdout.split()[1])
