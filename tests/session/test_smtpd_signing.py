"""What goes out is signed, counted and refused as the configuration says (docs/spec/smtp.md §9, mailauth.md §4)."""

import email
import email.policy
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.config.holder import ConfigHolder
from moxlite.config.load import ConfigError
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import PrivateKey, generate, key_record, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import FakeResolver
from moxlite.process.keys import SigningKeys
from moxlite.smtpd import Context
from moxlite.store.delivery.submission import QueueFull, Submission
from tests.session.smtpd_harness import MESSAGE as INCOMING, Client, Queued, Smtp, clock, headers, smtp

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

MESSAGE = b"From: Mia <mia@ours.example>\r\nTo: <ann@remote.example>\r\nSubject: hello\r\n\r\ntext\r\n"
KEYS: dict[str, PrivateKey] = {"2026a": generate("rsa"), "2026c": generate("ed25519")}
RECORDS = {
    f"{name}._domainkey.{domain}": [key_record(key)]
    for name, key in KEYS.items()
    for domain in ("ours.example", "second.example")
}
DKIM = """
sign = ["2026a", "2026c"]
[domains."{domain}".dkim.selectors.2026a]
key_file = "a.pem"
[domains."{domain}".dkim.selectors.2026c]
key_file = "c.pem"
expiration = "0s"
"""


def signing(smtp: Smtp, *domains: str) -> Context:
    """The context of a server at which these domains sign."""
    path = smtp.context.config.path
    for name, key in KEYS.items():
        (path.parent / f"{name[-1]}.pem").write_bytes(to_pem(key))
    text = (path.parent / "domains.toml").read_text()
    text += '[domains."second.example"]\n[accounts.mia.destinations."mia@second.example"]\n'
    for domain in domains:
        text += f'[domains."{domain}".dkim]\n{DKIM.format(domain=domain)}'
    (path.parent / "domains.toml").write_text(text)
    keys = SigningKeys()
    holder, _ = ConfigHolder.open(path, examine=keys.read)
    return smtp.with_context(config=holder, keys=keys)


async def send(client: Client, message: bytes = MESSAGE, **more: str) -> str:
    return await client.deliver(**{"to": "ann@remote.example", "sender": "mia@ours.example", "message": message} | more)  # type: ignore[arg-type]  # by name


async def verdicts(queued: Queued) -> list[tuple[str, str, str, str]]:
    """Of each signature: the result, domain, selector and identity."""
    octets = queued.submission.prefix + queued.octets
    results = await verify(FakeResolver({"TXT": RECORDS}), Message.of(octets))
    return [(one.status, one.domain, one.selector, one.identity) for one in results]


async def test_every_submission_is_signed_by_all_selectors(smtp: Smtp) -> None:
    """AUTH-42, AUTH-44, SMTP-113"""
    async with smtp.user(context=signing(smtp, "ours.example")) as client:
        assert (await send(client)).startswith("250")
    assert await verdicts(smtp.queued[0]) == [
        ("pass", "ours.example", "2026a", "mia@ours.example"),
        ("pass", "ours.example", "2026c", "mia@ours.example"),
    ]
    rsa, ed25519 = headers(smtp.queued[0].submission.prefix, "DKIM-Signature")
    assert " x=" in rsa
    assert " x=" not in ed25519


async def test_what_is_added_is_signed_and_what_is_removed_is_not(smtp: Smtp) -> None:
    """AUTH-43, SMTP-112, SMTP-117: Date and Message-Id, Bcc and extra fields; trace fields may change."""
    async with smtp.user(context=signing(smtp, "ours.example")) as client:
        await send(client, b"Bcc: <bo@ours.example>\r\nX-Moxlite-Extra-A: 1\r\n" + MESSAGE)
    (queued,) = smtp.queued
    assert {verdict[0] for verdict in await verdicts(queued)} == {"pass"}
    prefix = queued.submission.prefix
    for name in (b"Date", b"Message-Id"):
        changed = msgspec.structs.replace(queued.submission, prefix=prefix.replace(name + b":", b"X-Old:"))
        assert {verdict[0] for verdict in await verdicts(Queued(changed, queued.octets))} == {"fail"}
    relayed = msgspec.structs.replace(queued.submission, prefix=b"Received: from x\r\n" + prefix)
    assert {verdict[0] for verdict in await verdicts(Queued(relayed, queued.octets))} == {"pass"}


async def test_a_message_leaves_as_each_server_takes_it(smtp: Smtp) -> None:
    """SMTP-112, SMTP-112a: raw names and subjects are encoded, long lines as well, fields of others are left out; all
    before it is signed. A signed part with a long line is refused with words.
    """
    message = MESSAGE.replace(b"Mia", "Jörg".encode()).replace(b"hello", "raw ü".encode())
    message = message.replace(b"text", b"x" * 3_000)
    private = (
        b"Return-Path: <evil@far.example>\r\nResent-Bcc: <eva@far.example>\r\nX-Moxlite-Reason: x\r\n"
        b"X-Moxlite-Draft: x\r\nAuthentication-Results: mail.ours.example; dkim=pass\r\n"
    )
    signed = message.replace(
        b"\r\n\r\n", b"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=q\r\n\r\n--q\r\n\r\n"
    )
    async with smtp.user(context=signing(smtp, "ours.example")) as client:
        assert (await send(client, private + message)).startswith("250")
        reply = await send(client, signed + b"--q--\r\n")
    assert reply.startswith(
        "554 5.6.0 can't send message: a signed or encrypted part has a line longer than 998 octets"
    )
    [queued] = smtp.queued
    assert queued.octets.isascii()
    assert max(map(len, queued.octets.splitlines())) <= 998
    found = email.message_from_bytes(queued.octets, policy=email.policy.SMTP)
    assert (found["subject"], found["from"]) == ("raw ü", "Jörg <mia@ours.example>")
    assert found.get_payload(decode=True) == b"x" * 3_000 + b"\r\n"
    names = {"return-path", "resent-bcc", "x-moxlite-reason", "x-moxlite-draft", "authentication-results"}
    assert names.isdisjoint(name.lower() for name in found)
    assert {verdict[0] for verdict in await verdicts(queued)} == {"pass"}


async def test_what_one_click_and_programs_read_is_signed_but_not_sealed(smtp: Smtp) -> None:
    """AUTH-43, SMTP-113: RFC 8058 §4 wants both List-Unsubscribe fields signed; a list may add fields of its own."""
    fields = (
        b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n"
        b"List-Id: <news.ours.example>\r\nList-Unsubscribe: <https://ours.example/u>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    )
    async with smtp.user(context=signing(smtp, "ours.example")) as client:
        assert (await send(client, fields + MESSAGE)).startswith("250")
    (queued,) = smtp.queued
    [signature, _] = headers(queued.submission.prefix, "DKIM-Signature")
    names = "".join(signature.partition(" h=")[2].partition(";")[0].split()).lower().split(":")
    for name in ("mime-version", "content-transfer-encoding", "list-id", "list-unsubscribe", "list-unsubscribe-post"):
        assert names.count(name) == 1
    for name in ("from", "to", "subject", "date", "message-id", "content-type"):
        assert names.count(name) == 2
    for changed, verdict in (
        (queued.octets.replace(b"https://ours.example/u", b"https://evil.example/u"), "fail"),
        (queued.octets.replace(b"One-Click", b"Two-Clicks"), "fail"),
        (b"List-Id: <people.list.example>\r\n" + queued.octets, "pass"),
    ):
        assert changed != queued.octets
        assert {one[0] for one in await verdicts(Queued(queued.submission, changed))} == {verdict}


async def test_a_long_message_is_signed(smtp: Smtp) -> None:
    """AUTH-44"""
    body = b"line\r\n" * 30_000
    async with smtp.user(context=signing(smtp, "ours.example")) as client:
        assert (await send(client, MESSAGE + body)).startswith("250")
    assert {verdict[0] for verdict in await verdicts(smtp.queued[0])} == {"pass"}


async def test_the_domain_of_from_signs_not_that_of_the_envelope(smtp: Smtp) -> None:
    """AUTH-42, SMTP-113: so that DMARC aligns."""
    async with smtp.user(context=signing(smtp, "second.example")) as client:
        assert (await send(client, MESSAGE.replace(b"mia@ours", b"mia@second"))).startswith("250")
        assert (await send(client, MESSAGE, sender="mia@second.example")).startswith("250")
    first, second = smtp.queued
    assert [verdict[:2] for verdict in await verdicts(first)] == [("pass", "second.example")] * 2
    assert await verdicts(second) == []


async def test_a_message_that_cannot_be_signed_is_not_sent(smtp: Smtp) -> None:
    """SMTP-113: no key is there for the selector."""
    context = signing(smtp, "ours.example")
    async with smtp.user(context=msgspec.structs.replace(context, keys=SigningKeys())) as client:
        assert (await send(client)).startswith("451 4.3.0 can't sign message right now")
    assert smtp.queued == []


async def test_what_is_not_queued_is_not_counted(smtp: Smtp) -> None:
    """SMTP-116, QUEUE-18: the rows of limits and of the queue stand or fall together."""

    async def submit(*args: object) -> list[int]:
        raise QueueFull("too much")

    async def counted() -> int:
        async with smtp.context.accounts.use("bo") as account:
            rows: int = await account.read(lambda r: r.value("SELECT count(*) FROM outgoing"), op="test")
            return rows

    message = MESSAGE.replace(b"mia@", b"bo@")
    async with smtp.user("bo@ours.example", context=smtp.with_context(submit=submit)) as client:
        for _ in range(5):
            assert (await send(client, message, sender="bo@ours.example")).startswith("452 4.3.1")
    assert await counted() == 0
    async with smtp.user("bo@ours.example") as client:
        for _ in range(3):
            assert (await send(client, message, sender="bo@ours.example")).startswith("250")
    assert await counted() == 3


async def test_a_commit_that_may_have_happened_stays_counted(smtp: Smtp, clock: trio.testing.MockClock) -> None:
    """SMTP-116: no reply is given, the client will try again."""
    stuck = trio.Event()

    async def submit(submission: Submission, spool: object) -> list[int]:
        stuck.set()
        await trio.sleep_forever()
        raise AssertionError

    async with smtp.user(context=smtp.with_context(submit=submit)) as client:
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 250\nC: RCPT TO:<a@b.example>\nS: 250\nC: DATA\nS: 354")
        await client.send(MESSAGE + b".\r\n")
        await stuck.wait()
        clock.jump(smtp.context.timeouts.store + 1)
        assert await client.reply() == ""
    async with smtp.context.accounts.use("mia") as account:
        assert await account.read(lambda r: r.value("SELECT count(*) FROM outgoing"), op="test") == 1


async def test_only_a_login_as_configured_gets_unique_senders(smtp: Smtp) -> None:
    """SMTP-118: with what is behind the separator; the address of such a log-in is no id of the user's own."""
    path = smtp.context.config.domains_path
    path.write_text(path.read_text().replace('["fromid@ours.example"]', '["Mia+fromid@ours.example"]'))
    holder, _ = ConfigHolder.open(smtp.context.config.path)
    context = smtp.with_context(config=holder)
    async with smtp.user(context=context) as client:
        await send(client)
    async with smtp.user("mia+other@ours.example", context=context) as client:
        await send(client)
    assert [one.submission.recipients[0].from_id for one in smtp.queued] == ["", ""]
    async with smtp.user("MIA+fromid@ours.example", context=context) as client:
        for sender in ("mia@ours.example", "mia+fromid@ours.example", "mia+fromid@ours.example"):
            assert (await send(client, sender=sender)).startswith("250")
        await send(client, sender="mia+own@ours.example")
    ids = [one.submission.recipients[0].from_id for one in smtp.queued[2:]]
    assert len(set(ids)) == 4
    assert [len(one) for one in ids] == [22, 22, 22, 3]
    assert str(smtp.queued[3].submission.recipients[0].mail_from) == f"mia+{ids[1]}@ours.example"


async def test_an_underscore_in_ehlo_is_for_users_only(smtp: Smtp) -> None:
    """SMTP-22, SMTP-23"""
    async with smtp.connect(hello="") as client:
        await client.play("C: EHLO my_pc\nS: 501 5.5.2\nC: HELO my_pc.example\nS: 501\nC: EHLO my-pc.example\nS: 250")
    async with smtp.connect("submission", hello="") as client:
        await client.play("C: EHLO my_pc\nS: 250")


async def test_a_notice_of_ours_is_signed_by_the_nearest_domain(smtp: Smtp) -> None:
    """SMTP-113: mail.ours.example is no domain of the configuration, ours.example above it is."""
    async with smtp.connect(trusted=True, context=signing(smtp, "ours.example")) as client:
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250\nC: RCPT TO:<nobody@ours.example>\nS: 250")
        await client.play("C: RCPT TO:<bo@ours.example>\nS: 250\nC: DATA\nS: 354")
        await client.send(INCOMING + b".\r\n")
        assert (await client.reply()).startswith("250")
    (queued,) = await smtp.carried()
    assert [verdict[:2] for verdict in await verdicts(queued)] == [("pass", "ours.example")] * 2
    assert email.message_from_bytes(queued.submission.prefix)["DKIM-Signature"]


async def test_a_missing_key_makes_the_configuration_invalid(smtp: Smtp, tmp_path: Path) -> None:
    """AUTH-45: at the start, and when the file changes; the path is named, relative ones are beside domains.toml."""
    context = signing(smtp, "ours.example")
    holder = context.config
    before = holder.current
    text = holder.domains_path.read_text()
    for change, problem in (('"b.pem"', "can't read "), ('"domains.toml"', "must be a PEM private key")):
        holder.domains_path.write_text(text.replace('"a.pem"', change))
        assert not await holder.reload()
        assert holder.current is before
        (found,) = holder.problems
        assert problem in str(found)
        assert str(holder.path.parent / change.strip('"')) in str(found)
        assert 'domains."ours.example".dkim.selectors.2026a.key_file' in str(found)
        with pytest.raises(ConfigError, match=problem):
            ConfigHolder.open(holder.path, examine=SigningKeys().read)
    changed = text.replace('key_file = "c.pem"', 'key_file = "c.pem"\nhash = "sha1"')
    for mistake in (changed, text + 'headers = ["From", "X; b=y"]\n'):
        holder.domains_path.write_text(mistake)
        assert not await holder.reload()
        assert len(holder.problems) == 1
    holder.domains_path.write_text(text)
    assert await holder.reload()
    async with smtp.user(context=context) as client:
        await send(client)
    assert {verdict[0] for verdict in await verdicts(smtp.queued[0])} == {"pass"}


async def test_a_key_file_that_changes_is_read_with_the_next_configuration(smtp: Smtp) -> None:
    """AUTH-45"""
    context = signing(smtp, "ours.example")
    holder = context.config
    text = holder.domains_path.read_text()
    (holder.path.parent / "a.pem").write_bytes(to_pem(generate("rsa")))
    holder.domains_path.write_text(text + "# changed\n")
    assert await holder.reload()
    async with smtp.user(context=context) as client:
        assert (await send(client)).startswith("250")
    assert [verdict[0] for verdict in await verdicts(smtp.queued[0])] == ["fail", "pass"]
