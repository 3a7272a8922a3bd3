"""Senders of whom nothing is known: tokens in the subject, the introbox, the threshold of content (smtp.md §8)."""

import re
import time
from typing import Any

import msgspec
import pytest

from moxlite.acceptance import gathering
from moxlite.acceptance.gathering import make
from moxlite.net.resolver import RecordType
from moxlite.proto.address import Address
from moxlite.proto.mime.types import MailAddress
from moxlite.smtpd import Context
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.reputation import subjectpass_key
from moxlite.store.errors import StorageBroken
from moxlite.store.junk.score import Judgement
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.recipients import add_recipients
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag
from tests.session.smtpd_harness import TLS, Smtp, clock, headers, judgement, refusals_logged, smtp
from tests.session.test_smtpd_checks import MAIL, signed, zone
from tests.session.test_smtpd_decisions import DMARC, FILTER, FORBIDDEN, count, mark, reason, send
from tests.session.test_smtpd_rulesets import with_rules

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served

PASS = '[accounts.mia]\nsubject_pass = { period = "12h" }'
TOKEN = re.compile(r"\(pass:[A-Za-z0-9_-]{22}\)")
STRICT = "198.51.100.8"
"""A client without a reverse name: content is judged strictly."""
PERMITTED = {"remote.example": ["v=spf1 ip4:198.51.100.0/24 -all"]}


def judging(monkeypatch: pytest.MonkeyPatch, probability: float) -> None:
    """Let the filter say this of each message."""

    async def judged(*_: object) -> Judgement:
        return judgement(probability)

    monkeypatch.setattr(gathering, "classify", judged)


def passable(smtp: Smtp) -> Context:
    """The context in which mia has a filter and gives tokens."""
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text().replace("[accounts.mia]", PASS))
    return with_rules(smtp, account=FILTER)


def with_subject(subject: str) -> bytes:
    return MAIL.replace(b"Subject: hello", f"Subject: {subject}".encode())


async def test_a_token_leads_a_suspected_author_in(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-92, SMTP-95, SMTP-102: the refusal tells it, and keeps a copy; it works for this author alone, in an answer
    and where folding has parted it.
    """
    context = passable(smtp)
    judging(monkeypatch, 0.5)
    sending: dict[str, Any] = {"changes": PERMITTED, "context": context, "remote": STRICT}
    reply = await send(smtp, **sending)
    assert reply.startswith("550 5.7.1 this looks like junk")
    token = TOKEN.search(reply)
    assert token is not None
    assert await count(smtp, "Inbox", "Rejects") == (0, 1)
    assert await reason(smtp, "Rejects") == "give-subjectpass"
    assert await smtp.carried() == []
    for_another = with_subject(token[0]).replace(b"ann@", b"bob@")
    assert (await send(smtp, mail=for_another, **sending)).startswith("550 5.7.1")
    assert (await send(smtp, mail=with_subject(token[0].swapcase().replace("(PASS", "(pass")), **sending)).startswith(
        "550 5.7.1"
    )
    again = with_subject(f"Re: hello {token[0][:9]}\r\n {token[0][9:]} once more")
    assert (await send(smtp, mail=again, **sending)).startswith("250")
    assert await reason(smtp) == "subjectpass"


@pytest.mark.parametrize(
    ("age", "key", "accepted"),
    [(11 * 3600, "", True), (13 * 3600, "", False), (-3600, "", False), (0, "x" * 16, False)],
)
async def test_a_token_has_its_time(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, age: int, key: str, accepted: bool
) -> None:
    """SMTP-92: `subject_pass.period`, and the key of the address that was written to."""
    context = passable(smtp)
    judging(monkeypatch, 0.5)
    async with smtp.context.accounts.use("mia") as account:
        own = await account.write(lambda tx: subjectpass_key(tx, "mia@ours.example"))
    token = make(key or own, Address.parse("ann@remote.example"), time.time() - age)
    reply = await send(smtp, PERMITTED, with_subject(token), context=context, remote=STRICT)
    assert reply.startswith("250" if accepted else "550 5.7.1")


@pytest.mark.parametrize(
    ("world", "probability", "known"),
    [({DMARC: []}, 0.5, False), ({}, 0.95, False), ({}, 0.5, True)],
    ids=["author not proven", "junk by far", "not the first mail"],
)
async def test_who_gets_no_token(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, world: dict[str, list[str]], probability: float, known: bool
) -> None:
    """SMTP-95: the reply says no cause."""
    context = passable(smtp)
    if known:
        assert (await send(smtp, PERMITTED, MAIL.replace(b"ann@", b"bob@"))).startswith("250")
        await mark(smtp, Flag.JUNK)
    judging(monkeypatch, probability)
    reply = await send(smtp, {**PERMITTED, **world}, context=context, remote=STRICT)
    assert reply.startswith("451 4.3.0 can't accept this message right now")


async def test_a_listed_client_is_told_a_token(smtp: Smtp) -> None:
    """SMTP-94, SMTP-95: whatever the filter says."""
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text().replace("[accounts.mia]", PASS))
    context = smtp.configured('starttls = false=>starttls = false, dnsbls = ["bl.example"]')
    resolver = zone()
    for name in ("2.0.0.127.bl.example", "9.114.0.203.bl.example"):
        resolver.set(name, RecordType.A, ["127.0.0.2"])
    async with smtp.connect(
        context=msgspec.structs.replace(context, resolver=resolver), tls=TLS, remote="203.0.114.9"
    ) as client:
        assert (await client.deliver(message=await signed())).startswith("550 5.7.1")
    assert await reason(smtp, "Rejects") == "give-subjectpass"


async def test_keys_that_cannot_be_read(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-96: the sender tries again."""

    def broken(*_: object) -> str:
        raise StorageBroken("disk I/O error")

    context = passable(smtp)
    monkeypatch.setattr(gathering, "find_subjectpass_key", broken)
    mail = with_subject("(pass:AAAAAAAAAAAAAAAAAAAAAA)")
    caplog.set_level("INFO", logger="moxlite.smtpd")
    assert (await send(smtp, PERMITTED, mail, context=context, remote=STRICT)).startswith("451 4.3.0 server error")
    assert refusals_logged(caplog) == ["subjectpass-error"]


async def test_the_threshold_is_not_to_be_found_by_trying(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-93: each message has its own, at most 0.05 from that of the filter; a retry has the same."""
    context = with_rules(smtp, account=FILTER)
    judging(monkeypatch, 0.9)
    world: dict[str, list[str]] = {DMARC: []}
    replies = [await send(smtp, world, with_subject(f"{n}"), context=context) for n in range(16)]
    assert {reply[:3] for reply in replies} == {"250", "451"}
    mail = await signed(with_subject("retried"))
    seen = set()
    for _ in range(6):
        async with smtp.connect(context=_with_zone(context), tls=TLS) as client:
            seen.add((await client.deliver(message=mail))[:3])
    assert len(seen) == 1
    for probability, answer in ((0.84, "250"), (0.96, "451")):
        judging(monkeypatch, probability)
        replies = [await send(smtp, world, with_subject(f"{n}"), context=context) for n in range(8)]
        assert {reply[:3] for reply in replies} == {answer}


def _with_zone(context: Context) -> Context:
    return msgspec.structs.replace(context, resolver=zone({DMARC: []}))


async def test_spaces_before_paths_are_a_sign(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-66, SMTP-93: where they are tolerated, content is judged strictly."""
    with_rules(smtp, account=FILTER)
    context = smtp.configured("starttls = false=>starttls = false, tolerate_space = true")
    judging(monkeypatch, 0.5)
    async with smtp.connect(context=_with_zone(context), tls=TLS) as client:
        assert (await client.deliver(message=MAIL)).startswith("250")
        await client.play("C: MAIL FROM: <ann@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.play("C: DATA\nS: 354")
        await client.send(MAIL + b".\r\n")
        assert (await client.reply()).startswith("451 4.3.0")
    assert await reason(smtp, "Rejects") == "junk-content-strict"


# The introbox


def with_introbox(smtp: Smtp, *rules: str) -> Context:
    path = smtp.context.config.path.with_name("domains.toml")
    path.write_text(path.read_text().replace("[accounts.mia]", '[accounts.mia]\nintrobox = "Introbox"'))
    return with_rules(smtp, *rules)


async def to_inbox(account: Account) -> None:
    """Move what is in the introbox to the Inbox, as its owner does."""

    def move(tx: AccountTx) -> None:
        source, target = mailbox_by_name(tx, "Introbox"), mailbox_by_name(tx, "Inbox")
        assert source is not None
        assert target is not None
        uids = [uid for (uid,) in tx.rows("SELECT uid FROM message WHERE mailbox_id = ?", source.id)]
        move_messages(tx, source.id, uids, target.id)

    await account.write(move)


async def test_first_contacts_go_into_the_introbox(smtp: Smtp) -> None:
    """SMTP-89, STORE-68: until the owner takes the first mail of an author out, or has written to it."""
    context = with_introbox(smtp)
    for _ in range(2):
        assert (await send(smtp, context=context)).startswith("250")
    assert await count(smtp, "Inbox", "Introbox") == (0, 2)
    assert await reason(smtp, "Introbox") == "no-bad-signals"
    async with smtp.context.accounts.use("mia") as account:
        await to_inbox(account)
        addresses = [MailAddress("", "cy", "third.example")]
        await account.write(lambda tx: add_recipients(tx, 1, addresses, tx.now))
    assert (await send(smtp, context=context)).startswith("250")
    assert await reason(smtp) == "msgfromfull"
    world = {**PERMITTED, DMARC: []}
    mail, proven = MAIL.replace(b"ann@remote", b"cy@third"), {**world, "third.example": ["v=spf1 +all"]}
    assert (await send(smtp, proven, mail, sender="", hello="EHLO third.example", context=context)).startswith("250")
    assert await count(smtp, "Inbox", "Introbox") == (4, 0)
    assert (await send(smtp, world, MAIL.replace(b"ann@", b"bob@"), context=context)).startswith("250")
    assert await count(smtp, "Inbox", "Introbox") == (4, 1)


async def test_what_does_not_go_into_the_introbox(smtp: Smtp) -> None:
    """SMTP-85, SMTP-89: mail that a ruleset files, for another mailbox, of the own queue, and junk."""
    context = with_introbox(smtp, 'mailbox = "Friends"\nmsg_from_regexp = "^bob@"')
    world = {**PERMITTED, DMARC: []}
    assert (await send(smtp, world, MAIL.replace(b"ann@", b"bob@"), context=context)).startswith("250")
    assert (await send(smtp, world, to="filed@ours.example", context=context)).startswith("250")
    assert (await send(smtp, context=context, trusted=True)).startswith("250")
    assert (await send(smtp, {**FORBIDDEN, DMARC: ["v=DMARC1; p=quarantine"]}, context=context)).startswith("250")
    assert await count(smtp, "Friends", "Filed", "Inbox", "Junk", "Introbox") == (1, 1, 1, 1, 0)
    assert headers(await smtp.one(mailbox="Filed"), "X-Moxlite-Reason")
