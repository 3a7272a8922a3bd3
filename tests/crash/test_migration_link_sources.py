"""A linked mailbox at Cyrus and at mox, killed and cut (LINK-12); at Dovecot in the campaign `link`."""

import os
import shutil
from pathlib import Path

import pytest

from tests.campaigns.link import Source, play
from tests.campaigns.report import Report
from tests.realservers import CYRUS_PROGRAM, Cyrus, Mox

pytestmark = [pytest.mark.served, pytest.mark.integration]

COUNT = 5


@pytest.mark.parametrize("name", ["cyrus", "mox"])
def test_nothing_is_lost_or_doubled(name: str, tmp_path: Path) -> None:
    """LINK-12, LINK-33: mailboxes below Inbox, and a server of the same kind as ours."""
    if name == "cyrus" and not CYRUS_PROGRAM.exists():
        pytest.skip("there is no Cyrus, which Debian does not install beside Dovecot (docs/developers/develop.md)")
    if name == "mox" and not shutil.which(os.environ.get("MOX_BINARY", "mox")):
        pytest.skip("there is no mox: MOX_BINARY names its binary")
    source: Source = Cyrus() if name == "cyrus" else Mox(tmp_path / "mox")
    report = Report("link", 7, 0.0)
    play(source, tmp_path / "here", 7, COUNT, report)
    assert "each once on both sides" in report.lines[-1]
