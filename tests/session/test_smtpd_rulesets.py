"""Rulesets of a destination decide where incoming mail goes (docs/spec/smtp.md SMTP-82, SMTP-84, SMTP-98)."""

import logging
from typing import Any

import pytest

from moxlite.acceptance import gathering
from moxlite.acceptance.cases import DKIM_DOMAIN, Evidence
from moxlite.acceptance.gathering import evidence_of
from moxlite.config.load import ConfigError
from moxlite.smtpd import Context
from moxlite.smtpd.incoming import deliver
from moxlite.store.delivery.reasons import Fact, Strength
from moxlite.store.errors import StorageBusy
from moxlite.store.junk.score import Judgement, Lack
from moxlite.store.types import Flag
from tests.session.smtpd_harness import Smtp, clock, judgement, reason_of, refusals_logged, smtp

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

DESTINATION = '[accounts.mia.destinations."mia@ours.example"]\n'

MESSAGE = b"From: Ann <ann@remote.example>\r\nTo: <mia@ours.example>\r\nSubject: hello\r\n"

BODY = b"\r\ntext\r\n"


def with_rules(smtp: Smtp, *rules: str, account: str = "") -> Context:
    """The context with these rulesets for mia, each the lines of a table."""
    path = smtp.context.config.path.with_name("domains.toml")
    text = path.read_text()
    tables = "".join(f'[[accounts.mia.destinations."mia@ours.example".rulesets]]\n{rule}\n' for rule in rules)
    text = text.replace(DESTINATION, DESTINATION + tables).replace("[accounts.bo]", f"{account}\n[accounts.bo]")
    path.write_text(text)
    return smtp.configured("")


async def deliver_to(
    smtp: Smtp,
    context: Context,
    message: bytes = MESSAGE + BODY,
    *,
    to: str = "mia@ours.example",
    sender: str = "ann@remote.example",
) -> str:
    async with smtp.connect(context=context) as client:
        return await client.deliver(to, message, sender)


@pytest.mark.parametrize(
    ("rule", "field", "sender", "matches"),
    [
        ('smtp_mail_from_regexp = "^ann@"', b"", "ann@remote.example", True),
        ('smtp_mail_from_regexp = "^ann@"', b"", "joe@remote.example", False),
        ('msg_from_regexp = "@remote\\\\.example$"', b"", "", True),
        ('msg_from_regexp = "@other\\\\.example$"', b"", "", False),
        (
            'headers_regexp = { "^list-id$" = "<people\\\\." }',
            b"List-ID: The <People.lists.example>\r\n",
            "a@b.example",
            True,
        ),
        ('headers_regexp = { "^x-odd$" = "^grüße$" }', b"X-Odd: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n", "a@b.example", True),
        (
            'headers_regexp = { "^x-odd$" = "^отчёт$" }',
            b"X-Odd: %b\r\nContent-Type: text/plain; charset=windows-1251\r\n" % "Отчёт".encode("windows-1251"),
            "a@b.example",
            True,
        ),
        ('headers_regexp = { "^list-id$" = "." }', b"", "a@b.example", False),
        ('smtp_mail_from_regexp = "^ann@"\nmsg_from_regexp = "^nobody@"', b"", "ann@remote.example", False),
        ('verified_domain = "remote.example"', b"", "ann@remote.example", False),
    ],
)
async def test_mail_is_filed_where_a_rule_says(smtp: Smtp, rule: str, field: bytes, sender: str, matches: bool) -> None:
    """SMTP-82, STORE-56, STORE-64: the first of which all conditions hold; nothing is verified if nobody verifies."""
    context = with_rules(smtp, f'mailbox = "Lists/People"\n{rule}', 'mailbox = "Later"\nmsg_from_regexp = "never"')
    answer = await deliver_to(smtp, context, MESSAGE + field + BODY, sender=sender)
    assert answer.startswith("250")
    assert len(await smtp.messages(mailbox="Lists/People")) == matches
    assert len(await smtp.messages()) == (not matches)


FILE = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>Your <b>annual</b>\r\nbill</p>\r\n"
    b"--b\r\nContent-Type: application/pdf; name=bill.pdf\r\n\r\nx\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("words", "matches"),
    [
        ('{ part = "from", value = "ANN" }', True),
        ('{ part = "from", test = "is", value = "ann@remote.example" }', True),
        ('{ part = "from", test = "ends", value = "@remote" }', False),
        ('{ part = "to", test = "begins", value = "mia@" }', True),
        ('{ part = "subject", test = "is", value = "Hello" }', True),
        ('{ part = "subject", value = "bill" }', False),
        ('{ part = "text", value = "annual bill" }', True),
        ('{ part = "text", value = "<b>" }', False),
        ('{ part = "list", test = "is", value = "people.lists.example" }', True),
        ('{ part = "larger", value = "1k" }', False),
        ('{ part = "larger", value = "200" }', True),
        ('{ part = "attachment" }', True),
        ('{ part = "attachment" }, { part = "subject", value = "bill" }', False),
    ],
)
async def test_rules_in_words_label_star_and_read(smtp: Smtp, words: str, matches: bool) -> None:
    """STORE-64a, SMTP-82a: in the address's own mailbox where the rule names none."""
    context = with_rules(smtp, f'label = "bills"\nstar = true\nread = true\nconditions = [{words}]')
    octets = MESSAGE + b"List-ID: The <People.lists.example>\r\n" + FILE
    assert (await deliver_to(smtp, context, octets)).startswith("250")
    async with smtp.context.accounts.use("mia") as account:
        row = await account.read(lambda r: r.row("SELECT flags, keywords FROM message"), op="test")
    assert row is not None
    assert (bool(row[0] & Flag.FLAGGED), bool(row[0] & Flag.SEEN), "bills" in row[1]) == (matches,) * 3


@pytest.mark.parametrize(("match", "filed"), [("all", 0), ("any", 1)])
async def test_all_or_any_of_the_words_must_hold(smtp: Smtp, match: str, filed: int) -> None:
    """STORE-64a; conditions of another kind must hold in any case."""
    words = '{ part = "subject", value = "hello" }, { part = "subject", value = "bye" }'
    rule = f'mailbox = "Filed"\nmatch = "{match}"\nconditions = [{words}]\nmsg_from_regexp = '
    context = with_rules(smtp, rule + '"joe"', rule + '"ann"')
    await deliver_to(smtp, context)
    assert len(await smtp.messages(mailbox="Filed")) == filed


async def test_rules_do_not_look_at_what_is_no_header(smtp: Smtp) -> None:
    """STORE-64; a long header is read in a thread."""
    context = with_rules(smtp, 'mailbox = "Filed"\nsmtp_mail_from_regexp = "."')
    await deliver_to(smtp, context, b"this is no field\r\nSubject: x\r\n\r\ntext\r\n")
    assert len(await smtp.messages()) == 1
    assert (await deliver_to(smtp, context, MESSAGE + b"X-More: some words\r\n" * 2_000 + BODY)).startswith("250")
    assert len(await smtp.messages(mailbox="Filed")) == 1


async def facts_of(smtp: Smtp, mailbox: str) -> tuple[object, ...]:
    async with smtp.context.accounts.use("mia") as account:
        row = await account.read(
            lambda r: r.row(
                """SELECT m.is_forward, m.is_reject, m.flags & 1, s.remote_ip, s.ip1, s.ip2, s.ip3, s.ehlo_domain,
                s.mailfrom_domain, s.orig_ehlo, s.orig_dkim, s.verdict,
                (SELECT group_concat(value) FROM json_each(s.dkim)),
                (SELECT name FROM mailbox b WHERE b.id = m.mailbox_destined_id)
                FROM message m JOIN message_smtp s ON s.message_id = m.id JOIN mailbox x ON x.id = m.mailbox_id
                WHERE x.name = ?""",
                mailbox,
            ),
            op="test",
        )
    assert row is not None
    return row


async def test_a_forwarder_gets_no_reputation_from_what_it_forwards(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-66, SMTP-84: networks, EHLO, MAIL FROM and the forwarder's signature are masked; originals are kept."""

    async def verified(*args: Any) -> Evidence:
        domains = ("there.example", "author.example")
        found = await evidence_of(*args)
        return found.but(*(Fact(DKIM_DOMAIN, name, True, Strength.PROOF, "dkim") for name in domains))

    monkeypatch.setattr(deliver, "evidence_of", verified)
    context = with_rules(
        smtp,
        'mailbox = "Forwards"\nis_forward = true\nsmtp_mail_from_regexp = "^fwd@"\nverified_domain = "there.example"',
    )
    assert (await deliver_to(smtp, context, sender="fwd@there.example")).startswith("250")
    is_forward, is_reject, seen, ip, *masked, orig_ehlo, orig_dkim, _, dkim, destined = await facts_of(smtp, "Forwards")
    assert (is_forward, is_reject, seen, destined) == (1, 0, 0, None)
    assert ip == "198.51.100.7"
    assert masked == ["", "", "", "", ""]
    assert orig_ehlo == "there.example"
    assert str(orig_dkim).split() == ["there.example", "author.example"]
    assert dkim == "author.example"
    assert (await deliver_to(smtp, context, sender="ann@remote.example")).startswith("250")
    is_forward, _, _, _, *plain, orig_ehlo, orig_dkim, _, dkim, _ = await facts_of(smtp, "Inbox")
    assert (is_forward, orig_ehlo, orig_dkim) == (0, "", "")
    assert all(plain)
    assert dkim == "author.example,there.example"


JUNK = 'mailbox = "Lists"\nsmtp_mail_from_regexp = "."\naccept_rejects_to_mailbox = "Unwanted"'
FILTER = "[accounts.mia.junk_filter]\nthreshold = 0.9\nonegrams = true"


@pytest.mark.parametrize(
    ("probability", "significant", "junk"), [(0.95, True, True), (0.95, False, False), (0.8, True, False)]
)
async def test_a_rule_accepts_what_would_be_rejected_into_its_mailbox(
    smtp: Smtp,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    probability: float,
    significant: bool,
    junk: bool,
) -> None:
    """STORE-67, SMTP-98: seen, marked as a reject, with its reason and a log line; by the word of the junk filter."""

    async def judged(*args: object) -> Judgement:
        return judgement(probability, *() if significant else (Lack("spams", 2, 50),))

    monkeypatch.setattr(gathering, "classify", judged)
    context = with_rules(smtp, JUNK, account=FILTER)
    with caplog.at_level(logging.INFO, "moxlite.smtpd.incoming.deliver"):
        assert (await deliver_to(smtp, context)).startswith("250")
    messages = {name: await smtp.messages(mailbox=name) for name in ("Unwanted", "Lists", "Inbox", "Rejects")}
    assert {name: len(found) for name, found in messages.items() if found} == {"Unwanted" if junk else "Lists": 1}
    lines = [record.message for record in caplog.records]
    if junk:
        [message] = messages["Unwanted"]
        assert reason_of(message) == "junk-content"
        _, is_reject, seen, *_, verdict, _, destined = await facts_of(smtp, "Unwanted")
        assert (is_reject, seen, verdict, destined) == (1, 1, None, "Lists")
        assert "junk accepted by a ruleset" in lines
    else:
        assert reason_of(messages["Lists"][0]) == "no-bad-signals"
        assert (await facts_of(smtp, "Lists"))[1:3] == (0, 0)
        assert "message delivered" in lines


async def test_without_such_a_rule_or_a_filter_the_content_is_not_judged(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-93, STORE-67"""

    async def never(*args: object) -> Judgement:
        raise AssertionError("judged")

    monkeypatch.setattr(gathering, "classify", never)
    context = with_rules(smtp, JUNK)  # the account has no filter
    assert (await deliver_to(smtp, context)).startswith("250")
    assert len(await smtp.messages(mailbox="Lists")) == 1
    assert (await deliver_to(smtp, context, to="bo@ours.example")).startswith("250")


async def test_a_filter_that_cannot_be_read_makes_the_sender_try_again(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-96"""

    async def broken(*args: object) -> Judgement:
        raise StorageBusy("the account is busy")

    monkeypatch.setattr(gathering, "classify", broken)
    caplog.set_level("INFO", logger="moxlite.smtpd")
    assert (await deliver_to(smtp, with_rules(smtp, JUNK, account=FILTER))).startswith("451 4.3.0")
    assert refusals_logged(caplog) == ["junk-classify-error"]


async def test_what_a_rule_accepted_is_not_put_where_rejects_are_removed(smtp: Smtp) -> None:
    """STORE-67: never cleaned automatically, so it cannot be the rejects mailbox, nor Inbox."""
    for name in ("Rejects", "Inbox"):
        with pytest.raises(ConfigError) as caught:
            with_rules(smtp, JUNK.replace("Unwanted", name))
        assert any("accept_rejects_to_mailbox" in str(problem) for problem in caught.value.problems)
