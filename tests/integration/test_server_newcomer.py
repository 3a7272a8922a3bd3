"""A newcomer, played end to end: from a bare machine to mail both ways, by what docs/install.md says."""

from pathlib import Path

import pytest

from tests.ownnet import own_net, play

pytestmark = [pytest.mark.integration, pytest.mark.served]

SECONDS = 900
"""For all of it on a machine that does other things as well; 5 minutes at most where it does not."""


@pytest.mark.nightly(smoke="tests/integration/test_autotls_pebble.py::test_certificates_come_by_themselves")
def test_a_newcomer_has_mail_both_ways(tmp_path: Path) -> None:
    """ADMIN-25, 27, 34, 36, 37, 47, 48, 49, 50, 51, 52, 70, WEB-112, 116, 117, 127, 140: quickstart as root, its
    records into a signed zone, the first `serve`, certificates by ACME, a clean `config dnscheck` and `doctor`; mail
    comes in from a peer that checks DANE, and goes out with SPF, DKIM, DMARC and the reverse name right; mail both
    ways with Postfix under DANE and MTA-STS; an account of the first release is upgraded, a backup restored;
    certificates of six days are renewed with the same key, and the CA is away for a while. The server tells that its
    resolver verifies DNSSEC (AUTH-10). See tests/integration/newcomer.py.
    """
    with own_net("pebble", "openssl") as folder:
        play("tests.integration.newcomer", folder, seconds=SECONDS, log=tmp_path / "steps")


@pytest.mark.parametrize("provider", ["hetzner", "rfc2136"])
@pytest.mark.nightly(smoke="tests/integration/test_admin_quickstart_dns.py::test_a_token_is_all_that_dns_needs")
def test_by_one_token_it_takes_five_minutes(provider: str, tmp_path: Path) -> None:
    """ADMIN-35c: from the command to a clean `dnscheck` and `doctor` and mail both ways, with an address and a token
    typed, and no record. See tests/integration/firstminutes.py.
    """
    with own_net("pebble") as folder:
        play("tests.integration.firstminutes", folder, provider, seconds=SECONDS, log=tmp_path / "steps")


@pytest.mark.nightly(smoke="tests/unit/test_admin_doctor_names.py::test_names_without_certificate_are_one_finding")
def test_a_missing_certificate_is_one_finding(tmp_path: Path) -> None:
    """ADMIN-48, ADMIN-70: where the CA can't be reached; a server that doesn't run is one finding, too. See
    tests/integration/withoutca.py.
    """
    with own_net() as folder:
        play("tests.integration.withoutca", folder, seconds=SECONDS, log=tmp_path / "steps")
