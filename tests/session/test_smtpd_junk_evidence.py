"""First mail of strangers, by what an account with a new account's settings has learned, and what becomes of mail that
its filter is unsure of (smtp.md §8, SMTP-93, SMTP-98).
"""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from moxlite.acceptance import gathering
from moxlite.admin.accounts import STANDARD_FILTER
from moxlite.admin.storage.settings import junk_params
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.perform import append
from moxlite.store.delivery.reasons import count_reasons
from moxlite.store.junk.score import Judgement
from moxlite.store.junk.trainer import teach
from moxlite.store.mail.adding import Append
from moxlite.store.mail.copying import move_messages
from moxlite.store.options import AccountConfig
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag
from tests.session.smtpd_harness import TLS, Smtp, headers, judgement, serving
from tests.session.test_smtpd_checks import zone
from tests.session.test_smtpd_decisions import DMARC, count, reason, send
from tests.session.test_smtpd_rulesets import with_rules
from tests.store_mail import prepared

pytestmark = pytest.mark.served

FILTER = f"[accounts.mia.junk_filter]\nthreshold = {STANDARD_FILTER.threshold}\nonegrams = true\nfile_unsure = true"

LANGUAGES = {
    "en": "shall we meet for dinner on Thursday evening near the station or rather next week at your office",
    "de": "treffen wir uns Donnerstag abend beim Bahnhof zum Essen oder lieber nächste Woche im Büro",
    "ru": "встретимся вечером возле вокзала поужинать или лучше на следующей неделе у тебя на работе",
    "zh": "我们星期四晚上在车站附近见面吃饭好吗或者下个星期在你的办公室",
}
"""What strangers write. Junk has all of these words, too, so that by them alone each mail would be junk."""

HAM = "minutes agenda budget invoice meeting project schedule lunch holiday report"
NUMBER = iter(range(1_000_000))
COUNTS = (0, 2, 30, 60, 500)


@pytest.fixture
async def smtp(tmp_path: Path) -> AsyncIterator[Smtp]:
    """A server whose accounts have the filter of a new account."""
    settings = AccountConfig(junk_filter=junk_params(STANDARD_FILTER))
    async with serving(tmp_path, settings=settings, check=False) as server:
        yield server


async def learn(smtp: Smtp, mailbox: str, count: int, text: str, senders: int = 20, start: int = 0) -> None:
    """File messages, of which the filter learns."""
    mails = [
        f"From: <p{number % senders}@{mailbox.lower()}.example>\r\nTo: <mia@ours.example>\r\n"
        f"Subject: about\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{number} {text}\r\n"
        for number in range(start, start + count)
    ]
    async with smtp.context.accounts.use("mia") as account:
        box = await account.read(lambda r: mailbox_by_name(r, mailbox), op="test")
        assert box is not None
        await append(account, box.id, [Append(await prepared(mail.encode())) for mail in mails])
        await account.settle()


async def strangers(smtp: Smtp) -> list[str]:
    """The replies to first mails in four languages, each with TLS and, for the strict threshold, without."""
    context = msgspec.structs.replace(smtp.context, resolver=zone({DMARC: [], "remote.example": []}))
    replies = []
    for language, text in LANGUAGES.items():
        for tls in (TLS, None):
            author = f"{language}{next(NUMBER)}@remote.example"
            mail = (
                f"From: <{author}>\r\nTo: <mia@ours.example>\r\nSubject: {text[:20]}\r\n"
                f"Message-ID: <{next(NUMBER)}@{language}.example>\r\nDate: Fri, 20 Nov 2026 07:00:00 +0100\r\n"
                f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
            )
            async with smtp.connect(context=context, tls=tls) as client:
                replies.append(await client.deliver(message=mail.encode(), sender=author))
    return replies


@pytest.mark.parametrize("hams", COUNTS)
async def test_without_evidence_no_content_is_refused(smtp: Smtp, hams: int) -> None:
    """SMTP-93, STORE-89: 200 first mails in four languages, whatever was learned, unless both kinds suffice. With less
    junk, it's filed into Junk.
    """
    await learn(smtp, "Archive", hams, HAM)
    smtp.context = with_rules(smtp, account=FILTER)
    learned = filed = 0
    for spams in COUNTS:
        await learn(smtp, "Junk", spams - learned, " ".join(LANGUAGES.values()), start=learned)
        learned = spams
        refused = [reply for reply in await strangers(smtp) if not reply.startswith("250")]
        if min(hams, spams) >= 50:
            assert len(refused) == 2 * len(LANGUAGES)
            assert {reply[:9] for reply in refused} == {"451 4.3.0"}
        else:
            assert refused == [], (hams, spams)
        if hams >= 50 and 20 <= spams < 50:
            filed += 2 * len(LANGUAGES)
        assert len(await smtp.messages(mailbox="Junk")) == spams + filed


@pytest.mark.parametrize(
    ("mailbox", "senders", "said"),
    [
        ("Sent", 20, "has 0 of 50 good messages"),
        ("Archive", 1, "has 1 of 10 senders of good mail"),
        ("Archive", 10, ""),
    ],
)
async def test_good_mail_is_that_of_many_others(smtp: Smtp, mailbox: str, senders: int, said: str) -> None:
    """SMTP-93, STORE-89, STORE-89a: not what the owner wrote, nor a mailing list; the reason says what is missing."""
    smtp.context = with_rules(smtp, account=FILTER)
    await learn(smtp, mailbox, 60, HAM, senders)
    await learn(smtp, "Junk", 60, " ".join(LANGUAGES.values()))
    replies = await strangers(smtp)
    assert {reply[:3] for reply in replies} == ({"250"} if said else {"451"})
    for message in await smtp.messages(mailbox="Inbox" if said else "Rejects"):
        [trace] = headers(message, "X-Moxlite-Reason")
        assert (f"junk filter: doesn't know yet, {said}" in " ".join(trace.split())) is bool(said)


def judging(monkeypatch: pytest.MonkeyPatch, probability: float, opening: float = 0.5) -> None:
    """Let the filter say this of each message."""

    async def judged(*_: object) -> Judgement:
        return judgement(probability, opening=opening)

    monkeypatch.setattr(gathering, "classify", judged)


REFUSING = FILTER.replace("file_unsure = true", "file_unsure = false")
WORLD: dict[str, list[str]] = {DMARC: [], "remote.example": []}


@pytest.mark.parametrize(
    ("settings", "probability", "opening", "box", "word"),
    [
        (FILTER, 0.95, 0.5, "Junk", "junk-content-unsure"),
        (FILTER, 0.1, 0.95, "Junk", "junk-content-unsure"),
        (FILTER, 0.999, 0.5, "Rejects", "junk-content"),
        (FILTER, 0.1, 0.5, "Inbox", "no-bad-signals"),
        (REFUSING, 0.95, 0.5, "Rejects", "junk-content"),
        (REFUSING, 0.1, 0.95, "Inbox", "no-bad-signals"),
    ],
)
async def test_what_is_not_certain_goes_into_junk(
    smtp: Smtp,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    settings: str,
    probability: float,
    opening: float,
    box: str,
    word: str,
) -> None:
    """SMTP-98: by its whole text or by its beginning; by its beginning, nothing is refused."""
    judging(monkeypatch, probability, opening)
    context = with_rules(smtp, account=settings)
    with caplog.at_level("INFO", "moxlite.smtpd.incoming.deliver"):
        assert (await send(smtp, WORLD, context=context)).startswith("451" if box == "Rejects" else "250")
    assert await count(smtp, "Inbox", "Junk", "Rejects") == tuple(box == name for name in ("Inbox", "Junk", "Rejects"))
    assert await reason(smtp, box) == word
    async with smtp.context.accounts.use("mia") as account:
        assert await account.scan(partial(count_reasons, since=0), op="test") == {word: 1}
    assert ("message filed as junk" in caplog.messages) is (box == "Junk")


async def test_the_filter_does_not_learn_from_its_own_judgement(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-98, STORE-67: nor does reputation, nor training with all of Junk, until the owner moves the message."""
    judging(monkeypatch, 0.95)
    assert (await send(smtp, WORLD, context=with_rules(smtp, account=FILTER))).startswith("250")
    state = (
        "SELECT m.is_reject, m.flags, m.trained, s.verdict FROM message m JOIN message_smtp s ON s.message_id = m.id"
    )
    async with smtp.context.accounts.use("mia") as account:
        assert await teach(account) == (0, 0)
        await account.settle()
        assert await account.read(lambda r: r.row(state), op="test") == (1, 0, None, None)

        def keep(tx: AccountTx) -> None:
            junk, archive = (mailbox_by_name(tx, name) for name in ("Junk", "Archive"))
            assert junk is not None
            assert archive is not None
            move_messages(tx, junk.id, [1], archive.id)

        await account.write(keep)
        await account.settle()
        assert await account.read(lambda r: r.row(state), op="test") == (0, Flag.NOTJUNK, 0, 0)


@pytest.mark.parametrize(
    ("rule", "box"),
    [
        ('mailbox = "Lists"\nsmtp_mail_from_regexp = "."', "Junk"),
        ('mailbox = "Lists"\nsmtp_mail_from_regexp = "."\naccept_rejects_to_mailbox = "Unwanted"', "Unwanted"),
    ],
)
async def test_a_rule_that_accepts_junk_comes_first(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, rule: str, box: str
) -> None:
    """SMTP-98, STORE-67: others file nothing that goes into Junk."""
    judging(monkeypatch, 0.95)
    assert (await send(smtp, WORLD, context=with_rules(smtp, rule, account=FILTER))).startswith("250")
    names = ("Inbox", "Junk", "Lists", "Unwanted")
    assert [len(await smtp.messages(mailbox=name)) for name in names] == [box == name for name in names]
