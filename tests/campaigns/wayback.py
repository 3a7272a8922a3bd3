"""A machine's life as the documentation has it typed, and the way back: see tests/integration/wayback.py (STORE-141a,
ADMIN-11a, ADMIN-52a).

Only the full count runs: it fetches Debian and takes minutes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.campaigns.report import Finding, Report
from tests.containers import INCLUDE, SUITE
from tests.machine import hindrance_to_containers, hindrance_to_nets
from tests.tools import need, top

__all__ = ["run"]

SECONDS = 1500


def run(seed: int, share: float, report: Report) -> None:
    """Both machines, once; `seed` decides nothing."""
    if share < 1:
        report.tell("left to the full count: it fetches Debian")
        return
    for program in ("mmdebstrap", "systemd-nspawn", "dpkg-deb", "unshare", "ip", "knotd", "unbound", "pebble"):
        need(program)
    if why := hindrance_to_nets() or hindrance_to_containers():
        raise Finding(f"this machine allows no net of one's own, or no containers: {why}")
    folder = Path(tempfile.mkdtemp(prefix="moxlite-wayback-", dir="/opt"))  # no other user may write there
    try:
        folder.chmod(0o755)
        _run(folder, report)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, report: Report) -> None:
    path = os.environ | {"PYTHONPATH": f"{top()}:{top() / 'script'}"}
    package = (sys.executable, "-m", "packages", "deb", "--to", str(folder), "--compression", "gzip")
    debian = ("mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDE}", SUITE, str(folder / "base"))
    play = ("unshare", "--net", "--mount", sys.executable, "-m", "tests.integration.wayback", str(folder))
    for what, command in (("the package", (*package, "--version", "1.0~soak1")), (SUITE, debian), ("the play", play)):
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=top(), env=path, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode:
            raise Finding(f"{what}: {done.stdout}{done.stderr[-8000:]}")
        report.tell(f"{what}: {time.monotonic() - began:.0f} s")
    for line in done.stdout.splitlines():
        report.tell(line.strip().split(" ", 1)[1])
