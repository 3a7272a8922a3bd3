"""`moxlite why` beside port 25: a dry run of a file judges as it does, and stored reasons are found by the envelope's
sender (ADMIN-77, SMTP-164).
"""

import pytest

from moxlite.acceptance import gathering
from moxlite.acceptance.commands import DryRunSources, dry_run, stored
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import FakeResolver
from moxlite.operations.why import Explained, WhyFile
from moxlite.smtpd import Context
from moxlite.store.junk.score import Judgement
from moxlite.store.types import Flag
from tests.session.smtpd_harness import Smtp, clock, judgement, smtp
from tests.session.test_smtpd_checks import MAIL, signed, zone
from tests.session.test_smtpd_decisions import FILTER, FORBIDDEN, mark, send
from tests.session.test_smtpd_rulesets import with_rules

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served

CLIENT = "198.51.100.9"


async def tried(context: Context, mail: bytes, resolver: FakeResolver | None = None, *, listed: str = "") -> Explained:
    """What a dry run says; of a client, when there is a DNS."""

    async def lists(ip: IPAddress) -> str:
        assert str(ip) == CLIENT
        return listed

    args = WhyFile("mia@ours.example", ip=CLIENT if resolver else "", helo="mx.remote.example" if resolver else "")
    asking = DryRunSources(resolver or FakeResolver({}), lists)
    [found] = await dry_run(context.config.current, context.accounts, args, mail, asking)
    return found


async def test_what_port_25_refuses_is_refused(smtp: Smtp) -> None:
    """SMTP-164: by DMARC with the client's address; without it the answer says that this was not judged."""
    assert (await send(smtp, FORBIDDEN)).startswith("550 5.7.26")
    found = await tried(smtp.context, MAIL.replace(b"\r\n", b"\n"), zone(FORBIDDEN))
    assert found.why is not None
    assert found.why.reply.startswith("550 5.7.26")
    assert found.unjudged == ()
    found = await tried(smtp.context, MAIL)
    assert found.why is not None
    assert found.why.reply == ""
    assert "DMARC" in found.unjudged[0]


async def test_block_lists_and_signatures_count(smtp: Smtp) -> None:
    """SMTP-164, SMTP-94: with lines in LF, too, as files have them."""
    mail = (await signed()).replace(b"\r\n", b"\n")
    found = await tried(smtp.context, mail, zone(), listed="bl.example")
    assert found.why is not None
    assert found.why.reason == "dns-blocklisted"
    found = await tried(smtp.context, mail, zone())
    assert found.why is not None
    assert ("dkim-domain", "remote.example") in [(fact.name, fact.value) for fact in found.why.facts]
    assert found.why.reply == ""


async def test_the_junk_filter_counts_without_a_client(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-164, SMTP-93: what the account has learnt is asked in any case."""

    async def judged(*_: object) -> Judgement:
        return judgement(1.0)

    monkeypatch.setattr(gathering, "classify", judged)
    found = await tried(with_rules(smtp, account=FILTER), MAIL)
    assert found.why is not None
    assert (found.why.reason, found.why.reply[:9]) == ("junk-content", "451 4.3.0")


async def test_history_counts_without_a_client(smtp: Smtp) -> None:
    """SMTP-164, SMTP-88: as that of a sender who proves nothing."""
    assert (await send(smtp, proven=True)).startswith("250")
    await mark(smtp, Flag.NOTJUNK)
    found = await tried(smtp.context, MAIL)
    assert found.why is not None
    assert [(fact.name, fact.value) for fact in found.why.facts if fact.name == "history"] == [
        ("history", "junk by msgfromfull")
    ]


@pytest.mark.parametrize("asked", ["bounces@other.example", "@other.example", "Bounces@OTHER.example"])
@pytest.mark.parametrize(
    "sender", ["bounces@other.example", "bounces+mia=ours.example@other.example", "prvs=12=bounces@other.example"]
)
async def test_reasons_are_found_by_the_envelope_sender(smtp: Smtp, asked: str, sender: str) -> None:
    """ADMIN-77: who sends for others is in MAIL FROM, with a tag for each message."""
    assert (await send(smtp, proven=True, sender=sender)).startswith("250")
    [found] = await stored(smtp.context.accounts, "mia", asked)
    assert found.why is not None
    assert found.why.sender == sender
