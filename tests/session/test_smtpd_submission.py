"""Submission by whole sessions: log-in, checks, what is queued (docs/spec/smtp.md §5, §6, §11)."""

import base64
import re
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
import trio
import trio.testing

from moxlite.admin.passwords import Passwords
from moxlite.config.static import RateLimits
from moxlite.mailauth.dkim.message import Message as Signed
from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.mailauth.results import SignatureStatus
from moxlite.net.log import TRACE
from moxlite.net.resolver import FakeResolver
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ClientTLS, ServerTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.process.keys import SigningKeys
from moxlite.process.ports import failure_limits
from moxlite.proto import sasl
from moxlite.proto.address import Address
from moxlite.proto.mime.headers import HeaderSection
from moxlite.smtpd import Context, Timeouts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.auth.apppasswords import add_app_password, remove_app_password
from moxlite.store.auth.tlskeys import read_certificate
from moxlite.store.content.body import stream_message
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import DSNNotify, QueueFull
from moxlite.store.errors import StorageFull, StoreError
from moxlite.store.mail.acl import RIGHTS, set_rights
from moxlite.store.mail.delegates import Delegate, Sends, remove_delegate, set_delegate
from moxlite.store.mail.recipients import wrote_to
from moxlite.store.people.correspondents import is_known
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.submission.authors import SendingRoute, ways_of
from tests.logs import kv
from tests.session.smtpd_harness import PASSWORD, TLS, Client, Smtp, clock, headers, smtp
from tests.store_mail import box, rows
from tests.tools import eventually, settled

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

KEY = generate("ed25519")
PEDANTIC = 'hostname = "mail.ours.example"=>hostname = "mail.ours.example"\\npedantic = true'
MESSAGE = b"From: Mia <mia@ours.example>\r\nTo: <ann@remote.example>\r\nSubject: hello\r\n\r\ntext\r\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def plain(user: str = "mia@ours.example", password: str = PASSWORD) -> str:
    return f"AUTH PLAIN {encoded(chr(0) + user + chr(0) + password)}"


async def send(client: Client, message: bytes = MESSAGE, **more: str) -> str:
    return await client.deliver(**{"to": "ann@remote.example", "sender": "mia@ours.example", "message": message} | more)  # type: ignore[arg-type]  # by name


async def test_a_submitted_message_is_queued(smtp: Smtp) -> None:
    """SMTP-114, 115"""
    async with smtp.user() as client:
        assert (await send(client)).startswith("250 2.0.0 message queued, id ")
    (queued,) = smtp.queued
    submission = queued.submission
    assert (submission.account, str(submission.mail_from)) == ("mia", "mia@ours.example")
    assert [str(recipient.address) for recipient in submission.recipients] == ["ann@remote.example"]
    assert submission.login_address == "mia@ours.example"
    assert submission.subject == "hello"
    assert (submission.has8bit, submission.smtputf8, submission.requiretls) == (False, False, None)
    assert queued.octets == MESSAGE


async def test_recipients_of_submissions_are_known(smtp: Smtp) -> None:
    """STORE-95: by the act, without a copy in Sent, and without a field; not those of a message that was refused."""
    async with smtp.user() as client:
        await send(client)
        await send(client, to="Hidden@bücher.example")

    async def full(*args: object) -> list[int]:
        raise QueueFull("full")

    async with smtp.user(context=smtp.with_context(submit=full)) as client:
        await send(client, to="unsent@remote.example")
    asked = [("ann", "remote.example"), ("Hidden", "bücher.example"), ("unsent", "remote.example")]
    async with smtp.context.accounts.use("mia") as account:
        written = await account.read(lambda r: [wrote_to(r, *one) is not None for one in asked], op="test")
        assert written == [True, True, False]
        known = await account.read(lambda r: [is_known(r, *one, before=0) for one in asked], op="test")
        assert known == [True, True, False]


async def test_trace_fields_do_not_tell_where_the_user_sits(smtp: Smtp) -> None:
    """SMTP-79, 114"""
    async with smtp.user() as client:
        await send(client)
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 250\nC: RCPT TO:<a@r.example>\nS: 250")
        await client.play("C: RCPT TO:<b@r.example>\nS: 250\nC: DATA\nS: 354")
        await client.send(MESSAGE + b".\r\n")
        assert (await client.reply()).startswith("250")
    one, several = (queued.submission.prefix + queued.octets for queued in smtp.queued)
    (received,) = headers(one, "Received")
    assert received.startswith("from mail.ours.example by mail.ours.example via tcp with ESMTPSA id ")
    assert " for <ann@remote.example>; " in received
    assert " for <" not in headers(several, "Received")[0]
    assert headers(one, "Authentication-Results") == ["mail.ours.example; auth=pass smtp.mailfrom=mia@ours.example"]
    assert b"198.51.100.7" not in one
    ids = [headers(octets, "Received")[0].partition(" id ")[2].split()[0] for octets in (one, several)]
    assert len(set(ids)) == 2, "what one reads doesn't lead to the other"
    assert len({smtp.context.received_id.decode(identifier) for identifier in ids}) == 1


async def test_missing_date_and_message_id_are_added(smtp: Smtp) -> None:
    """SMTP-112"""
    async with smtp.user() as client:
        await send(client)
        await send(client, b"Message-ID: <own@x>\r\nDate: Fri, 20 Nov 2026 07:00:00 +0000\r\n" + MESSAGE)
    added, own = smtp.queued
    assert re.fullmatch(r"<[\w-]{22}@mail\.ours\.example>", added.submission.message_id)
    assert headers(added.submission.prefix + added.octets, "Message-Id") == [added.submission.message_id]
    assert len(headers(added.submission.prefix + added.octets, "Date")) == 1
    assert own.submission.message_id == "<own@x>"
    assert len(headers(own.submission.prefix + own.octets, "Date")) == 1


async def test_bcc_is_removed(smtp: Smtp) -> None:
    """SMTP-112"""
    async with smtp.user() as client:
        await send(client, b"Bcc: <secret@remote.example>,\r\n <other@remote.example>\r\n" + MESSAGE)
    assert smtp.queued[0].octets == MESSAGE


@pytest.mark.parametrize("line", ["no field here", "X-Größe: 5", "X Size: 5"])
@pytest.mark.parametrize("name", ["Bcc", "Resent-BCC"])
async def test_blind_copies_without_an_empty_line_are_never_text(smtp: Smtp, line: str, name: str) -> None:
    """SMTP-111b, SMTP-112: all recipients would see them."""
    fields = f"{line}\r\n{name}: secret@far.example\r\n".encode()
    async with smtp.user() as client:
        for number, above in enumerate([b"", b"From: <mia@ours.example>\r\n"], start=1):
            assert (await send(client, above + fields)).startswith(f"554 5.6.0 line {number} of the header section ")
    assert not smtp.queued


async def test_a_header_section_longer_than_what_is_read_is_refused(smtp: Smtp) -> None:
    """SMTP-46a"""
    large = smtp.configured("max_message_size = 200000=>max_message_size = 4000000")
    async with smtp.user(context=large) as client:
        for more in (b"X-Long: " + b"x" * (1 << 20) + b"\r\n", b"A:\r\n" * 10_000):
            assert (await send(client, more + MESSAGE)).startswith("552 5.3.4 header section too large")
        assert (await send(client)).startswith("250")
    assert len(smtp.queued) == 1


async def test_extra_fields_go_to_the_queue(smtp: Smtp) -> None:
    """SMTP-117"""
    async with smtp.user() as client:
        await send(client, b"X-Moxlite-Extra-Order: 5\r\nX-Mox-Extra-Kind: a  b\r\n" + MESSAGE)
        duplicate = b"X-Moxlite-Extra-A: 5\r\nX-Mox-Extra-A: 6\r\n"
        assert (await send(client, duplicate + MESSAGE)).startswith("554 5.6.0")
        assert (await send(client, b"X-Mox-Extra-A: " + b"x" * 17_000 + b"\r\n" + MESSAGE)).startswith("554 5.6.0")
    (queued,) = smtp.queued
    assert queued.submission.extra == {"Order": "5", "Kind": "a b"}
    assert queued.octets == MESSAGE


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        (b"just text\r\n" + MESSAGE, "554 5.6.0"),
        (b"From: <bo@ours.example>\r\n" + MESSAGE, "550 5.7.1"),
        (MESSAGE.replace(b"<mia@", b"<bo@ours.example>, <mia@"), "550 5.7.1"),
        (MESSAGE.replace(b"<mia@", b"<bo@"), "550 5.7.1"),
        (MESSAGE.replace(b"mia@ours", b"mia@remote"), "550 5.7.1"),
        (MESSAGE.replace(b"mia@ours", b"mia@off"), "451 4.3.0"),
        (b"Content-Type: multipart/mixed; boundary=x\r\n" + MESSAGE.replace(b"text", b"--x\r\n" * 1200), "554 5.6.0"),
    ],
)
async def test_bad_messages_are_refused(smtp: Smtp, message: bytes, reply: str) -> None:
    """SMTP-111, 148"""
    async with smtp.user() as client:
        assert (await send(client, message)).startswith(reply)
        assert (await send(client)).startswith("250")
    assert len(smtp.queued) == 1


FORWARDED = b"From: a@b.example\r\nSubject: x\r\n\r\nhi\r\n"
MIXED = (
    b"From: <mia@ours.example>\r\nSubject: hello\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\nsee below\r\n--q\r\n%b\r\n--q--\r\n"
)
ATTACHED = b"Content-Type: message/rfc822; name=x.eml\r\nContent-Transfer-Encoding: %b\r\n\r\n%b"
UNDIVIDED = b"Content-Type: multipart/mixed\r\n\r\ntext\r\n"
TOLERATED: dict[str, bytes] = {
    "attached message in base64": MIXED % (ATTACHED % (b"base64", base64.b64encode(FORWARDED))),
    "attached message in quoted-printable": MIXED % (ATTACHED % (b"quoted-printable", FORWARDED)),
    "encoded message in an attached one": MIXED
    % (ATTACHED % (b"7bit", MIXED.replace(b"q", b"r") % (ATTACHED % (b"base64", base64.b64encode(FORWARDED))))),
    "the message itself": b"From: <mia@ours.example>\r\n"
    + ATTACHED % (b"base64", base64.b64encode(FORWARDED))
    + b"\r\n",
    "attached message without header": MIXED % (ATTACHED % (b"7bit", b"hello there\r\nFrom: me\r\n\r\nhi\r\n")),
    "multipart without boundary": b"From: <mia@ours.example>\r\n" + UNDIVIDED,
    "attached multipart without boundary": MIXED % (ATTACHED % (b"7bit", b"Subject: x\r\n" + UNDIVIDED)),
    "no closing boundary": (MIXED % b"\r\nx").replace(b"--q--\r\n", b""),
}


def signing(smtp: Smtp) -> Context:
    """The context with a DKIM key of ours.example."""
    path = smtp.context.config.path.with_name("domains.toml")
    path.with_name("own.pem").write_bytes(to_pem(KEY))
    selectors = 'dkim = { sign = ["o"], selectors = { o = { key_file = "own.pem" } } }'
    text = path.read_text()
    path.write_text(text.replace('[domains."ours.example"]\n', f'[domains."ours.example"]\n{selectors}\n'))
    keys = SigningKeys()
    context = smtp.configured("", keys=keys)
    assert not keys.read(context.config.current)
    return context


@pytest.mark.parametrize("what", TOLERATED)
async def test_what_programs_can_read_goes_out_as_it_is_and_signed(smtp: Smtp, what: str) -> None:
    """SMTP-111, SMTP-113: mistakes that other servers pass on, unless pedantic."""
    message = TOLERATED[what]
    async with smtp.user(context=signing(smtp)) as client:
        assert (await send(client, message)).startswith("250")
    (queued,) = smtp.queued
    assert queued.octets == message
    resolver = FakeResolver({"TXT": {"o._domainkey.ours.example": [key_record(KEY)]}})
    results = await verify(resolver, Signed.of(queued.submission.prefix + queued.octets))
    assert [result.status for result in results] == [SignatureStatus.PASS]
    async with smtp.user(context=smtp.configured(PEDANTIC)) as client:
        assert (await send(client, message)).startswith("554 5.6.0 can't send message: ")


async def test_an_encoded_message_in_one_long_line_gets_lines(smtp: Smtp) -> None:
    """SMTP-112a"""
    message = MIXED % (ATTACHED % (b"base64", base64.b64encode(FORWARDED * 100)))
    async with smtp.user() as client:
        assert (await send(client, message)).startswith("250")
    (queued,) = smtp.queued
    assert max(map(len, queued.octets.splitlines())) <= 998
    *_, attached = queued.message.walk()
    assert base64.b64decode(str(attached.get_payload())) == FORWARDED * 100


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"just text\r\n" + MESSAGE, "line 1 of the header section isn't a field: 'just text'"),
        (b"Gr\xfc\xdfe: x\r\n" + MESSAGE, "line 1 of the header section has a field name that isn't ASCII: 'Gr??e: x'"),
        (MIXED % (b"--q\r\n" * 1200), "can't send message: it has more than 1,000 parts"),
        (
            b"From: <mia@ours.example>\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 60,
            "can't send message: its parts are nested more than 50 levels deep",
        ),
        (
            MIXED % (b"X: " + b"x" * (1 << 20) + b"\r\n\r\n"),
            "can't send message: the header of a part is larger than 1 MiB",
        ),
    ],
)
async def test_what_is_refused_is_said_in_words(smtp: Smtp, message: bytes, reason: str) -> None:
    """SMTP-111"""
    large = smtp.configured("max_message_size = 200000=>max_message_size = 4000000")
    async with smtp.user(context=large) as client:
        assert (await send(client, message)).startswith(f"554 5.6.0 {reason}")


@pytest.mark.parametrize(
    ("fields", "joined"),
    [
        ("To: <eva@far.example>", b"To: <eva@far.example>,\r\n <ann@remote.example>\r\n"),
        ("to:\r\n  a@b.example,\r\n c@d.example", b"to: a@b.example, c@d.example,\r\n <ann@remote.example>\r\n"),
        ("To: <ann@remote.example>", b"To: <ann@remote.example>\r\n"),
        ("To: ", b"To: <ann@remote.example>\r\n"),
        ("Cc: a@b.example\r\nCc: c@d.example\r\nCc: a@b.example", b"Cc: a@b.example,\r\n c@d.example\r\n"),
        ("Subject: hello", b"Subject: hello\r\n"),
        ("Subject: other", b"Subject: other\r\n"),
        ("Date: a\r\nDate: b", b"Date: a\r\n"),
        ("References: <a@b>\r\nReferences: <c@d>", b"References: <a@b>\r\n <c@d>\r\n"),
    ],
)
async def test_fields_that_may_be_there_once_are_joined(smtp: Smtp, fields: str, joined: bytes) -> None:
    """SMTP-111: lists and equal fields, else the first; what is signed and kept is that field."""
    message = f"{fields}\r\n".encode() + MESSAGE
    async with smtp.user(context=signing(smtp)) as client:
        assert (await send(client, message)).startswith("250")
    (queued,) = smtp.queued
    name = joined.partition(b":")[0].lower()
    assert HeaderSection(queued.octets).count(name) == 1
    assert joined in queued.octets
    assert queued.octets.endswith(b"\r\n\r\ntext\r\n")
    async with smtp.user(context=smtp.configured(PEDANTIC)) as client:
        assert "more than one" in await send(client, message)


async def test_blind_copies_in_several_fields_do_not_go_out(smtp: Smtp) -> None:
    """SMTP-112"""
    async with smtp.user() as client:
        assert (await send(client, b"Bcc: a@b.example\r\nBcc: c@d.example\r\n" + MESSAGE)).startswith("250")
    assert smtp.queued[0].octets == MESSAGE


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        (b"no field here\r\n", "line 3 of the header section isn't a field: 'no field here'"),
        ("X-Größe: 5\r\n".encode(), "line 3 of the header section has a field name that isn't ASCII: 'X-Gr??e: 5'"),
        (b">From mia Mon\r\n", "line 3 of the header section isn't a field: '>From mia Mon'"),
        (b"caf\xe9 \x1b[2J" + b"x" * 200 + b"\r\n", "line 3 of the header section isn't a field"),
    ],
)
async def test_a_malformed_header_section_is_refused_for_good(smtp: Smtp, bad: bytes, line: str) -> None:
    """SMTP-113: where it would be signed, with the line, as the client sent it, once; else it goes out."""
    path = smtp.context.config.path.with_name("domains.toml")
    path.with_name("own.pem").write_bytes(to_pem(generate("ed25519")))
    lines = MESSAGE.splitlines(keepends=True)
    message = b"".join([b"Bcc: <eva@far.example>\r\n", lines[0], bad, *lines[1:]])
    async with smtp.user() as client:
        assert (await send(client, message)).startswith("250")
    path.write_text(
        path.read_text().replace(
            '[domains."ours.example"]\n',
            '[domains."ours.example"]\ndkim = { sign = ["o"], selectors = { o = { key_file = "own.pem" } } }\n',
        )
    )
    context = smtp.configured("")
    async with smtp.user(context=context) as client:
        reply = await send(client, message)
        assert reply.startswith("554 5.6.0"), reply
        assert line in reply
        assert "\x1b" not in reply


@pytest.mark.parametrize(
    ("sender", "reply"),
    [
        ("", "250 2.1.0"),
        ("mia+x@ours.example", "250 2.1.0"),
        ("filed@ours.example", "250 2.1.0"),
        ("bo@ours.example", "550 5.7.1"),
        ("team@ours.example", "550 5.7.1"),
        ("mia@remote.example", "550 5.7.1"),
        ("mia@[192.0.2.1]", "550 5.7.1"),
        ("mia@off.example", "451 4.3.0"),
    ],
)
async def test_the_sender_must_be_the_users_own(smtp: Smtp, sender: str, reply: str) -> None:
    """SMTP-68"""
    async with smtp.user() as client:
        await client.play(f"C: MAIL FROM:<{sender}>\nS: {reply}")


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [
        ("ann@remote.example", "250 2.1.5"),
        ("ann@[192.0.2.1]", "250 2.1.5"),
        ("bo@ours.example", "250 2.1.5"),
        ("team@ours.example", "250 2.1.5"),
        ("nobody@ours.example", "550 5.1.1"),
        ("mia@off.example", "450 4.2.1"),
        ("never@ours.example", "550 5.1.1 we have moved"),
        ("later@ours.example", "451 4.3.0"),
    ],
)
async def test_recipients_of_submissions(smtp: Smtp, recipient: str, reply: str) -> None:
    """SMTP-69"""
    async with smtp.user() as client:
        await client.play(f"C: MAIL FROM:<mia@ours.example>\nS: 250\nC: RCPT TO:<{recipient}>\nS: {reply}")


async def test_an_address_literal_reaches_the_queue(smtp: Smtp) -> None:
    """SMTP-69; QUEUE-2"""
    async with smtp.user() as client:
        await send(client, to="ann@[IPv6:2001:db8::1]")
    assert smtp.queued[0].submission.recipients[0].address.domain.unicode == "[IPv6:2001:db8::1]"


async def test_postmaster_without_domain_is_ours(smtp: Smtp) -> None:
    """SMTP-70"""
    async with smtp.user() as client:
        await send(client, to="Postmaster")
    assert str(smtp.queued[0].submission.recipients[0].address) == "postmaster@mail.ours.example"


async def test_what_the_envelope_asks_for_reaches_the_queue(smtp: Smtp) -> None:
    """SMTP-30, 33, 156, 157"""
    until = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    async with smtp.user() as client:
        await client.play(
            f"""
            C: MAIL FROM:<mia@ours.example> REQUIRETLS HOLDUNTIL={until} MT-PRIORITY=3 BY=100;R RET=HDRS ENVID=a+2Bb
            S: 250
            C: RCPT TO:<ann@remote.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y.example
            S: 250
            C: DATA
            S: 354
            """
        )
        await client.send(MESSAGE + b".\r\n")
        assert (await client.reply()).startswith("250")
    submission = smtp.queued[0].submission
    assert submission.requiretls is True
    assert submission.hold_until == int(datetime.fromisoformat(until).timestamp() * 1e6)
    assert submission.future_release == f"until;{until}"
    assert (submission.priority, submission.deliver_by) == (3, "100;R")
    assert (submission.dsn_ret, submission.dsn_envid) == ("HDRS", "a+b")
    assert submission.recipients[0].dsn_notify == DSNNotify.SUCCESS | DSNNotify.DELAY
    assert submission.recipients[0].dsn_orcpt == "rfc822;x@y.example"


async def test_held_mail_has_a_limit(smtp: Smtp) -> None:
    """SMTP-33"""
    async with smtp.user() as client:
        await client.play("C: MAIL FROM:<mia@ours.example> HOLDFOR=5184001\nS: 554 5.5.4")
        await client.play("C: MAIL FROM:<mia@ours.example> HOLDUNTIL=2020-01-01T00:00:00Z\nS: 554 5.5.4")
        await client.play("C: MAIL FROM:<mia@ours.example> HOLDFOR=5184000\nS: 250")


@pytest.mark.parametrize(
    ("values", "requiretls"), [(["No"], False), (["no", "NO"], False), (["No", "yes"], None), ([], None)]
)
async def test_a_header_lifts_the_tls_policy(smtp: Smtp, values: list[str], requiretls: bool | None) -> None:
    """SMTP-31"""
    added = "".join(f"TLS-Required: {value}\r\n" for value in values).encode()
    async with smtp.user() as client:
        await send(client, added + MESSAGE)
    assert smtp.queued[0].submission.requiretls is requiretls


PART = (
    b"Content-Type: multipart/mixed; boundary=x\r\n%b--x\r\n"
    b'Content-Disposition: a; filename="\xc3\xa9"\r\n\r\n\r\n--x--\r\n'
)


@pytest.mark.parametrize(
    ("message", "smtputf8", "has8bit"),
    [
        (MESSAGE.replace(b"text", b"\xc3\xa9"), False, True),
        (MESSAGE.replace(b"hello", b"\xc3\xa9"), False, False),
        (PART.replace(b"%b", MESSAGE.replace(b"text", b"")), False, False),
        (MESSAGE.replace(b"<ann@", b"<\xc3\xa9@"), True, True),
        (MESSAGE.replace(b"To:", b"Cc: \xc3\xa9@remote.example\r\nTo:"), True, True),
    ],
)
async def test_the_need_for_smtputf8_is_computed(smtp: Smtp, message: bytes, smtputf8: bool, has8bit: bool) -> None:
    """SMTP-29, SMTP-112a: by addresses alone; other raw fields are encoded."""
    async with smtp.user() as client:
        assert (await send(client, message)).startswith("250")
    submission = smtp.queued[0].submission
    assert (submission.smtputf8, submission.has8bit) == (smtputf8, has8bit)


async def test_pedantic_wants_what_is_needed_to_be_said(smtp: Smtp) -> None:
    """SMTP-29, 112"""
    context = smtp.configured(PEDANTIC)
    async with smtp.user(context=context) as client:
        assert (await send(client, MESSAGE.replace(b"hello", "é".encode()))).startswith("550 5.6.0")
        assert (await send(client, b"Return-Path: <x@y>\r\n" + MESSAGE)).startswith("550 5.6.0")
        await client.play(
            "C: MAIL FROM:<mia@ours.example> BODY=7BIT\nS: 250\nC: RCPT TO:<a@b.example>\nS: 250\nC: DATA\nS: 354"
        )
        await client.send(MESSAGE.replace(b"text", "é".encode()) + b".\r\n")
        assert (await client.reply()).startswith("500 5.6.0")


async def test_a_unique_sender_is_made_per_recipient(smtp: Smtp) -> None:
    """SMTP-118"""
    message = MESSAGE.replace(b"mia@", b"fromid@")
    async with smtp.user("fromid@ours.example") as client:
        await client.play("C: MAIL FROM:<fromid@ours.example>\nS: 250\nC: RCPT TO:<a@r.example>\nS: 250")
        await client.play("C: RCPT TO:<b@r.example>\nS: 250\nC: DATA\nS: 354")
        await client.send(message + b".\r\n")
        assert (await client.reply()).startswith("250")
        await send(client, message, sender="fromid+own@ours.example")
        await client.play("C: MAIL FROM:<fromid+own@ours.example>\nS: 250\nC: RCPT TO:<a@r.example>\nS: 250")
        await client.play("C: RCPT TO:<b@r.example>\nS: 250\nC: DATA\nS: 354")
        await client.send(message + b".\r\n")
        assert (await client.reply()).startswith("554 5.5.3")
    several, own = smtp.queued
    ids = {recipient.from_id for recipient in several.submission.recipients}
    assert len(ids) == 2
    for recipient in several.submission.recipients:
        assert re.fullmatch(r"[\w-]{22}", recipient.from_id)
        assert str(recipient.mail_from) == f"fromid+{recipient.from_id}@ours.example"
    assert own.submission.recipients[0].from_id == "own"
    async with smtp.user() as client:
        await send(client)
    assert smtp.queued[-1].submission.recipients[0].mail_from is None


async def test_limits_of_an_account_are_told(smtp: Smtp) -> None:
    """SMTP-116"""
    message = MESSAGE.replace(b"mia@", b"bo@")
    async with smtp.user("bo@ours.example") as client:
        for _ in range(3):
            assert (await send(client, message, sender="bo@ours.example")).startswith("250")
        reply = await send(client, message, sender="bo@ours.example")
        assert reply.startswith("451 4.7.1")
        assert "max_outgoing_messages_per_day" in reply
    assert len(smtp.queued) == 3


@pytest.mark.parametrize("error", [QueueFull("too much"), StorageFull("queue.db")])
async def test_a_full_queue_is_told(smtp: Smtp, error: StoreError) -> None:
    """SMTP-115, QUEUE-157: the account has too much waiting, or the disk is full."""

    async def submit(*args: object) -> list[int]:
        raise error

    async with smtp.user(context=smtp.with_context(submit=submit)) as client:
        assert (await send(client)).startswith("452 4.3.1")


# Log-in


async def test_mail_needs_a_login(smtp: Smtp) -> None:
    """SMTP-19, 48"""
    async with smtp.connect("submission", tls=TLS) as client:
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 530 5.7.0")
        await client.play(f"C: {plain()}\nS: 235 2.7.0\nC: {plain()}\nS: 503 5.5.1\nC: MAIL FROM:<>\nS: 250")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"])
@pytest.mark.parametrize("good", [True, False])
async def test_all_mechanisms_let_the_right_password_in(smtp: Smtp, mechanism: str, good: bool) -> None:
    """SMTP-48, 51, 53, 54, 56, 57"""
    password = PASSWORD if good else "wrong horse"
    user = sasl.choose_mechanism([mechanism], "mia@ours.example", password, tls=True)
    assert user is not None
    async with smtp.connect("submission", tls=TLS) as client:
        initial = user.initial()
        reply = await client.say(f"AUTH {mechanism}" + (f" {base64.b64encode(initial).decode()}" if initial else ""))
        while reply.startswith("334"):
            challenge = base64.b64decode(reply[4:])
            answer = b"" if challenge == b"e=invalid-proof" else user.step(challenge)
            reply = await client.say(base64.b64encode(answer).decode())
        assert reply.startswith("235 2.7.0" if good else "535 5.7.8")


async def test_app_passwords_submit_until_they_are_revoked(smtp: Smtp) -> None:
    """SMTP-165, STORE-191: one for something else opens nothing; a session outlives its app password by no message."""
    async with smtp.context.accounts.use("mia") as account:
        mailer = await add_app_password(account, "mailer", ["submission"])
        reader = await add_app_password(account, "reader", ["imap"], read_only=True)
        async with smtp.connect("submission", tls=TLS) as client:
            await client.play(
                f"C: {plain(password=reader)}\nS: 535 5.7.8 this app password can't be used for submission"
            )
            await client.play(f"C: {plain(password=mailer)}\nS: 235 2.7.0")
            assert (await send(client)).startswith("250")
            await account.write(lambda tx: remove_app_password(tx, "mailer"))
            await client.play("C: MAIL FROM:<mia@ours.example>\nS: 421 4.7.0 the app password was revoked")


async def test_sessions_end_with_the_right_to_log_in(smtp: Smtp) -> None:
    """SMTP-62a: at once where they wait, also amid a message, which is dropped; those of others go on."""
    senders = smtp.context.senders
    async with smtp.context.accounts.use("mia") as account:
        mailer = await add_app_password(account, "mailer", ["submission"])
    async with smtp.user() as idle, smtp.user() as busy, smtp.connect("submission", tls=TLS) as own:
        await own.play(f"C: {plain(password=mailer)}\nS: 235 2.7.0")
        assert senders.count("mia") == 3
        await busy.play("C: MAIL FROM:<mia@ours.example>\nS: 250\nC: RCPT TO:<a@r.example>\nS: 250\nC: DATA\nS: 354")
        await busy.send(MESSAGE)
        senders.end_account("bo", "can't send from")
        senders.end_account("mia", "the app password was revoked", app_password="mailer")
        assert (await own.reply()).startswith("421 4.7.0 the app password was revoked")
        assert await own.reply() == ""
        await idle.play("C: NOOP\nS: 250")
        senders.end_account("mia", "password updated")
        for client in (idle, busy):
            assert (await client.reply()).startswith("421 4.7.0 password updated")
            assert await client.reply() == ""
    assert (smtp.queued, senders.count("mia")) == ([], 0)


@pytest.mark.parametrize(
    ("dialogue", "reply"),
    [
        ("AUTH NTLM", "504 5.5.4"),
        ("AUTH SCRAM-SHA-256-PLUS", "538 5.7.11"),
        ("AUTH EXTERNAL", "538 5.7.11"),
        ("AUTH PLAIN !", "501 5.5.2"),
        (f"AUTH PLAIN {encoded('a')}", "501 5.5.4"),
        (f"AUTH PLAIN {encoded(chr(0) + 'a' + chr(0))}", "501 5.5.4"),
        (f"AUTH PLAIN {encoded('bo@ours.example' + chr(0) + 'mia@ours.example' + chr(0) + PASSWORD)}", "535 5.7.8"),
        (plain("team@ours.example"), "535 5.7.8"),
        (plain("nobody@ours.example"), "535 5.7.8"),
        (plain("mia@ours.example", "wrong horse"), "535 5.7.8"),
        (plain("shut@ours.example", "wrong horse"), "535 5.7.8"),
        (plain("shut@ours.example"), "525 5.7.13 ask the admin"),
        (plain("MIA+x@ours.example"), "235 2.7.0"),
        (plain("mia@off.example"), "235 2.7.0"),
    ],
)
async def test_logins_and_their_replies(smtp: Smtp, dialogue: str, reply: str) -> None:
    """SMTP-49..52, 57, 62"""
    async with smtp.connect("submission") as client:
        await client.play(f"C: {dialogue}\nS: {reply}")


async def test_a_dialogue_can_be_given_up(smtp: Smtp) -> None:
    """SMTP-50"""
    async with smtp.connect("submission") as client:
        await client.play("C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 5.5.0\nC: AUTH PLAIN\nS: 334\nC: !\nS: 501 5.5.2")
        await client.play(f"C: {plain()}\nS: 235 2.7.0")


async def test_without_tls_no_password_is_asked_for_where_tls_is_required(smtp: Smtp) -> None:
    """SMTP-25, 49"""
    context = smtp.configured("require_tls = false=>require_tls = true", starttls=server_tls())
    async with smtp.connect("submission", context=context, hello="") as client:
        assert "AUTH" not in await client.say("EHLO x")
        await client.play(f"C: {plain()}\nS: 538 5.7.11")


@pytest.mark.slow
async def test_after_three_failures_the_connection_is_slow(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-15, 63"""
    context = smtp.with_context(timeouts=Timeouts())
    async with smtp.connect("submission", context=context) as client:
        for _ in range(2):
            await client.play(f"C: {plain(password='wrong horse')}\nS: 535 5.7.8")
        clock.autojump_threshold = 0.05  # longer than checking a password takes
        await client.play(f"C: {plain(password='wrong horse')}\nS: 535 5.7.8")
        began = trio.current_time()
        await client.play("C: NOOP\nS: 250")
        assert trio.current_time() - began >= len("250 2.0.0 ok")  # one octet a second
        began = trio.current_time()
        await client.play("C: EHLO there.example\nS: 250")
        assert 20 < trio.current_time() - began < 32  # the rest at once
        await client.play(f"C: {plain()}\nS: 235 2.7.0")
        began = trio.current_time()
        await client.play("C: NOOP\nS: 250")
        assert trio.current_time() == began


async def test_a_network_with_too_many_failures_is_refused(smtp: Smtp) -> None:
    """SMTP-6, 136"""
    logins = smtp.context.logins
    for n in range(10):
        logins.attempts.counts.note(ip_address("198.51.100.7"), f"?{n}")
    async with smtp.connect("submission", hello="") as client:
        assert client.greeting.startswith("421 4.7.0")
    async with smtp.connect("submission", remote="203.0.113.5") as client:
        await client.play(f"C: {plain()}\nS: 235")


async def test_each_failed_login_is_logged(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-65"""
    caplog.set_level("INFO", logger="moxlite")
    async with smtp.connect("submission") as client:
        await client.play(f"C: {plain(password='wrong horse')}\nS: 535 5.7.8")
    (record,) = [record for record in caplog.records if record.getMessage() == "authentication failed"]
    facts = kv(record)
    assert (facts["remote"], facts["protocol"], facts["username"]) == ("198.51.100.7", "submission", "mia@ours.example")


# TLS


def server_tls() -> ServerTLS:
    return ServerTLS([self_signed(["mail.ours.example"])], client_auth=True)


async def upgraded(client: Client, tls: ClientTLS) -> TLSStream:
    await client.play("C: STARTTLS\nS: 220 2.0.0")
    stream = await tls.connect(client.stream, server_name="mail.ours.example")
    client.stream = stream
    return stream


async def test_starttls_forgets_what_was_said_before(smtp: Smtp) -> None:
    """SMTP-20, 25, 34"""
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        assert "STARTTLS" in await client.say("EHLO x")
        await client.play(f"C: {plain()}\nS: 235\nC: STARTTLS\nS: 503 5.5.1")
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await upgraded(client, ClientTLS())
        await client.play("C: MAIL FROM:<>\nS: 503 5.5.1")
        lines = await client.say("EHLO x")
        assert "STARTTLS" not in lines
        assert "SCRAM-SHA-256" in lines
        assert "-PLUS" not in lines
        assert "EXTERNAL" not in lines
        await client.play(f"C: {plain()}\nS: 235")
        assert (await send(client)).startswith("250")
        await client.stream.aclose()
    assert "with ESMTPSA id" in headers(smtp.queued[0].submission.prefix, "Received")[0]


@pytest.mark.parametrize("missed", [False, True])
async def test_scram_is_bound_to_the_tls_connection(smtp: Smtp, missed: bool) -> None:
    """SMTP-48, SMTP-54, SMTP-55: -PLUS is served though it isn't announced; so a client may say that it misses it."""
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        stream = await upgraded(client, ClientTLS())
        await client.play("C: EHLO x\nS: 250")
        ours = {"tls-exporter": stream.channel_binding("tls-exporter")}
        for mechanism, bindings, flag, reply in (
            ("SCRAM-SHA-256-PLUS", {"tls-exporter": b"x" * 32}, b"p=", "535 5.7.7"),
            ("SCRAM-SHA-256", ours, b"y,", "235") if missed else ("SCRAM-SHA-256-PLUS", ours, b"p=", "235"),
        ):
            user = sasl.choose_mechanism([mechanism], "mia@ours.example", PASSWORD, bindings=bindings, tls=True)
            assert user is not None
            assert (user.initial() or b"").startswith(flag)
            got = await client.say(f"AUTH {user.name} {base64.b64encode(user.initial() or b'').decode()}")
            while got.startswith("334"):
                got = await client.say(base64.b64encode(user.step(base64.b64decode(got[4:]))).decode())
            assert got.startswith(reply)
        await client.stream.aclose()


async def test_commands_behind_starttls_are_never_run(smtp: Smtp) -> None:
    """SMTP-20, 145"""
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await client.send(b"STARTTLS\r\nNOOP\r\n")
        assert (await client.reply()).startswith("220")
        rest = b""
        while octets := await client.stream.receive_some(4096):
            rest += octets
        assert b"250" not in rest


async def test_the_log_says_why_starttls_failed(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-20, 140"""
    caplog.set_level("INFO", "moxlite.smtpd")
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await client.play("C: STARTTLS\nS: 220 2.0.0")
        await client.send(b"no handshake\r\n")
        while await client.stream.receive_some(4096):
            pass
        await eventually(lambda: "STARTTLS failed" in caplog.messages, what="the line")
    [record] = [record for record in caplog.records if record.message == "STARTTLS failed"]
    assert "doesn't use TLS" in str(kv(record)["err"])


async def test_a_peer_that_leaves_in_the_handshake_is_no_news(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-140: port checks and scanners do that."""
    caplog.set_level("DEBUG", "moxlite.smtpd")
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await client.play("C: STARTTLS\nS: 220 2.0.0")
        await client.stream.aclose()
        await eventually(lambda: "connection ended" in caplog.messages, what="the line")
    failed = [record for record in caplog.records if record.message in ("STARTTLS failed", "connection ended")]
    assert [record.levelname for record in failed] == ["DEBUG", "DEBUG"]


async def test_an_unknown_client_certificate_does_no_harm(smtp: Smtp) -> None:
    """SMTP-59, 60"""
    tls = ClientTLS(certificate=self_signed(["mia"]))
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await upgraded(client, tls)
        await client.play(
            f"C: EHLO x\nS: 250\nC: MAIL FROM:<>\nS: 530\nC: AUTH EXTERNAL =\nS: 535 5.7.8\nC: {plain()}\nS: 235"
        )
        await client.stream.aclose()


async def certified(smtp: Smtp, account: str = "mia") -> ClientTLS:
    """A client whose key is known for that account."""
    pair = self_signed(["anything"])
    await smtp.auth.keys.add(read_certificate(pair.certificate_pem(), account, f"{account}@ours.example"))
    return ClientTLS(certificate=pair)


async def test_a_session_ends_with_the_key_of_its_certificate(smtp: Smtp) -> None:
    """SMTP-62a, IMAP-23: sessions of the password go on."""
    tls = await certified(smtp)
    [key] = await smtp.auth.keys.of("mia")
    context = smtp.with_context(starttls=server_tls())
    passwords = Passwords(smtp.context.accounts, smtp.context.logins, context.senders.end_account)
    async with smtp.user() as own, smtp.connect("submission", context=context) as client:
        await upgraded(client, tls)
        await client.say("EHLO x")
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 250")
        assert not await passwords.remove_key(smtp.auth.keys, "mia", "unknown")
        assert await passwords.remove_key(smtp.auth.keys, "mia", key.fingerprint)
        assert (await client.reply()).startswith("421 4.7.0 the TLS key was removed")
        await own.play("C: NOOP\nS: 250")


async def test_a_key_that_is_removed_before_its_use_is_no_login(smtp: Smtp) -> None:
    """SMTP-62a: the handshake alone, in which it was known, opens nothing."""
    tls = await certified(smtp)
    [key] = await smtp.auth.keys.of("mia")
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await upgraded(client, tls)
        await client.say("EHLO x")
        assert await smtp.auth.keys.remove("mia", key.fingerprint)
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 530 5.7.0\nC: AUTH EXTERNAL =\nS: 535 5.7.8")
        await client.stream.aclose()


async def test_a_known_client_certificate_is_a_login(smtp: Smtp) -> None:
    """SMTP-59, 61"""
    tls = await certified(smtp)
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await upgraded(client, tls)
        assert "EXTERNAL" in await client.say("EHLO x")
        assert (await send(client)).startswith("250 2.0.0")
        await client.play(f"C: {plain('bo@ours.example')}\nS: 535 5.7.8")  # another account
        await client.play(f"C: {plain('filed@ours.example')}\nS: 235 2.7.0")  # another address of the same
        assert (await send(client)).startswith("250 2.0.0")
        await client.stream.aclose()
    assert [queued.submission.login_address for queued in smtp.queued] == ["mia@ours.example", "filed@ours.example"]


@pytest.mark.parametrize(
    ("identity", "reply"),
    [
        ("=", "235 2.7.0"),
        (encoded("filed@ours.example"), "235 2.7.0"),
        (encoded("bo@ours.example"), "535 5.7.8"),
    ],
)
async def test_external_uses_the_certificate(smtp: Smtp, identity: str, reply: str) -> None:
    """SMTP-58"""
    tls = await certified(smtp)
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await upgraded(client, tls)
        await client.play(f"C: EHLO x\nS: 250\nC: AUTH EXTERNAL {identity}\nS: {reply}")
        await client.stream.aclose()


async def test_a_certificate_does_not_open_a_disabled_login(smtp: Smtp) -> None:
    """SMTP-62"""
    tls = await certified(smtp, "shut")
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await upgraded(client, tls)
        await client.play("C: EHLO x\nS: 250\nC: MAIL FROM:<shut@ours.example>\nS: 525 5.7.13 ask the admin")
        await client.stream.aclose()


async def test_a_removed_certificate_is_no_login_any_more(smtp: Smtp) -> None:
    """SMTP-59, 60"""
    tls = await certified(smtp)
    (key,) = await smtp.auth.keys.of("mia")
    assert await smtp.auth.keys.remove("mia", key.fingerprint)
    async with smtp.connect("submission", context=smtp.with_context(starttls=server_tls())) as client:
        await upgraded(client, tls)
        await client.play("C: EHLO x\nS: 250\nC: MAIL FROM:<mia@ours.example>\nS: 530 5.7.0")
        await client.stream.aclose()


async def test_a_password_in_pieces_does_not_reach_the_trace(smtp: Smtp, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-47: AUTH that comes in several packets, behind another command too."""
    caplog.set_level(TRACE)
    smtp.context.logins.attempts.counts = failure_limits(RateLimits(exempt=(ip_network("0.0.0.0/0"),)))
    secret = base64.b64encode(b"\0mia@ours.example\0wrong horse").decode()
    line = f"NOOP\r\nAUTH PLAIN {secret}\r\n".encode()
    for cut in range(1, len(line)):
        caplog.clear()
        async with smtp.connect("submission") as client:
            await client.send(line[:cut])
            await settled()
            await client.send(line[cut:])
            assert await client.reply() == "250 2.0.0 ok"
            assert (await client.reply()).startswith("535 ")
        told = "".join(str(record.__dict__.get("kv", {}).get("text", "")) for record in caplog.records)
        assert not any(secret[i : i + 8] in told for i in range(len(secret) - 8)), cut


TEAM = MESSAGE.replace(b"Mia <mia@", b"Team <shut@").replace(b"Subject:", b"Bcc: <bob@remote.example>\r\nSubject:")
"""A message from the address of `shut`, where nobody logs in."""


async def let(smtp: Smtp, guest: str, sends: Sends | None, ends: int = 0) -> None:
    """Let an account write from the addresses of `shut`, or no longer."""
    async with smtp.context.accounts.use("shut") as account:
        if sends is None:
            await account.write(lambda tx: remove_delegate(tx, guest))
        else:
            await account.write(lambda tx: set_delegate(tx, Delegate(guest, sends, ends)))


async def sent_of(smtp: Smtp, name: str) -> list[bytes]:
    """The messages in Sent of an account."""
    async with smtp.context.accounts.use(name) as account:
        if await account.read(lambda r: mailbox_by_name(r, "Sent"), op="test") is None:
            return []
        found = []
        for row in await rows(account, "Sent"):
            async with aclosing(stream_message(account, row.id)) as pieces:
                found.append(b"".join([piece async for piece in pieces]))
        return found


async def test_a_guest_sends_from_a_shared_address_by_right_alone(smtp: Smtp) -> None:
    """SMTP-189: sharing a mailbox gives no such right, whatever its letters; the copy is in the owner's Sent."""
    async with smtp.context.accounts.use("shut") as account:
        inbox = await box(account, "Inbox")
        await account.write(lambda tx: set_rights(tx, inbox.id, "mia", RIGHTS))
        await account.write(lambda tx: set_rights(tx, inbox.id, "anyone", RIGHTS))
    async with smtp.user() as client:
        await client.play("C: MAIL FROM:<shut@ours.example>\nS: 550 5.7.1")
        assert (await send(client, TEAM)).startswith("550 5.7.1 you can't send from shut@ours.example")
        await let(smtp, "mia", "as")
        assert (await send(client, TEAM, sender="shut@ours.example")).startswith("250 2.0.0 message queued, id ")
    [queued] = await smtp.carried()
    assert (queued.submission.account, queued.submission.login_address) == ("mia", "mia@ours.example")
    assert str(queued.submission.mail_from) == "shut@ours.example"
    octets = queued.submission.prefix + queued.octets
    assert (octets.count(b"Message-Id:"), octets.count(b"Sender:"), octets.count(b"Bcc:")) == (1, 0, 0)
    [copy] = await sent_of(smtp, "shut")
    assert b"Bcc: <bob@remote.example>" in copy
    assert queued.submission.message_id.encode() in copy
    assert await sent_of(smtp, "mia") == []


async def test_who_sends_on_behalf_is_named(smtp: Smtp) -> None:
    """SMTP-189, SMTP-111a: Sender has the guest's own address, in place of another one."""
    await let(smtp, "mia", "behalf")
    async with smtp.user() as client:
        assert (await send(client, TEAM)).startswith("250")
        assert (await send(client, b"Sender: <fromid@ours.example>\r\n" + TEAM)).startswith("250")
        assert (await send(client, b"Sender: <bo@ours.example>\r\n" + TEAM)).startswith("250")
    first, second, third = await smtp.carried()
    assert b"\r\nSender: <mia@ours.example>\r\n" in b"\r\n" + first.submission.prefix + first.octets
    assert (second.submission.prefix + second.octets).count(b"Sender:") == 1
    assert b"\r\nSender: <mia@ours.example>\r\n" in b"\r\n" + third.submission.prefix + third.octets
    copies = await sent_of(smtp, "shut")
    assert [copy.count(b"Sender:") for copy in copies] == [1, 1, 1]
    assert not any(b"bo@ours.example" in copy for copy in copies)


async def test_the_ways_of_a_users_mail_open_each_account_once(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-189: however many addresses are asked for, known ones and others."""
    await let(smtp, "mia", "as")
    accounts, opened = smtp.context.accounts, list[str]()
    use = accounts.use

    def counted(name: str) -> AbstractAsyncContextManager[OpenAccount]:
        opened.append(name)
        return use(name)

    monkeypatch.setattr(accounts, "use", counted)
    find = ways_of(accounts, smtp.context.config.current, "mia")
    known = ["mia@ours.example", "shut@ours.example"]
    others = [*(f"{n}@else.example" for n in range(9)), "nobody@ours.example"]
    found = [await find(Address.parse(address)) for address in [*known, *others] * 2]
    assert found == [SendingRoute(), SendingRoute(owner="shut"), *[None] * len(others)] * 2
    assert sorted(opened) == ["mia", "shut"]


async def test_the_right_to_send_ends(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-189: at its end, when it is withdrawn, also between From and the copy; then nothing is queued or counted."""
    await let(smtp, "mia", "as", ends=1)
    async with smtp.user() as client:
        assert (await send(client, TEAM)).startswith("550 5.7.1")
        await let(smtp, "mia", "as")

        async def withdrawn(spool: Spool, *, max_size: int) -> PreparedMessage:
            await let(smtp, "mia", None)
            return await prepare(spool, max_size=max_size)

        monkeypatch.setattr("moxlite.submission.counting.prepare", withdrawn)
        assert (await send(client, TEAM)).startswith("550 5.7.1 you can no longer send")
    assert await smtp.carried() == []
    assert await sent_of(smtp, "shut") == []
    async with smtp.context.accounts.use("mia") as account:
        assert await account.read(lambda r: r.value("SELECT count(*) FROM outgoing"), op="test") == 0


async def test_limits_count_for_the_person(smtp: Smtp) -> None:
    """SMTP-189, SMTP-116: who writes from a shared address uses up the own limit."""
    await let(smtp, "bo", "as")
    async with smtp.user("bo@ours.example") as client:
        for _ in range(3):
            assert (await send(client, TEAM, sender="bo@ours.example")).startswith("250")
        assert (await send(client, TEAM, sender="bo@ours.example")).startswith("451 4.7.1")
    assert len(await sent_of(smtp, "shut")) == 3
