"""ARC of mail that comes in: what headers say of a chain, and what trusted sealers change (mailauth.md, SMTP-158)."""

from functools import partial

import msgspec
import pytest

from moxlite.acceptance.checks import mailauth_total
from moxlite.mailauth.arc.seal import Sealer, seal
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.results import ARCStatus
from moxlite.proto.address import Domain
from moxlite.smtpd import Context
from moxlite.smtpd.metrics import delivery_total
from moxlite.store.options import Options
from moxlite.store.reports.evaluations import evaluations_of
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.supervision import open_supervisor
from tests.session.smtpd_harness import TLS, Smtp, headers, reason_of, smtp
from tests.session.test_smtpd_checks import KEY, MAIL, ZONE, zone

pytestmark = pytest.mark.served

__all__ = ["smtp"]

LIST = "s1._domainkey.list.example"
PROVEN = "mx.list.example; dmarc=pass header.from=remote.example; dkim=pass header.d=remote.example"


async def passed_on(results: str = PROVEN, mail: bytes = MAIL, domain: str = "list.example") -> bytes:
    """A message whose Subject a list has changed, and that it has sealed with these results."""
    host, _, methods = results.partition(";")
    mail = mail.replace(b"Subject: ", b"Subject: [list] ", 1)
    sealer = Sealer(domain=Domain.parse(domain), selector="s1", key=KEY)
    found = [one.strip() for one in methods.split(";")]
    return await seal(Message.of(mail), found, host, sealer, ARCStatus.NONE, 1_790_000_000) + mail


def trusting(smtp: Smtp, *sealers: str) -> Context:
    """The context in which these sealers are trusted; the list may not send in the author's name by SPF."""
    path = smtp.context.config.path.with_name("domains.toml")
    names = ", ".join(f'"{one}"' for one in sealers)
    text = path.read_text()
    if sealers:
        path.write_text(f"arc = {{ trusted_sealers = [{names}] }}\n{text}")
    [record] = ZONE["TXT"]["s1._domainkey.remote.example"]
    changes = {
        "remote.example": ["v=spf1 -all"],
        LIST: [record],
        "_dmarc.remote.example": ["v=DMARC1; p=reject; rua=mailto:r@remote.example"],
    }
    return msgspec.structs.replace(smtp.configured(""), resolver=zone(changes))


async def send(smtp: Smtp, context: Context, mail: bytes) -> str:
    async with smtp.connect(context=context, tls=TLS) as client:
        return await client.deliver(message=mail, sender="bounces@other.example")


async def test_a_chain_stands_in_the_header(smtp: Smtp) -> None:
    """AUTH-110: with its newest sealer, and since when the message is as it was; the metric counts it."""
    counted = mailauth_total.labels(method="arc", result="pass").value
    context = trusting(smtp, "list.example")
    assert (await send(smtp, context, await passed_on())).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert "arc=pass (as.1.d=list.example) header.oldest-pass=0 smtp.remote-ip=198.51.100.7" in results
    assert mailauth_total.labels(method="arc", result="pass").value == counted + 1


async def test_a_trusted_sealer_that_saw_the_author_proven_is_believed(smtp: Smtp) -> None:
    """SMTP-158, AUTH-112, AUTH-113: neither refused nor set aside, and the override says why."""
    context = trusting(smtp, "list.example")
    assert (await send(smtp, context, await passed_on())).startswith("250")
    message = await smtp.one()
    assert reason_of(message) == "no-bad-signals"
    assert "dmarc=fail (policy reject, override local_policy" in headers(message, "Authentication-Results")[0]
    async with smtp.context.accounts.use("mia") as account:
        domains = await account.read(lambda r: r.rows("SELECT value FROM message_smtp, json_each(dkim)"), op="test")
    assert domains == [("remote.example",)]


@pytest.mark.parametrize(
    ("sealers", "results", "change", "reply", "mailbox"),
    [
        ((), PROVEN, b"", "550 5.7.26", "Rejects"),
        (("other.example",), PROVEN, b"", "550 5.7.26", "Rejects"),
        (("list.example",), PROVEN, b"text", "550 5.7.26", "Rejects"),
        (("list.example",), "mx.list.example; dmarc=fail header.from=remote.example", b"", "250", "Junk"),
        (("list.example",), "mx.list.example; dmarc=pass header.from=list.example", b"", "250", "Junk"),
        (("list.example",), "mx.list.example; none", b"", "250", "Junk"),
    ],
)
async def test_other_chains_do_not_open_the_door(
    smtp: Smtp, sealers: tuple[str, ...], results: str, change: bytes, reply: str, mailbox: str
) -> None:
    """SMTP-85, SMTP-158, AUTH-108, AUTH-113: strangers, broken chains, and sealers that saw nothing proven."""
    mail = await passed_on(results)
    if change:
        mail = mail.replace(b"\r\n\r\n" + change, b"\r\n\r\nother " + change)
    assert (await send(smtp, trusting(smtp, *sealers), mail)).startswith(reply)
    assert len(await smtp.messages(mailbox=mailbox)) == 1
    assert await smtp.messages() == []


async def test_a_forged_seal_of_a_trusted_sealer_fails(smtp: Smtp) -> None:
    """AUTH-108, AUTH-113: anyone can write the fields."""
    context = trusting(smtp, "list.example")
    mail = await passed_on(domain="evil.example")
    forged = mail.replace(b"d=evil.example", b"d=list.example")
    assert (await send(smtp, context, forged)).startswith("550 5.7.26")
    [results] = headers(await smtp.one(mailbox="Rejects"), "Authentication-Results")
    assert 'arc=fail (as.1.d=list.example) reason="set 1: seal doesn\'t match"' in results


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (b"ARC-Seal: i=1; " + b" " * 66_000 + b"\r\n", "ARC fields are too large"),
        (b"ARC-Seal: i=1;\r\n" * 200, "too many ARC sets"),
        (b"ARC-Seal: \x00\xff\r\n", "ARC-Seal: contains a control character"),
        (b"ARC-Seal: i=99999999999999999999\r\n", "missing or invalid instance number in ARC field"),
        (b"ARC-Authentication-Results: i=1; x\r\n", "an ARC set is incomplete"),
    ],
)
async def test_hostile_chains_fail_and_the_mail_arrives(smtp: Smtp, fields: bytes, reason: str) -> None:
    """AUTH-110, AUTH-101: for fail alone nothing is refused."""
    context = msgspec.structs.replace(smtp.context, resolver=zone())
    async with smtp.connect(context=context, tls=TLS) as client:
        assert (await client.deliver(message=fields + MAIL)).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert f'arc=fail reason="{reason}"' in results


async def test_reports_name_the_sealer(smtp: Smtp) -> None:
    """AUTH-113: RFC 8617 §7.2.2."""
    path = smtp.context.config.path.with_name("reports.db")
    reports = await ReportsDB.open(path, Options(min_free_space=0))
    async with open_supervisor("reports") as tree:
        reports.start(tree)
        context = msgspec.structs.replace(trusting(smtp, "list.example"), reports=reports)
        before = delivery_total.labels(result="delivered", reason="no-bad-signals").value
        assert (await send(smtp, context, await passed_on())).startswith("250")
        assert delivery_total.labels(result="delivered", reason="no-bad-signals").value == before + 1
    read = partial(evaluations_of, domain="remote.example", since=0, before=1 << 62)
    [one] = await reports.database.read(read, op="test")
    assert one.overrides == (("local_policy", "arc=pass as[1].d=list.example"),)
    assert one.disposition == "none"
    await reports.aclose()
