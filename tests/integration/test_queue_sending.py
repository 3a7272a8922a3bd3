"""Mail leaves for real mail servers, in a net of its own (tests/integration/sendingnet.py)."""

from pathlib import Path

import pytest

from tests.ownnet import own_net, play

pytestmark = [pytest.mark.integration, pytest.mark.served]

SECONDS = 300
"""For all of it; 40 are usual."""


@pytest.mark.nightly(smoke="tests/session/test_queue_tls.py::test_tlsa_counts_only_with_signed_mx_and_addresses")
def test_mail_leaves_for_hosts_of_every_kind(tmp_path: Path) -> None:
    """QUEUE-50..56, QUEUE-110, QUEUE-111, QUEUE-120, QUEUE-122..125, QUEUE-131, AUTH-63, AUTH-66, AUTH-70..72: Postfix
    without TLS, with TLSA records, under MTA-STS: where each message went, over which TLS; then the server's own
    reports on that, read back.
    """
    with own_net("postfix") as folder:
        play("tests.integration.sendingnet", folder, seconds=SECONDS, log=tmp_path / "steps")


@pytest.mark.nightly(smoke="tests/session/test_queue_tls.py::test_one_of_several_records_is_enough")
def test_others_judge_tlsa_records_as_we_do(tmp_path: Path) -> None:
    """AUTH-63..66, AUTH-90, QUEUE-52: `posttls-finger` of Postfix and `ldns-dane` agree with `dane dial`, host by host.
    See tests/integration/danenet.py.
    """
    with own_net("postfix", "posttls-finger", "ldns-dane") as folder:
        play("tests.integration.danenet", folder, seconds=SECONDS, log=tmp_path / "steps")
