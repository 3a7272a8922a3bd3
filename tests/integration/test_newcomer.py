"""A newcomer, played end to end: from a bare machine to mail both ways, by what docs/install.md says."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.rootserver import hindrance
from tests.tools import need, top

pytestmark = [pytest.mark.integration, pytest.mark.served]

SECONDS = 300
"""For all of it; 70 are usual."""


def test_a_newcomer_has_mail_both_ways(tmp_path: Path) -> None:
    """ADMIN-25, 34, 36, 37, 47, 48, 49, 70, WEB-112: quickstart as root, its records into a signed zone, the first
    `serve`, certificates by ACME, a clean `config dnscheck` and `doctor`; mail comes in from a peer that checks DANE,
    and goes out with SPF, DKIM, DMARC and the reverse name right. The server tells that its resolver verifies DNSSEC
    (AUTH-10). See tests/integration/newcomer.py.
    """
    if hindrance():
        pytest.skip(hindrance())
    for program in ("unshare", "ip", "mount", "knotd", "unbound", "pebble", "openssl"):
        need(program)
    probe = "ip link add probe type bridge && mount --bind /etc/hostname /etc/resolv.conf"
    allowed = subprocess.run(["unshare", "--net", "--mount", "sh", "-c", probe], check=False, capture_output=True)
    if allowed.returncode:
        pytest.skip(f"this machine allows no net of one's own: {allowed.stderr.decode().strip()}")
    folder = Path(tempfile.mkdtemp(prefix="moxlite-newcomer-", dir="/opt"))  # where no other user may write
    try:
        folder.chmod(0o755)
        command = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.integration.newcomer", str(folder)]
        environment = os.environ | {"PYTHONPATH": str(top())}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=SECONDS, cwd=top(), env=environment
        )
        (tmp_path / "steps").write_text(done.stdout + done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr[-8000:]
        assert done.stdout.rstrip().endswith("done")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
