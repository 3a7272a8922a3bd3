"""Ports of ours that another program of the machine has (ADMIN-29a)."""

import os
from pathlib import Path

import pytest

from tests.ownnet import own_net, play

pytestmark = [pytest.mark.integration, pytest.mark.served]

SECONDS = 240
"""On a machine that does other things as well; 15 s where it does not."""


@pytest.mark.skipif(not os.access("/usr/sbin/sendmail", os.X_OK), reason="Postfix's sendmail is not there")
def test_postfix_is_named_with_the_command_that_stops_it(tmp_path: Path) -> None:
    """ADMIN-29a, ADMIN-66: by quickstart and doctor, also that programs use its sendmail; the start names it. See
    tests/integration/besidepostfix.py.
    """
    with own_net("postfix") as folder:
        processes = ("net", "mount", "pid", "fork", "kill-child", "mount-proc")
        log = tmp_path / "steps"
        play("tests.integration.besidepostfix", folder, seconds=SECONDS, log=log, namespaces=processes)
