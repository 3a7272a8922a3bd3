"""A domain is one domain and a person one person, however an address is written (SMTP-2a)."""

import unicodedata
from itertools import product

import pytest

from tests.session.smtpd_harness import MESSAGE, PASSWORD, Smtp, clock, smtp
from tests.session.test_smtpd_sieve import deliver, install
from tests.session.test_smtpd_submission import encoded

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

DOMAINS = ("bücher.example", "παράδειγμα.example", "例子.example", "مثال.example")
LOCALPARTS = ("mia", "jürg", "用户", "مستخدم")


def spellings(localpart: str, domain: str) -> list[str]:
    """An address in U-labels, in A-labels, and decomposed."""
    address = f"{localpart}@{domain}"
    return [address, f"{localpart}@{domain.encode('idna').decode()}", unicodedata.normalize("NFD", address)]


@pytest.mark.parametrize(("domain", "localpart"), list(product(DOMAINS, LOCALPARTS)))
async def test_a_script_answers_for_an_address_in_each_spelling(smtp: Smtp, domain: str, localpart: str) -> None:
    """SMTP-2a, SMTP-161: whichever spelling `:addresses` has, and whichever the header."""
    written = spellings(localpart, domain)
    for at, address in enumerate(written):
        seen = written[(at + 1) % len(written)]
        await install(smtp, f'require "vacation"; vacation :handle "{at}" :addresses "{address}" "away";')
        message = MESSAGE.replace(b"mia@ours.example", seen.encode())
        assert (await deliver(smtp, message, trusted=True)).startswith("250")
        assert len(await smtp.carried()) == at + 1, (address, seen)


async def test_marks_that_are_pasted_with_a_user_name_do_not_count(smtp: Smtp) -> None:
    """SMTP-2b, SMTP-51: a mark of direction is copied with the address, and nobody sees it."""
    async with smtp.connect("submission") as client:
        await client.say("EHLO there.example")
        name = "\u200fmia@ours.example\u202c"
        assert (await client.say(f"AUTH PLAIN {encoded(chr(0) + name + chr(0) + PASSWORD)}")).startswith("235")


TESTS = """require ["fileinto", "envelope", "mailbox", "relational", "comparator-i;ascii-numeric"];
if not address :is "from" "jörg@münchen.example" { fileinto :create "not the address"; }
if not address :is "from" "jörg@xn--mnchen-3ya.example" { fileinto :create "not in A-labels"; }
if not address :domain :is "from" "münchen.example" { fileinto :create "not the domain"; }
if not address :contains "from" "münch" { fileinto :create "not a part"; }
if not address :matches :domain "from" "*chen.example" { fileinto :create "not the pattern"; }
if not envelope :is "from" "ann@münchen.example" { fileinto :create "not the envelope"; }
if address :is "from" "jörg@munchen.example" { fileinto :create "another domain"; }
if not address :count "eq" :comparator "i;ascii-numeric" "from" "1" { fileinto :create "counted twice"; }
if address :value "gt" :domain "from" "y" { fileinto :create "greater in its other spelling"; }
"""


@pytest.mark.parametrize("domain", ["münchen.example", "xn--mnchen-3ya.example", "MÜNCHEN.example"])
async def test_a_script_compares_an_address_in_each_spelling(smtp: Smtp, domain: str) -> None:
    """SMTP-2a, IMAP-142: a script that has the address as the header, matches (RFC 5228 §5.1)."""
    await install(smtp, TESTS)
    message = MESSAGE.replace(b"<ann@remote.example>", f"Jörg <jörg@{domain}>".encode())
    assert (await deliver(smtp, message, sender="ann@xn--mnchen-3ya.example")).startswith("250")
    assert len(await smtp.messages()) == 1  # and in no other mailbox
