"""Postfix with opendkim, and swaks, as senders before a server that checks them by a real DNS."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.integration.refusals import ELSEWHERE, FLOODING, PASTS, REFUSALS, refusing_words
from tests.machine import hindrance_to_nets
from tests.tools import need, top

pytestmark = [pytest.mark.integration, pytest.mark.served, pytest.mark.slow]

SECONDS = 300
"""For all of it; 40 are usual."""


def test_each_word_that_refuses_is_brought_about() -> None:
    """SMTP-81..98: the tables of refusals have all of docs/reasons.md, but for those that no sender can bring about."""
    brought = {one.word for one in (*REFUSALS, *PASTS, FLOODING) if one.word}
    assert brought == refusing_words() - ELSEWHERE.keys()


@pytest.mark.nightly
def test_what_is_signed_arrives_and_each_refusal_has_its_reply(tmp_path: Path) -> None:
    """SMTP-67, SMTP-69, SMTP-73, SMTP-74, SMTP-76, SMTP-81, SMTP-85, SMTP-87, SMTP-88, SMTP-90, SMTP-91, SMTP-93,
    SMTP-94, SMTP-95, SMTP-106, SMTP-179, AUTH-12, AUTH-54, AUTH-85: see tests/integration/senders.py. As root: postfix
    wants that.
    """
    for program in ("unshare", "ip", "mount", "knotd", "unbound", "postfix", "opendkim", "swaks"):
        need(program)
    if why := hindrance_to_nets():
        pytest.skip(f"this machine allows no net of one's own: {why}")
    folder = Path(tempfile.mkdtemp(prefix="moxlite-senders-", dir="/tmp"))  # postfix wants a short path
    try:
        folder.chmod(0o755)
        command = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.integration.senders", str(folder)]
        environment = os.environ | {"PYTHONPATH": str(top())}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=SECONDS, cwd=top(), env=environment
        )
        (tmp_path / "steps").write_text(done.stdout + done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr[-8000:]
        assert done.stdout.rstrip().endswith("done")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
