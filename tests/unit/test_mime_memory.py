"""Memory for header fields that cost their reader more than they cost their sender (STORE-55a, WEBMAIL-119a)."""

import pytest

from moxlite.proto.mime.structure import scan_message
from tests.hostilemails import hostile_mail
from tests.memory import at_most

FIELDS = (
    "field: Content-Type: quotes",
    "field: In-Reply-To: quotes",
    "field: Cc: empty groups",
    "field: To: quotes without an end",
    "field: To: nested comments",
    "field: To: groups without an end",
    "field: To: quotes",
    "field: From: words",
)

MOST = 24 << 20
"""Octets for a message of a megabyte, which many senders may send at once."""


@pytest.mark.landing(FIELDS[0], FIELDS[2])
@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_of_a_megabyte_takes_few_times_its_size(kind: str) -> None:
    """STORE-55a: it took up to a hundred times its size."""
    message = hostile_mail(kind, 1, 1_000_000)
    scan_message(message)  # what is loaded once
    with at_most(MOST):
        scan_message(message)
