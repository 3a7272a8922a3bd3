"""SPF and DMARC by whole sessions: each mechanism, result and disposition, as the delivered message says it
(mailauth.md §3, §5).

The records are those of the tables in tests/unit; here a client sends, and the server looks them up.
"""

import pytest

from moxlite.mailauth.dkim.sign import key_record
from moxlite.net.resolver import FakeResolver, RecordType
from tests.session.smtpd_harness import TLS, Smtp, clock, headers, smtp
from tests.session.test_smtpd_checks import KEY, MAIL, signed
from tests.session.test_smtpd_decisions import count
from tests.unit.test_mailauth_spf import ZONE

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served

CLIENT = "192.0.2.3"


def world(record: str = "", domain: str = "test.example", failing: tuple[str, ...] = ()) -> FakeResolver:
    """The zone of the unit tests, a sender's SPF record, and an author whose signature holds whatever SPF says."""
    resolver = FakeResolver(ZONE, failing=failing)
    if record:
        resolver.set(domain, RecordType.TXT, [record])
    resolver.set(domain, RecordType.MX, ["10 mx.test.example"])
    resolver.set("s1._domainkey.remote.example", RecordType.TXT, [key_record(KEY)])
    return resolver


async def verdict(smtp: Smtp, resolver: FakeResolver, sender: str, remote: str = CLIENT) -> tuple[str, str]:
    """Send; the fields Received-SPF and Authentication-Results of what was delivered."""
    context = smtp.with_context(resolver=resolver)
    async with smtp.connect(context=context, tls=TLS, remote=remote, hello="EHLO client.example") as client:
        assert (await client.deliver(message=await signed(), sender=sender)).startswith("250")
    message = (await smtp.messages())[-1]
    return headers(message, "Received-SPF")[0], headers(message, "Authentication-Results")[0]


MECHANISMS = [
    ("+all", "pass", "+all"),
    ("-all", "fail", "-all"),
    ("~all", "softfail", "~all"),
    ("?all", "neutral", "?all"),
    ("", "neutral", "default"),
    ("ip4:192.0.2.0/24 -all", "pass", "ip4:192.0.2.0/24"),
    ("ip6:2001:db8::/32 -all", "fail", "-all"),
    ("a:a.example -all", "pass", "a:a.example"),
    ("a:net.example/24//64 -all", "pass", "a:net.example/24//64"),
    ("mx:mail.example -all", "pass", "mx:mail.example"),
    ("mx:nullmx.example -all", "fail", "-all"),
    ("ptr:named.example -all", "pass", "ptr:named.example"),
    ("exists:%{ir}.%{v}._spf.example -all", "pass", "exists:%{ir}.%{v}._spf.example"),
    ("a:%{p} -all", "pass", "a:%{p}"),
    ("include:pass.example -all", "pass", "include:pass.example"),
    ("include:fail.example include:soft.example ~all", "softfail", "~all"),
    ("redirect=soft.example", "softfail", "~all"),
    ("moo=cow_%{h} -all", "fail", "-all"),
]


async def test_each_mechanism_of_spf(smtp: Smtp) -> None:
    """AUTH-22, AUTH-24, AUTH-25, AUTH-26, AUTH-27, AUTH-29"""
    for record, status, mechanism in MECHANISMS:
        spf, results = await verdict(smtp, world(f"v=spf1 {record}".strip()), "mia@test.example")
        assert spf.startswith(f"{status} ("), record
        assert f'mechanism="{mechanism}"' in spf or f"mechanism={mechanism}" in spf, record
        assert f"spf={status} (without dnssec) smtp.mailfrom=mia@test.example" in results, record


async def test_records_that_are_none_or_broken(smtp: Smtp) -> None:
    """AUTH-21, AUTH-22, AUTH-23, AUTH-24, AUTH-25, AUTH-26, AUTH-100"""
    many = "a:net.example " * 11
    for record, status in (
        ("v=spf1 +all a:", "permerror"),
        ("v=spf1 +all ip4:192.0.2.0/33", "permerror"),
        ("v=spf1 +all unknown", "permerror"),
        ("v=spf1 include:nothing.example +all", "permerror"),
        ("v=spf1 redirect=nothing.example", "permerror"),
        ("v=spf1 mx:manymx.example +all", "permerror"),
        ("v=spf1 a:x1.example a:x2.example a:x3.example +all", "permerror"),
        (f"v=spf1 {many}+all", "permerror"),
        ("v=spf1 include:loop.example", "permerror"),
        ("v=spf1 a:down.example +all", "temperror"),
        ("v=spf1 include:down.example +all", "temperror"),
        ("v=spf10 +all", "none"),
    ):
        spf, results = await verdict(smtp, world(record, failing=("down.example",)), "mia@test.example")
        assert spf.startswith(f"{status} ("), record
        assert f"spf={status} " in results, record
    spf, _ = await verdict(smtp, world(domain="two.example"), "mia@two.example")
    assert spf.startswith("permerror (")


async def test_a_bomb_of_includes_costs_ten_questions(smtp: Smtp) -> None:
    """AUTH-23, AUTH-100"""
    bomb = world("v=spf1 include:i0.example +all")
    for n in range(50):
        bomb.set(f"i{n}.example.", RecordType.TXT, [f"v=spf1 include:i{n + 1}.example include:i{n + 2}.example ?all"])
    spf, _ = await verdict(smtp, bomb, "mia@test.example")
    assert spf.startswith("permerror (")
    assert len([name for name, _ in bomb.asked if name.startswith("i")]) <= 10


async def test_ipv6_clients(smtp: Smtp) -> None:
    """AUTH-24, AUTH-27"""
    for record, remote, status in (
        ("v=spf1 a:a6.example -all", "2001:db8::cb01", "pass"),
        ("v=spf1 a:a.example -all", "2001:db8::cb01", "fail"),
        ("v=spf1 ip4:192.0.2.3 -all", "::ffff:192.0.2.3", "pass"),
    ):
        spf, _ = await verdict(smtp, world(record), "mia@test.example", remote)
        assert spf.startswith(f"{status} ("), record


async def test_what_a_record_says_stays_out_of_headers_and_replies(smtp: Smtp) -> None:
    """AUTH-28, AUTH-105, SMTP-152: control octets of an explanation, a greeting or an address reach no line."""
    resolver = world(domain="ctlexp.example")
    resolver.set("_dmarc.remote.example", RecordType.TXT, ["v=DMARC1; p=none; \x1b[31m\r\nX: y"])
    context = smtp.with_context(resolver=resolver)
    async with smtp.connect(context=context, tls=TLS, remote=CLIENT) as client:
        reply = await client.deliver(message=MAIL, sender="mia@ctlexp.example")
    assert reply.startswith("451 4.3.0 can't accept this message right now")
    [message] = await smtp.messages(mailbox="Rejects")
    assert b"\x1b" not in message
    assert b"away" not in message
    assert len(headers(message, "Received-SPF")) == 1


async def test_the_steps_in_the_header_are_plain_ascii(smtp: Smtp) -> None:
    """SMTP-78, SMTP-152: domains in A-labels, no control octets or semicolons of others, twenty steps at most."""
    resolver = world("v=spf1 +all", "xn--tst-qla.example")
    for number in range(30):
        resolver.set(f"s1._domainkey.d{number}.example", RecordType.TXT, [key_record(KEY)])
    mail = MAIL
    for number in range(30):
        mail = await signed(mail, f"x@d{number}.example")
    context = smtp.with_context(resolver=resolver)
    async with smtp.connect(context=context, tls=TLS, remote=CLIENT) as client:
        assert (await client.deliver(message=mail, sender="mia@xn--tst-qla.example")).startswith("250")
    message = await smtp.one()
    [field] = headers(message, "X-Moxlite-Reason")
    word, *steps = field.split("; ")
    assert (word, steps[1]) == ("no-bad-signals", "SPF: pass xn--tst-qla.example")
    assert len([step for step in steps if step.startswith("signed by d")]) == 10
    assert field.isascii()
    assert field.isprintable()
    assert all(len(line) < 200 for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n")[: len(steps)])


DMARC = [
    ({"remote.example": "p=none"}, "fail", "policy none", "Inbox"),
    ({"remote.example": "p=quarantine"}, "fail", "policy quarantine", "Junk"),
    ({"remote.example": "p=reject"}, "fail", "policy reject", "Rejects"),
    ({"remote.example": "p=reject; t=y"}, "fail", "policy quarantine", "Junk"),
    ({"remote.example": "p=quarantine; pct=0"}, "fail", "policy none", "Inbox"),
    ({"remote.example": "p=reject; pct=50; ri=1; x=y"}, "fail", "policy reject", "Rejects"),
    ({"remote.example": "sp=reject; rua=mailto:d@remote.example"}, "fail", "policy none", "Inbox"),
    ({"remote.example": "sp=reject"}, "none", "", "Inbox"),  # RFC 9989 §4.7: no record
    ({"example": "p=reject"}, "fail", "policy reject", "Rejects"),
    ({}, "none", "", "Inbox"),
]


async def test_each_disposition_of_dmarc(smtp: Smtp) -> None:
    """AUTH-51, AUTH-52, AUTH-54, AUTH-55, SMTP-85: without a proof of the author."""
    for number, (records, status, policy, mailbox) in enumerate(DMARC):
        resolver = world("v=spf1 ?all")
        for name, record in records.items():
            resolver.set(f"_dmarc.{name}", RecordType.TXT, [f"v=DMARC1; {record}"])
        mail = MAIL.replace(b"Message-Id: <1@", b"Message-Id: <d%d@" % number).replace(b"text", b"text %d" % number)
        context = smtp.with_context(resolver=resolver)
        async with smtp.connect(context=context, tls=TLS, remote=f"203.0.{number}.7") as client:
            await client.deliver(message=mail, sender="mia@test.example")
        [results] = headers((await smtp.messages(mailbox=mailbox))[-1], "Authentication-Results")
        assert b"text %d\r\n" % number in (await smtp.messages(mailbox=mailbox))[-1], records
        assert f"dmarc={status}" in results, records
        assert policy in results, records


async def test_alignment(smtp: Smtp) -> None:
    """AUTH-53, AUTH-58: the organization's domain proves the author, but where the owner asks for its own."""
    for number, (record, signer, status) in enumerate(
        (
            ("p=reject", "remote.example", "pass"),
            ("p=reject", "mail.remote.example", "pass"),
            ("p=reject; adkim=s", "mail.remote.example", "fail"),
            ("p=reject; adkim=s", "remote.example", "pass"),
            ("p=reject", "evil.test", "fail"),
        )
    ):
        resolver = world("v=spf1 ?all")
        resolver.set("_dmarc.remote.example", RecordType.TXT, [f"v=DMARC1; {record}"])
        resolver.set(f"s1._domainkey.{signer}", RecordType.TXT, [key_record(KEY)])
        mail = MAIL.replace(b"Message-Id: <1@", b"Message-Id: <a%d@" % number)
        context = smtp.with_context(resolver=resolver)
        async with smtp.connect(context=context, tls=TLS, remote=f"203.0.{number}.7") as client:
            await client.deliver(message=await signed(mail, f"x@{signer}"), sender="mia@test.example")
        [results] = headers(
            (await smtp.messages(mailbox="Inbox" if status == "pass" else "Rejects"))[-1], "Authentication-Results"
        )
        assert f"dmarc={status}" in results, (record, signer)
    assert (await count(smtp, "Inbox", "Rejects")) == (3, 2)


async def test_forged_results_are_taken_out(smtp: Smtp) -> None:
    """AUTH-86, AUTH-108, SMTP-80: in each spelling of a name of ours; those of others stay."""
    forged = b"".join(
        b"Authentication-Results%b; dmarc=pass\r\n" % name
        for name in (
            b": mail.ours.example",
            b": MAIL.OURS.EXAMPLE",
            b' : "mail.ours.example"',
            b":\r\n (a (nested) comment) mail.ours.example 1",
            b": mail . ours . example",
            b": mail.ours.example.",
        )
    )
    kept = b"Authentication-Results: elsewhere.example; dmarc=pass\r\n"
    context = smtp.with_context(resolver=world("v=spf1 +all"))
    async with smtp.connect(context=context, tls=TLS) as client:
        assert (await client.deliver(message=forged + kept + MAIL, sender="mia@test.example")).startswith("250")
    results = headers(await smtp.one(), "Authentication-Results")
    assert len(results) == 2
    assert results[0].startswith("mail.ours.example; iprev=")
    assert results[1].startswith("elsewhere.example")


async def test_names_that_look_alike(smtp: Smtp) -> None:
    """AUTH-8, AUTH-109: U-labels, other dots and case are one domain; an address or an empty label is none."""
    for number, author in enumerate(("ann@REMOTE.example", "ann@remote\u3002example")):
        resolver = world("v=spf1 ?all")
        resolver.set("_dmarc.remote.example", RecordType.TXT, ["v=DMARC1; p=reject"])
        mail = MAIL.replace(b"ann@remote.example", author.encode()).replace(b"<1@", b"<n%d@" % number)
        async with smtp.connect(context=smtp.with_context(resolver=resolver), tls=TLS) as client:
            assert (await client.deliver(message=mail, sender="mia@test.example")).startswith("550 5.7.26"), author
    for number, author in enumerate(("ann@[192.0.2.1]", "ann@remote..example", "ann@192.0.2.1")):
        mail = MAIL.replace(b"ann@remote.example", author.encode()).replace(b"<1@", b"<o%d@" % number)
        async with smtp.connect(
            context=smtp.with_context(resolver=world("v=spf1 +all")), tls=TLS, remote=f"203.0.{number}.7"
        ) as client:
            assert (await client.deliver(message=mail, sender="mia@test.example")).startswith("250"), author
        assert "dmarc=none" in headers((await smtp.messages())[-1], "Authentication-Results")[0]
