"""Who is the author of a message, when it is submitted and when it arrives (docs/spec/smtp.md §7, §11)."""

import email
import email.policy

import pytest

from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import FakeResolver
from moxlite.proto.mime.authors import authors, plain_mailbox
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.wire import read_addresses
from tests.authorspellings import FORGED, HONEST, python_readings, spellings
from tests.session.smtpd_harness import Client, Queued, Smtp, clock, headers, smtp
from tests.session.test_smtpd_checks import send as arrive, stored, zone
from tests.session.test_smtpd_signing import RECORDS, signing

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

OWN = "mia@ours.example"
REST = b"To: <ann@remote.example>\r\nSubject: hello\r\n\r\ntext\r\n"


OWN_SPELLINGS = [{OWN}, {"mia+x@ours.example"}, {"mia+> <ceo@bank.example@ours.example"}]
"""Addresses of the user that the spellings have, in lower case and without quotes."""


async def submit(client: Client, field: bytes, rest: bytes = REST, sender: str = OWN) -> str:
    """Submit a message with these fields before the others."""
    return await client.deliver(to="ann@remote.example", sender=sender, message=field + b"\r\n" + rest)


def leaves(queued: Queued) -> bytes:
    """The message that other servers get."""
    return queued.submission.prefix + queued.octets


async def test_what_leaves_has_one_author_for_each_reader(smtp: Smtp) -> None:
    """SMTP-111: two hundred spellings are refused, or read alike by our reader, both of Python's, and signed."""
    refused: list[bytes] = []
    async with smtp.user(context=signing(smtp, "ours.example")) as client:
        for text in spellings(OWN):
            reply = await submit(client, b"From: " + text)
            if not reply.startswith("250"):
                assert reply.startswith("550 5.7.1"), (text, reply)
                refused.append(text)
                continue
            message = leaves(smtp.queued[-1])
            section = HeaderSection(message)
            [field] = section.all(b"from")
            shown, _ = read_addresses([field.text])
            readings = python_readings(message) | {
                "ours": [f"{address.localpart}@{address.domain}" for address in shown],
                "all": [f"{address.localpart}@{address.domain}" for address in authors(field.text).addresses],
            }
            found = {address.replace('"', "").lower() for addresses in readings.values() for address in addresses}
            assert all(len(addresses) == 1 for addresses in readings.values()), (text, field.raw, readings)
            assert found in OWN_SPELLINGS, (text, field.raw, readings)
            assert plain_mailbox(field.raw) is not None, (text, field.raw)
            results = await verify(FakeResolver({"TXT": RECORDS}), Message.of(message))
            assert {result.status for result in results} == {"pass"}, (text, field.raw)
    assert 20 < len(refused) < 120


@pytest.mark.parametrize("form", FORGED)
async def test_a_forged_author_is_refused_or_becomes_a_name(smtp: Smtp, form: str) -> None:
    """SMTP-111: two addresses in brackets or in a list are refused."""
    async with smtp.user() as client:
        reply = await submit(client, b"From: " + form.format(own=OWN).encode())
    if form == "ceo@bank.example:<{own}>":
        [queued] = smtp.queued
        assert headers(leaves(queued), "From") == [f'"ceo@bank.example" <{OWN}>']
    else:
        assert reply.startswith("550 5.7.1 message must have a From field with exactly one address")
        assert smtp.queued == []


@pytest.mark.parametrize("form", HONEST)
async def test_what_programs_write_is_sent_with_one_author(smtp: Smtp, form: str) -> None:
    """SMTP-111: without an address, with that of MAIL; what stood around it is the name."""
    text = form.format(own=OWN)
    async with smtp.user() as client:
        assert (await submit(client, f"From: {text}".encode())).startswith("250")
        assert (await submit(client, f"From: {text}".encode("latin-1"), sender="")).startswith("250")
    for queued in smtp.queued:
        found = email.message_from_bytes(leaves(queued), policy=email.policy.default)["from"].addresses
        assert [address.addr_spec for address in found] == [OWN]
        assert found[0].display_name == NAMES.get(form, "")


NAMES = {
    "{own} <{own}>": OWN,
    "Doe, Mia <{own}>": "Doe, Mia",
    "Shop: Orders <{own}>": "Shop: Orders",
    "Mia [HR] <{own}>": "Mia [HR]",
    "Jörg <{own}>": "Jörg",
    "Scanner @ 2nd floor <{own}>": "Scanner @ 2nd floor",
    "Mia <{own}": "Mia",
    "Mia {own}": "Mia",
    "<{own}> Mia": "Mia",
    "Systems: {own};": "Systems",
    "jane@x.example <{own}>": "jane@x.example",
    "J. Doe <{own}>": "J. Doe",
    '"Mia <{own}>': '"Mia',
    "=?utf-8?q?Doe,_Mia?= <{own}>": "Doe, Mia",
    "=?utf-8?q?mia@desk?= <{own}>": "mia@desk",
    "Mia <@relay.example:{own}>": "Mia",
    "root": "root",
    "Mia": "Mia",
}


async def test_a_missing_author_is_that_of_mail(smtp: Smtp) -> None:
    """SMTP-111: the field is added and signed; of a server that is pedantic it is refused, as is each other form."""
    context = signing(smtp, "ours.example")
    async with smtp.user(context=context) as client:
        assert (await submit(client, b"X-A: b", sender="mia+shop@ours.example")).startswith("250")
    [queued] = smtp.queued
    assert headers(leaves(queued), "From") == ["<mia+shop@ours.example>"]
    assert {found.status for found in await verify(FakeResolver({"TXT": RECORDS}), Message.of(leaves(queued)))} == {
        "pass"
    }
    change = 'hostname = "mail.ours.example"=>hostname = "mail.ours.example"\\npedantic = true'
    pedantic = smtp.configured(change, keys=context.keys)
    async with smtp.user(context=pedantic) as client:
        for field in (b"X-A: b", b"From: Doe, Mia <mia@ours.example>"):
            assert (await submit(client, field)).startswith("550 5.7.1 message must have a From field")
        assert (await submit(client, b"From: Mia <mia@ours.example>")).startswith("250")


@pytest.mark.parametrize(
    "field",
    [
        b"From: Mia (x) <mia@ours.example> (y (z))",
        b'From: "Mia"\r\n <mia@ours.example>',
        b"FROM:mia@ours.example",
        "From: Jörg <mia@ours.example>".encode(),
    ],
)
async def test_a_mailbox_as_the_standard_has_it_stays(smtp: Smtp, field: bytes) -> None:
    """SMTP-111: nothing is written anew, so that a signature of the client's own survives."""
    async with smtp.user() as client:
        assert (await submit(client, field)).startswith("250")
    [queued] = smtp.queued
    assert b"From:" not in queued.submission.prefix
    assert queued.octets.startswith(field + b"\r\n") or not field.isascii()


async def test_only_the_user_stands_in_sender(smtp: Smtp) -> None:
    """SMTP-111a, RFC 6409 §8.1: others are left out, also of Resent-From and Resent-Sender; nothing is refused."""
    own = b"From: <mia@ours.example>\r\nSender: Mia <mia+desk@ours.example>\r\nResent-From: <mia@ours.example>"
    foreign = b"From: <mia@ours.example>\r\nSender: root@desk.local\r\nResent-From: <mia@ours.example>\r\n"
    async with smtp.user(context=signing(smtp, "ours.example")) as client:
        assert (await submit(client, own)).startswith("250")
        more = b"Resent-From: bo@ours.example\r\nResent-Sender: <bo@ours.example>\r\nReply-To: <<bo@ours.example"
        assert (await submit(client, foreign + more)).startswith("250")
        twice = b"From: <mia@ours.example>\r\nSender: bo@ours.example:<mia@ours.example>"
        assert (await submit(client, twice)).startswith("250")
    kept, left, labelled = (HeaderSection(leaves(queued)) for queued in smtp.queued)
    assert [kept.count(name) for name in (b"sender", b"resent-from", b"resent-sender")] == [1, 1, 0]
    assert [left.count(name) for name in (b"sender", b"resent-from", b"resent-sender", b"reply-to")] == [0, 0, 0, 1]
    assert labelled.count(b"sender") == 0
    for queued in smtp.queued:
        results = await verify(FakeResolver({"TXT": RECORDS}), Message.of(leaves(queued)))
        assert {result.status for result in results} == {"pass"}


# At the border: all authors count, and a name that looks like an address costs trust.


BANK = {"_dmarc.bank.example": ["v=DMARC1; p=reject"], "bank.example": ["v=spf1 -all"]}


def mail(field: str) -> bytes:
    """A message of ann@remote.example, whose SPF passes."""
    return f"From: {field}\r\nTo: <mia@ours.example>\r\nMessage-Id: <1@remote.example>\r\n\r\ntext\r\n".encode()


@pytest.mark.parametrize("form", FORGED)
async def test_the_policy_of_each_author_counts(smtp: Smtp, form: str) -> None:
    """AUTH-50, SMTP-76: of an address in brackets, or before a colon, comma or semicolon."""
    assert (await arrive(smtp, zone(BANK), mail(form.format(own="ann@remote.example")))).startswith("550 5.7.26")


async def test_an_author_of_the_same_domain_is_not_hidden(smtp: Smtp) -> None:
    """SMTP-76: the domain is proven, but readers differ in the address, so nothing is trusted for it."""
    reply = await arrive(smtp, zone(), mail("boss@remote.example:<ann@remote.example>"))
    assert reply.startswith("250")
    [reason] = headers(await smtp.one(), "X-Moxlite-Reason")
    assert "author verification: none" in reason
    assert "mail apps show different authors" in reason
    assert (await stored(smtp))[5] == "none"


@pytest.mark.parametrize("form", ["ceo@bank.example <{own}>", "ceo@bank.example<{own}>", "{own} ceo@bank.example"])
async def test_an_address_in_the_place_of_a_name_costs_trust_alone(smtp: Smtp, form: str) -> None:
    """SMTP-76: forms and ticket systems write that; its policy refuses nothing, and its author is not verified."""
    form = form.replace("{own} ceo", "<{own}> ceo")
    assert (await arrive(smtp, zone(BANK), mail(form.format(own="ann@remote.example")))).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert "dmarc=pass (policy reject, without dnssec) header.from=remote.example" in results
    assert (await stored(smtp))[5] == "none"


@pytest.mark.parametrize("form", [form for form in HONEST if "{own}" in form and "jane@" not in form])
async def test_the_verdict_on_an_honest_author_stays(smtp: Smtp, form: str) -> None:
    """SMTP-76: what programs write outside of the grammar is verified as ever, by its one author."""
    assert (await arrive(smtp, zone(BANK), mail(form.format(own="ann@remote.example")))).startswith("250")
    [results] = headers(await smtp.one(), "Authentication-Results")
    assert "dmarc=pass (policy reject, without dnssec) header.from=remote.example" in results
    # Without a bracket or quote that ends, our own reader shows none.
    assert (await stored(smtp))[5] == ("none" if form in ('"Mia <{own}>', "{own} <>") else "strict")


@pytest.mark.parametrize("text", ["root", "MAILER-DAEMON", "<>", "a..b@remote.example", "a.@remote.example"])
async def test_odd_authors_are_taken_as_before(smtp: Smtp, text: str) -> None:
    """SMTP-76: phones and daemons write them."""
    assert (await arrive(smtp, zone(BANK), mail(text))).startswith("250")
    assert (await stored(smtp))[5] == ("strict" if "@" in text else "none")
