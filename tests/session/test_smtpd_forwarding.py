"""What an account gets is sent on (SMTP-159, QUEUE-179, AUTH-111, AUTH-114)."""

import threading

import dkim
import msgspec
import pytest

from moxlite.acceptance import gathering
from moxlite.acceptance.forwards import passed_by
from moxlite.admin.delivery.forwarding import Forwarding
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.arc.verify import verify as verify_arc
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import PrivateKey, generate, key_record, to_pem
from moxlite.mailauth.dkim.verify import verify as verify_dkim
from moxlite.mailauth.results import ARCStatus, SignatureStatus
from moxlite.process.keys import SigningKeys
from moxlite.proto.dsn import parse_dsn
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.smtpd import Context
from moxlite.smtpd.incoming import storing
from moxlite.store.delivery.forwarding import confirm_target, note_bounce, refuse_target, start_again
from moxlite.store.delivery.scripts import failures
from moxlite.store.errors import StorageFull
from moxlite.store.options import DAY
from tests.session.smtpd_harness import MESSAGE, TLS, Smtp, clock, smtp
from tests.session.test_smtpd_checks import KEY, ZONE, signed, zone
from tests.session.test_smtpd_sieve import install

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

TARGET = "mia@far.example"
AGAIN = MESSAGE.replace(b"Subject: hello", b"Subject: again")


def forwarding(smtp: Smtp, *targets: str, more: str = "", own_key: bool = False, key: PrivateKey = KEY) -> Context:
    """The context in which mia's mail is forwarded. `own_key`: her domain signs and seals with `key`."""
    path = smtp.context.config.path.with_name("domains.toml")
    names = ", ".join(f'"{one}"' for one in targets or (TARGET,))
    text = path.read_text().replace(
        '[accounts.mia]\ndomain = "ours.example"\n',
        f'[accounts.mia]\ndomain = "ours.example"\nforward_to = [{names}]\n{more}\n',
    )
    keys = SigningKeys()
    if own_key:
        path.with_name("own.pem").write_bytes(to_pem(key))
        text = text.replace(
            '[domains."ours.example"]\n',
            '[domains."ours.example"]\ndkim = { sign = ["o"], selectors = { o = { key_file = "own.pem" } } }\n',
        )
    path.write_text(text)
    context = smtp.configured("")
    assert keys.read(context.config.current) == []
    return msgspec.structs.replace(context, keys=keys)


async def confirm(smtp: Smtp, *addresses: str) -> None:
    async with smtp.context.accounts.use("mia") as account:
        for address in addresses or (TARGET,):
            await account.write(lambda tx, address=address: confirm_target(tx, address))  # type: ignore[misc] # bound now


async def deliver(smtp: Smtp, context: Context, message: bytes = MESSAGE, **more: str) -> str:
    async with smtp.connect(context=context, tls=TLS) as client:
        return await client.deliver(message=message, **more)


async def failed(smtp: Smtp) -> list[str]:
    async with smtp.context.accounts.use("mia") as account:
        return [failure.text for failure in await account.read(failures, op="test")]


async def test_a_rule_sends_its_mail_on_and_keeps_it(smtp: Smtp) -> None:
    """SMTP-82a, SMTP-159: once the owner of the address has agreed, also where the account keeps no copy of others."""
    context = forwarding(smtp, "all@far.example", more="keep_copy = false")
    path = context.config.path.with_name("domains.toml")
    table = '[accounts.mia.destinations."mia@ours.example"]\n'
    rule = 'forward_to = ["mia@far.example"]\nconditions = [{ part = "subject", value = "hello" }]\n'
    ruleset = f'[[accounts.mia.destinations."mia@ours.example".rulesets]]\n{rule}'
    path.write_text(path.read_text().replace(table, table + ruleset))
    context = msgspec.structs.replace(smtp.configured(""), keys=context.keys)
    assert list(context.config.current.passed_on("mia")) == ["all@far.example", TARGET]
    await deliver(smtp, context)
    assert await smtp.carried() == []
    await confirm(smtp)
    await deliver(smtp, context, AGAIN.replace(b"again", b"hello again"))
    [sent] = await smtp.carried()
    assert [str(one.address) for one in sent.submission.recipients] == [TARGET]


async def test_mail_is_sent_on_and_kept(smtp: Smtp) -> None:
    """SMTP-159: from the own address, to which bounces come, with Delivered-To, the rest octet by octet."""
    context = forwarding(smtp)
    await confirm(smtp)
    assert (await deliver(smtp, context, sender="ann@remote.example")).startswith("250")
    [sent] = await smtp.carried()
    assert [str(one.address) for one in sent.submission.recipients] == [TARGET]
    assert str(sent.submission.mail_from) == "mia@ours.example"
    assert sent.octets.endswith(MESSAGE)
    assert sent.message["Delivered-To"] == "mia@ours.example"
    assert sent.message["Return-Path"] is None
    assert len(await smtp.messages()) == 1


async def test_without_a_copy_nothing_is_kept(smtp: Smtp) -> None:
    """SMTP-159, AUTH-114: `keep_copy`; it goes on from a return address of ours."""
    context = forwarding(smtp, more="keep_copy = false")
    await confirm(smtp)
    await deliver(smtp, context, sender="ann@remote.example")
    [sent] = await smtp.carried()
    assert str(sent.submission.mail_from).endswith("=remote.example=ann@ours.example")
    assert await smtp.messages() == []


async def test_an_address_that_is_not_confirmed_gets_nothing(smtp: Smtp) -> None:
    """QUEUE-179: the mail is kept, also without `keep_copy`, and the owner is told; as after a refusal."""
    context = forwarding(smtp, more="keep_copy = false")
    await deliver(smtp, context)
    await confirm(smtp)
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: refuse_target(tx, TARGET))
    await deliver(smtp, context, AGAIN)
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 2
    last, first = await failed(smtp)
    assert "isn't confirmed" in first
    assert "declined" in last


async def test_a_removed_address_is_no_longer_listed(smtp: Smtp) -> None:
    """SMTP-159, SMTP-160a: though mail came while it waited: its owner sees that nothing goes to a thief's address."""
    context = forwarding(smtp, "thief@far.example", TARGET)
    await deliver(smtp, context)

    async def listed() -> list[tuple[str, bool]]:
        looked = Forwarding(config=context.config, accounts=context.accounts, keys=context.keys, submit=None)
        return [(one.address, one.ran) for one in await looked.look("mia")]

    assert await listed() == [("thief@far.example", False), (TARGET, False)]
    path = context.config.path.with_name("domains.toml")
    path.write_text(path.read_text().replace(f'forward_to = ["thief@far.example", "{TARGET}"]', ""))
    context = smtp.configured("")
    assert await listed() == []


async def test_a_message_that_has_passed_before_is_kept(smtp: Smtp) -> None:
    """SMTP-159, RFC 9228: a ring of three ends where it began."""
    context = forwarding(smtp, more="keep_copy = false")
    await confirm(smtp)
    ring = b"Delivered-To: eva@third.example\r\nDelivered-To: MIA@ours.example\r\n" + MESSAGE
    await deliver(smtp, context, ring)
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 1


async def test_many_places_are_looked_up_once_and_off_the_loop(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-148, SMTP-159: a stranger's long header takes none of the loop's time, however many recipients it has."""
    threads = []

    def noting(snapshot: Snapshot, section: HeaderSection) -> frozenset[str]:
        threads.append(threading.current_thread() is threading.main_thread())
        return passed_by(snapshot, section)

    monkeypatch.setattr(gathering, "passed_by", noting)
    async with smtp.connect() as client:
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250")
        await client.play("C: RCPT TO:<mia@ours.example>\nS: 250\nC: RCPT TO:<bo@ours.example>\nS: 250")
        await client.play("C: DATA\nS: 354")
        await client.send(b"Delivered-To: eva@third.example\r\n" * 2000 + MESSAGE + b".\r\n")
        assert (await client.reply()).startswith("250")
    assert threads
    assert not any(threads)
    assert len(threads) <= 2  # both accounts may begin at once


async def test_bounces_and_junk_are_never_sent_on(smtp: Smtp) -> None:
    """SMTP-159: a null sender, and what DMARC files as junk."""
    context = forwarding(smtp)
    await confirm(smtp)
    await deliver(smtp, context, sender="")
    changes = {"remote.example": ["v=spf1 -all"], "_dmarc.remote.example": ["v=DMARC1; p=quarantine"]}
    judged = msgspec.structs.replace(context, resolver=zone(changes))
    assert (await deliver(smtp, judged, AGAIN, sender="x@other.example")).startswith("250")
    assert await smtp.carried() == []
    assert len(await smtp.messages(mailbox="Junk")) == 1


async def test_500_messages_a_day(smtp: Smtp) -> None:
    """SMTP-159: of one account, to all its addresses."""
    context = forwarding(smtp)
    await confirm(smtp)
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: tx.execute("UPDATE forward_target SET began = ?, sent = 499", tx.now))
    await deliver(smtp, context)
    await deliver(smtp, context, AGAIN)
    assert len(await smtp.carried()) == 1
    assert len(await smtp.messages()) == 2
    assert "500 messages" in (await failed(smtp))[0]


async def test_a_script_decides_what_is_kept_and_what_it_discards_stays_here(smtp: Smtp) -> None:
    """SMTP-159, SMTP-160."""
    context = forwarding(smtp, more="keep_copy = false")
    await confirm(smtp)
    await install(smtp, 'require "fileinto"; if header :is "subject" "again" { discard; } else { fileinto "Inbox"; }')
    await deliver(smtp, context)
    await deliver(smtp, context, AGAIN)
    assert len(await smtp.carried()) == 1
    assert len(await smtp.messages()) == 1


@pytest.mark.parametrize("policy", ["none", "reject"])
async def test_a_signed_message_goes_on_as_it_is_with_a_seal(smtp: Smtp, policy: str) -> None:
    """AUTH-111, QUEUE-179: the signature survives, and the seal covers what we saw."""
    resolver = zone({"_dmarc.remote.example": [f"v=DMARC1; p={policy}"], **own_record()})
    context = msgspec.structs.replace(forwarding(smtp, own_key=True), resolver=resolver)
    await confirm(smtp)
    mail = await signed()
    assert (await deliver(smtp, context, mail, sender="ann@remote.example")).startswith("250")
    [sent] = await smtp.carried()
    whole = sent.submission.prefix + sent.octets
    assert sent.octets.endswith(mail)
    assert "X-Moxlite-Forwarded" not in sent.message
    assert "dmarc=pass" in sent.message["ARC-Authentication-Results"]
    assert "d=ours.example" in sent.message["ARC-Seal"]
    assert (await verify_arc(resolver, Message.of(whole))).status is ARCStatus.PASS


async def test_another_program_finds_the_seal_right(smtp: Smtp) -> None:
    """AUTH-111: dkimpy verifies chain and results of a message that is sent on. More programs, servers and kinds of
    mail: tests/integration/test_smtpd_forwarding.py.
    """
    key = generate("rsa")
    resolver = zone({"o._domainkey.ours.example": [key_record(key)]})
    context = msgspec.structs.replace(forwarding(smtp, own_key=True, key=key), resolver=resolver)
    await confirm(smtp)
    await deliver(smtp, context, await signed(), sender="ann@remote.example")
    [sent] = await smtp.carried()
    records = {b"o._domainkey.ours.example.": key_record(key).encode()}
    status, results, reason = dkim.arc_verify(
        sent.submission.prefix + sent.octets, dnsfunc=lambda name, **_: records.get(name)
    )
    assert (status, len(results)) == (dkim.CV_Pass, 1), reason


async def by_signers(mail: bytes, *domains: str) -> bytes:
    """The message with a signature of each domain, the last one on top."""
    for domain in domains:
        mail = await signed(mail, f"x@{domain}")
    return mail


def keys_of(*domains: str) -> dict[str, list[str]]:
    """The record of `KEY` for each domain."""
    [record] = ZONE["TXT"]["s1._domainkey.remote.example"]
    return {f"s1._domainkey.{domain}": [record] for domain in domains}


async def test_a_message_of_three_signers_goes_on_with_all_three(smtp: Smtp) -> None:
    """AUTH-111, QUEUE-179: the signatures of author, list and provider survive; the seal tells of all."""
    others = ("provider.example", "list.example")
    resolver = zone({**keys_of(*others), **own_record()})
    context = msgspec.structs.replace(forwarding(smtp, own_key=True), resolver=resolver)
    await confirm(smtp)
    mail = await by_signers(MESSAGE, "remote.example", *others)
    assert (await deliver(smtp, context, mail, sender="ann@remote.example")).startswith("250")
    [sent] = await smtp.carried()
    assert sent.octets.endswith(mail)
    assert "X-Moxlite-Forwarded" not in sent.message
    whole = sent.submission.prefix + sent.octets
    results = await verify_dkim(resolver, Message.of(whole))
    passed = {one.domain for one in results if one.status is SignatureStatus.PASS}
    assert passed >= {"remote.example", *others}
    assert sent.message["ARC-Authentication-Results"].count("dkim=pass") == 3
    assert (await verify_arc(resolver, Message.of(whole))).status is ARCStatus.PASS


LISTS = """
[[accounts.mia.destinations."mia@ours.example".rulesets]]
smtp_mail_from_regexp = "@other"
list_allow_domain = "other.example"
mailbox = "Lists"
"""


@pytest.mark.parametrize("policy", ["none", "reject"])
async def test_a_list_breaks_the_signature_of_the_author(smtp: Smtp, policy: str) -> None:
    """QUEUE-179: the list's own signature is no proof of the author. Where the author's domain is strict, and the owner
    takes the list's mail all the same, From becomes another.
    """
    changes = {"_dmarc.remote.example": [f"v=DMARC1; p={policy}"], "other.example": ["v=spf1 ip4:198.51.100.7 -all"]}
    resolver = zone({**changes, **keys_of("other.example"), **own_record()})
    plain = forwarding(smtp, own_key=True)
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text() + LISTS)
    context = msgspec.structs.replace(smtp.configured(""), keys=plain.keys, resolver=resolver)
    await confirm(smtp)
    broken = (await signed()).replace(b"Subject: hello", b"List-Id: <boats.other.example>\r\nSubject: [boats] hello")
    mail = await by_signers(broken, "other.example")
    assert (await deliver(smtp, context, mail, sender="boats-bounces@other.example")).startswith("250")
    [sent] = await smtp.carried()
    assert "dmarc=fail" in sent.message["ARC-Authentication-Results"]
    whole = sent.submission.prefix + sent.octets
    assert (await verify_arc(resolver, Message.of(whole))).status is ARCStatus.PASS
    if policy == "none":
        assert sent.octets.endswith(mail)
        assert "X-Moxlite-Forwarded" not in sent.message
    else:
        assert sent.message["From"] == '"Ann via ours.example" <mia@ours.example>'
        assert "ann@remote.example" in sent.message["Reply-To"]


def own_record() -> dict[str, list[str]]:
    [record] = ZONE["TXT"]["s1._domainkey.remote.example"]
    return {"o._domainkey.ours.example": [record]}


async def test_an_unsigned_message_of_a_strict_domain_gets_another_author(smtp: Smtp) -> None:
    """QUEUE-179: From is the forwarding address, Reply-To the author; signed and sealed; the header says why."""
    changes = {"_dmarc.remote.example": ["v=DMARC1; p=reject"], "remote.example": ["v=spf1 ip4:198.51.100.7 -all"]}
    resolver = zone(changes | own_record())
    context = msgspec.structs.replace(forwarding(smtp, own_key=True), resolver=resolver)
    await confirm(smtp)
    assert (await deliver(smtp, context, sender="ann@remote.example")).startswith("250")
    [sent] = await smtp.carried()
    assert sent.message["From"] == '"ann@remote.example via ours.example" <mia@ours.example>'
    assert len(sent.message.get_all("From", [])) == 1
    assert "ann@remote.example" in sent.message["Reply-To"]
    assert "ann@remote.example" in sent.message["X-Original-From"]
    assert "no signature" in sent.message["X-Moxlite-Forwarded"]
    assert "d=ours.example" in sent.message["DKIM-Signature"]
    whole = sent.submission.prefix + sent.octets
    assert (await verify_arc(resolver, Message.of(whole))).status is ARCStatus.PASS
    assert (await smtp.one()).count(b"X-Original-From") == 0


@pytest.mark.parametrize(("author", "replaced"), [("jö@remote.example", True), ('"a\x01"@remote.example', False)])
async def test_no_author_keeps_a_message_from_being_sent_on(smtp: Smtp, author: str, replaced: bool) -> None:
    """QUEUE-179, SMTP-29: an address of UTF-8 moves to Reply-To as it is; one that no header can have stays in From."""
    changes = {"_dmarc.remote.example": ["v=DMARC1; p=reject"], "remote.example": ["v=spf1 ip4:198.51.100.7 -all"]}
    context = msgspec.structs.replace(forwarding(smtp, own_key=True), resolver=zone(changes | own_record()))
    await confirm(smtp)
    message = MESSAGE.replace(b"ann@remote.example", author.encode())
    async with smtp.connect(context=context) as client:
        await client.play("C: MAIL FROM:<ann@remote.example> SMTPUTF8\nS: 250 2.1.0\nC: RCPT TO:<mia@ours.example>")
        await client.play("S: 250 2.1.5\nC: DATA\nS: 354")
        await client.send(message + b".\r\n")
        assert (await client.reply()).startswith("250")
    [sent] = await smtp.carried()
    assert (b"Reply-To" in sent.submission.prefix) is replaced


@pytest.mark.parametrize("utf8", [True, False])
async def test_addresses_in_utf8_are_sealed(smtp: Smtp, utf8: bool) -> None:
    """AUTH-111, AUTH-85: RFC 8616, also with i= in UTF-8; the seal of an ASCII message is ASCII."""
    resolver = zone(own_record())
    context = msgspec.structs.replace(forwarding(smtp, own_key=True), resolver=resolver)
    await confirm(smtp)
    author = "jörg@remote.example"
    mail = MESSAGE.replace(b"ann@remote.example", author.encode()) if utf8 else MESSAGE
    mail = await signed(mail, author)
    async with smtp.connect(context=context, tls=TLS) as client:
        sender = f"<{author}> SMTPUTF8" if utf8 else "<ann@remote.example>"
        await client.play(f"C: MAIL FROM:{sender}\nS: 250 2.1.0\nC: RCPT TO:<mia@ours.example>\nS: 250 2.1.5")
        await client.play("C: DATA\nS: 354")
        await client.send(mail + b".\r\n")
        assert (await client.reply()).startswith("250")
    [sent] = await smtp.carried()
    prefix = sent.submission.prefix
    assert prefix.isascii() is not utf8
    assert (f'header.i="{author}"'.encode() in prefix) is utf8
    assert (f'smtp.mailfrom="{author}"'.encode() in prefix) is utf8
    whole = prefix + sent.octets
    assert (await verify_arc(resolver, Message.of(whole))).status is ARCStatus.PASS


@pytest.mark.parametrize("name", ["seal", "sign", "address_field", "own_results"])
async def test_what_cannot_be_sealed_goes_on_without_a_seal(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """AUTH-111: whatever fails while headers are written, a message that was accepted is passed on, and kept."""

    def fail(*_: object, **__: object) -> bytes:
        return "ü".encode("ascii")

    changes = {"_dmarc.remote.example": ["v=DMARC1; p=reject"], "remote.example": ["v=spf1 ip4:198.51.100.7 -all"]}
    context = msgspec.structs.replace(forwarding(smtp, own_key=True), resolver=zone(changes | own_record()))
    await confirm(smtp)
    monkeypatch.setattr(storing, name, fail)
    assert (await deliver(smtp, context, sender="ann@remote.example")).startswith("250")
    [sent] = await smtp.carried()
    assert b"ARC-Seal" not in sent.submission.prefix
    assert sent.octets.endswith(MESSAGE.partition(b"\r\n\r\n")[2])
    assert len(await smtp.messages()) == 1


@pytest.mark.parametrize("name", ["address_field", "text_field", "compose"])
async def test_a_reply_that_cannot_be_written_costs_only_the_reply(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """SMTP-161: the message that would be answered is stored."""

    def fail(*_: object, **__: object) -> bytes:
        return "ü".encode("ascii")

    await install(smtp, 'require "vacation"; vacation "away";')
    context = msgspec.structs.replace(smtp.context, resolver=zone())
    monkeypatch.setattr(storing, name, fail)
    assert (await deliver(smtp, context, await signed(), sender="ann@remote.example")).startswith("250")
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 1


async def broken(*_: object) -> list[int]:
    raise StorageFull("no room")


async def test_the_bounce_of_a_forwarded_message_goes_home(smtp: Smtp) -> None:
    """AUTH-114, SMTP-159a: for the null sender alone, in a transaction of its own; forged ones are unknown. It names
    the address that was written to, whatever the bounce says.
    """
    context = forwarding(smtp, more="keep_copy = false")
    await confirm(smtp)
    await deliver(smtp, context, sender="ann@remote.example")
    [sent] = await smtp.carried()
    back = str(sent.submission.mail_from)
    bounce = b"From: <mailer-daemon@far.example>\r\nSubject: failed\r\n\r\nno such user\r\n"
    async with smtp.connect(context=context) as client:
        await client.play(f"""
            C: MAIL FROM:<spam@x.example>
            S: 250
            C: RCPT TO:<{back}>
            S: 550 5.1.1
            C: RSET
            S: 250
            C: MAIL FROM:<>
            S: 250
            C: RCPT TO:<{back.replace("ann", "bob")}>
            S: 550 5.1.1
            C: RCPT TO:<mia@ours.example>
            S: 250
            C: RCPT TO:<{back}>
            S: 452
            C: RSET
            S: 250
        """)
    smtp.queued.clear()
    stuck = msgspec.structs.replace(context, submit=broken)
    for _ in range(20):  # a failure of ours takes none of the ten bounces of a day
        assert (await deliver(smtp, stuck, bounce, sender="", to=back)).startswith("452 4.3.1")
    assert (await deliver(smtp, context, bounce, sender="", to=back.upper())).startswith("250")
    [home] = smtp.queued
    assert home.submission.mail_from is None
    assert [str(one.address).lower() for one in home.submission.recipients] == ["ann@remote.example"]
    assert home.message["To"].lower() == "<ann@remote.example>"
    assert b"Action: failed" in home.octets
    assert b"far.example" not in home.octets
    for kind in ("Auto-Submitted: auto-replied\r\nFrom: <mia@far.example>", "From: <someone@far.example>"):
        reply = f"{kind}\r\nSubject: away\r\n\r\nI'm on a boat.\r\n".encode()
        assert (await deliver(smtp, context, reply, sender="", to=back)).startswith("550 5.7.1")
    for _ in range(9):
        assert (await deliver(smtp, context, bounce, sender="", to=back)).startswith("250")
    async with smtp.connect(context=context) as client:
        await client.play(f"C: MAIL FROM:<>\nS: 250\nC: RCPT TO:<{back}>\nS: 452 4.7.1")


REPORT = """From: <mailer-daemon@far.example>\r
Subject: failed\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
\r
The mailbox of mia@far.example is full.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.far.example\r
\r
Final-Recipient: rfc822; mia@far.example\r
Action: {action}\r
Status: {status}\r
Diagnostic-Code: smtp; {status} mia@far.example is full\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Delivered-To: {to}\r
Message-Id: <1@remote.example>\r
Subject: hello\r
--b--\r
"""


@pytest.mark.parametrize(
    ("action", "status", "to", "named"),
    [
        ("failed", "5.2.2", "shop@ours.example", "shop@ours.example"),
        ("delayed", "4.2.2", "shop@ours.example", "shop@ours.example"),
        ("failed", "5.2.2", "mia@far.example", ""),
        ("delivered", "2.0.0", "shop@ours.example", None),
    ],
)
async def test_a_bounce_from_far_away_tells_the_sender_no_other_address(
    smtp: Smtp, action: str, status: str, to: str, named: str | None
) -> None:
    """SMTP-159a: a report that a program can read is told by its status; what nobody asked for is refused."""
    context = forwarding(smtp, more="keep_copy = false")
    await confirm(smtp)
    await deliver(smtp, context, sender="ann@remote.example")
    [sent] = await smtp.carried()
    smtp.queued.clear()
    report = REPORT.format(action=action, status=status, to=to).encode()
    reply = await deliver(smtp, context, report, sender="", to=str(sent.submission.mail_from))
    if named is None:
        assert reply.startswith("550 5.7.1")
        return
    assert reply.startswith("250")
    [home] = smtp.queued
    dsn = parse_dsn(scan(home.octets), lambda start, stop: home.octets[start:stop])
    [recipient] = dsn.recipients
    assert (recipient.action, recipient.status) == (action, status)
    assert recipient.final_recipient == (named or str(sent.submission.mail_from))
    assert home.message["In-Reply-To"] == "<1@remote.example>"
    assert b"far.example" not in home.octets


async def test_what_is_for_a_stopped_address_is_kept(smtp: Smtp) -> None:
    """QUEUE-179: after three days of bounces, also without `keep_copy`, until its owner starts it again."""
    context = forwarding(smtp, more="keep_copy = false")
    await confirm(smtp)
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: note_bounce(tx, TARGET, "550 5.1.1 no such user", arrived=False))
        await account.write(lambda tx: tx.execute("UPDATE forward_target SET failing = failing - ?", 3 * DAY))
        assert await account.write(lambda tx: note_bounce(tx, TARGET, "550 5.1.1 no such user", arrived=False))
    await deliver(smtp, context)
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 1
    assert "stopped: 550 5.1.1 no such user" in (await failed(smtp))[0]
    async with smtp.context.accounts.use("mia") as account:
        assert await account.write(lambda tx: start_again(tx, TARGET))
    await deliver(smtp, context, AGAIN)
    assert len(await smtp.carried()) == 1
    assert len(await smtp.messages()) == 1


FRIEND = "friend@club.example"


def alias(smtp: Smtp, *members: str, public: bool = True) -> Context:
    """The context in which club@ours.example has these members beside mia, who has no forwarding of her own."""
    path = smtp.context.config.path.with_name("domains.toml")
    names = ", ".join(f'"{one}"' for one in ("mia@ours.example", *(members or (FRIEND,))))
    table = f'[domains."ours.example".aliases.club]\naddresses = [{names}]\npost_public = {str(public).lower()}\n'
    path.write_text(path.read_text() + table)
    return smtp.configured("")


async def test_a_member_at_another_server_gets_what_the_alias_gets(smtp: Smtp) -> None:
    """SMTP-166: once agreed; from a return address of the alias's domain, with Delivered-To of the alias."""
    context = alias(smtp)
    assert (await deliver(smtp, context, to="club@ours.example")).startswith("250")
    assert await smtp.carried() == []
    assert "isn't confirmed" in (await failed(smtp))[0]
    await confirm(smtp, FRIEND)
    await deliver(smtp, context, AGAIN, to="club@ours.example", sender="ann@remote.example")
    [sent] = await smtp.carried()
    assert [str(one.address) for one in sent.submission.recipients] == [FRIEND]
    assert str(sent.submission.mail_from).endswith("=remote.example=ann@ours.example")
    assert sent.message["Delivered-To"] == "club@ours.example"
    assert sent.message["List-Id"] == "<club.ours.example>"
    assert sent.message["List-Post"] == "<mailto:club@ours.example>"
    assert len(await smtp.messages()) == 2, "the member here has both"


async def test_consent_to_an_alias_is_none_to_its_carrier(smtp: Smtp) -> None:
    """SMTP-166: mail to the carrier alone is not for the other members."""
    context = alias(smtp)
    await confirm(smtp, FRIEND)
    await deliver(smtp, context)
    assert await smtp.carried() == []


async def test_an_author_who_is_a_member_gets_no_copy(smtp: Smtp) -> None:
    """SMTP-105, SMTP-166: neither the carrier, whose delivery only sends on, nor a member at another server."""
    context = alias(smtp, FRIEND, "ann@remote.example")
    await confirm(smtp, FRIEND, "ann@remote.example")
    own = MESSAGE.replace(b"From: <ann@remote.example>", b"From: <mia@ours.example>")
    await deliver(smtp, context, own, to="club@ours.example")
    sent = await smtp.carried()
    assert sorted(str(one.submission.recipients[0].address) for one in sent) == ["ann@remote.example", FRIEND]
    assert await smtp.messages() == []
    await deliver(smtp, context, to="club@ours.example")
    assert [str(one.submission.recipients[0].address) for one in (await smtp.carried())[2:]] == [FRIEND]


async def test_a_circle_of_aliases_ends(smtp: Smtp) -> None:
    """SMTP-166, RFC 9228: what has passed the alias or its carrier is kept."""
    context = alias(smtp)
    await confirm(smtp, FRIEND)
    for name in (b"club", b"mia"):
        message = b"Delivered-To: " + name + b"@ours.example\r\n" + MESSAGE.replace(b"hello", b"hello " + name)
        await deliver(smtp, context, message, to="club@ours.example")
    assert await smtp.carried() == []
    assert len(await smtp.messages()) == 2


async def test_what_strangers_write_to_a_closed_alias_goes_nowhere(smtp: Smtp) -> None:
    """SMTP-106, SMTP-166"""
    context = alias(smtp, public=False)
    await confirm(smtp, FRIEND)
    assert (await deliver(smtp, context, to="club@ours.example")).startswith("550")
    assert await smtp.carried() == []
