"""The server that quickstart makes, seen from another machine."""

from pathlib import Path

import pytest

from tests.ownnet import own_net, play
from tests.tools import need_library

pytestmark = [pytest.mark.integration, pytest.mark.served]

SECONDS = 600
"""On a machine that does other things as well; 80 s where it does not."""


def test_what_leaves_the_default_server_opens_from_another_machine(tmp_path: Path) -> None:
    """ADMIN-32, ADMIN-34a, ADMIN-34b, QUEUE-179, SMTP-159b, WEB-126a, WEB-151a, WEB-158c, WEB-167: in a net of its
    own, a stranger agrees to forwarded mail by the page and by answering; links of devices and recovery are refused
    without a public address, and open with one; ports and pages that are for this machine or its inner network do not
    answer. See tests/integration/outside.py.
    """
    with own_net("nsenter") as folder:
        play("tests.integration.outside", folder, "links", seconds=SECONDS, log=tmp_path / "steps")


@pytest.mark.nightly
def test_the_apps_of_the_default_server_are_used_from_another_machine(tmp_path: Path) -> None:
    """WEB-55: each call of the apps answers, and no file of their pages is missing, over there, where a browser clicks
    through each page of the three apps (outsidepages.py).
    """
    need_library("libatomic.so.1", "libatomic1")
    with own_net("nsenter", "chromium") as folder:
        play("tests.integration.outside", folder, "apps", seconds=SECONDS, log=tmp_path / "steps")
