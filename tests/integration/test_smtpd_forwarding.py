"""What is sent on arrives at other servers, in a net of its own (tests/integration/forwardingnet.py)."""

from pathlib import Path

import pytest

from tests.ownnet import own_net, play

pytestmark = [
    pytest.mark.integration,
    pytest.mark.served,
    pytest.mark.nightly(
        smoke="tests/session/test_smtpd_forwarding.py::test_a_signed_message_goes_on_as_it_is_with_a_seal"
    ),
]

SECONDS = 300
"""For all of it; 40 are usual."""


def test_mail_of_every_kind_arrives_and_its_bounces_come_home(tmp_path: Path) -> None:
    """SMTP-159, SMTP-159a, QUEUE-179, AUTH-111, AUTH-113, AUTH-114: signed, unsigned, by three, from lists. A second
    moxlite, and Postfix with opendkim and rspamd, see a pass, or a seal that excuses.
    """
    with own_net("postfix", "opendkim", "rspamd") as folder:
        play("tests.integration.forwardingnet", folder, seconds=SECONDS, log=tmp_path / "steps")
