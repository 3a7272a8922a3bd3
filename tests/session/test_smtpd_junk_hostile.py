"""What senders do to the junk filter, damage to it, and its wrong judgements (smtp.md §8)."""

import base64
from contextlib import closing
from itertools import product
from pathlib import Path

import apsw
import msgspec
import pytest

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import FilterDamaged
from moxlite.store.junk.classify import classify
from moxlite.store.junk.score import MAX_WORDS
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.flags import store_flags
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag
from tests.session.smtpd_harness import TLS, Smtp, headers
from tests.session.test_smtpd_checks import zone
from tests.session.test_smtpd_decisions import DMARC
from tests.session.test_smtpd_junk_evidence import FILTER, HAM, LANGUAGES, learn, smtp
from tests.session.test_smtpd_rulesets import with_rules

__all__ = ["smtp"]

pytestmark = pytest.mark.served

JUNK = " ".join(LANGUAGES.values())


async def deliver(smtp: Smtp, text: str, author: str = "ann@remote.example") -> str:
    """The reply to mail with this text."""
    context = msgspec.structs.replace(smtp.context, resolver=zone({DMARC: [], "remote.example": []}))
    mail = (
        f"From: <{author}>\r\nTo: <mia@ours.example>\r\nSubject: about\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
    body = base64.encodebytes(text.encode()).replace(b"\n", b"\r\n")
    async with smtp.connect(context=context, tls=TLS) as client:
        return await client.deliver(message=mail + body, sender=author)


async def trained(smtp: Smtp) -> None:
    """Let the filter learn enough of both kinds."""
    await learn(smtp, "Archive", 60, HAM)
    await learn(smtp, "Junk", 60, JUNK)
    smtp.context = with_rules(smtp, account=FILTER)


async def test_a_poisoner_whom_a_rule_files_makes_no_good_mail_junk(smtp: Smtp) -> None:
    """SMTP-93: 1,000 mails with the words of good mail, in Junk, don't refuse or file any."""
    await trained(smtp)
    await learn(smtp, "Junk", 1000, HAM, senders=1, start=60)
    for number in range(5):
        assert (await deliver(smtp, HAM, f"a{number}@remote.example")).startswith("250")
    assert len(await smtp.messages()) == 5


@pytest.mark.parametrize(("box", "text"), [("Archive", HAM), ("Junk", JUNK)])
async def test_a_poisoner_alone_makes_no_evidence(smtp: Smtp, box: str, text: str) -> None:
    """SMTP-93: 1,000 mails of one sender beside enough of the other kind."""
    await learn(smtp, box, 1000, text, senders=1)
    await learn(smtp, "Archive" if box == "Junk" else "Junk", 60, HAM if box == "Junk" else JUNK)
    smtp.context = with_rules(smtp, account=FILTER)
    assert (await deliver(smtp, JUNK)).startswith("250")
    assert len(await smtp.messages()) == 1


SYLLABLES = ["".join(pair) for pair in product("bdfghjklmnprstvwz", "aeiou")]

TEXTS = {
    "a word of 1 MB": "a" * (1 << 20),
    "a million words": " ".join(map("".join, product(SYLLABLES + ["x" + one for one in "aeiou"] * 3, repeat=3))),
    "directions and joiners in words": " ".join("\u202e" + "\u200b".join(word) + "\u2069" for word in JUNK.split()),
    "letters that look alike": HAM.replace("e", "\u0435").replace("o", "\u043e"),
    "no blanks": LANGUAGES["zh"] * 100 + "\u0e40\u0e23\u0e32\u0e1e\u0e1a\u0e01\u0e31\u0e19" * 100,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_any_text_is_judged_and_learned(smtp: Smtp, text: str) -> None:
    """SMTP-93, STORE-88: with no more words than a message may add to the table."""
    await trained(smtp)
    count = "SELECT count(*) FROM junk_word_0 UNION ALL SELECT count(*) FROM junk_word_1"
    async with smtp.context.accounts.use("mia") as account:
        judgement = await classify(account, f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode())
        assert judgement is not None
        assert judgement.used <= MAX_WORDS
        before = await account.read(lambda r: sum(row[0] for row in r.rows(count)), op="test")
    await learn(smtp, "Junk", 1, text, start=60)
    async with smtp.context.accounts.use("mia") as account:
        after = await account.read(lambda r: sum(row[0] for row in r.rows(count)), op="test")
    assert before <= after <= before + MAX_WORDS


async def test_with_a_damaged_table_mail_is_delivered_and_the_damage_told(
    smtp: Smtp, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-96: the sender can't wait until somebody has mended it."""
    await trained(smtp)
    async with smtp.context.accounts.use("mia") as account:
        await account.write(lambda tx: tx.execute("UPDATE junk_meta SET params = '{'"))
    assert (await deliver(smtp, JUNK)).startswith("250")
    [message] = await smtp.messages()
    [trace] = headers(message, "X-Moxlite-Reason")
    assert "junk filter: can't be read" in " ".join(trace.split())
    assert "junk filter can't be read" in caplog.messages


def damage(file: Path, *tables: str) -> None:
    """Overwrite the first page of tables with garbage, as a bad disk does."""
    with closing(apsw.Connection(str(file))) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        pages = [row[0] for row in db.execute("SELECT rootpage FROM sqlite_schema WHERE name IN (?, ?)", tables)]
    with file.open("r+b") as octets:
        for page in pages:
            octets.seek((int(page) - 1) * 4096)
            octets.write(b"\xa5" * 4096)


async def test_with_a_damaged_page_of_words_mail_is_delivered_and_flags_change(
    smtp: Smtp, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-158h, SMTP-96: the account isn't degraded, also when the filter fails to learn; the damage is told."""
    await trained(smtp)
    await smtp.context.accounts.close_idle(room=1 << 20)
    damage(smtp.context.accounts.path("mia") / "account.db", "junk_word_0", "junk_word_1")
    assert (await deliver(smtp, JUNK)).startswith("250")
    async with smtp.context.accounts.use("mia") as account:
        inbox = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
        assert inbox is not None
        await account.write(lambda tx: store_flags(tx, inbox.id, [1], mode="add", flags=Flag.JUNK))
        with pytest.raises(FilterDamaged):
            await account.trainer.once()
        assert account.database.health.broken == ""
    assert (await deliver(smtp, JUNK, "bob@remote.example")).startswith("250")
    assert len(await smtp.messages()) == 2
    assert {"junk filter can't be read", "can't use a database file"} <= {*caplog.messages}


async def test_undoing_a_judgement_changes_the_next_one(smtp: Smtp) -> None:
    """SMTP-98, STORE-85: refused mail is in Rejects; what the owner moves and marks teaches the filter."""
    await trained(smtp)
    text = LANGUAGES["de"]
    for number in range(12):
        if (await deliver(smtp, text, f"p{number}@remote.example")).startswith("250"):
            break
        async with smtp.context.accounts.use("mia") as account:

            def undo(tx: AccountTx) -> None:
                rejects, archive = (mailbox_by_name(tx, name) for name in ("Rejects", "Archive"))
                assert rejects is not None
                assert archive is not None
                last = rejects.uidnext - 1
                store_flags(tx, rejects.id, [last], mode="add", flags=Flag.NOTJUNK)
                move_messages(tx, rejects.id, [last], archive.id)

            await account.write(undo)
            await account.settle()
        assert (await deliver(smtp, text, f"p{number}@remote.example")).startswith("250")
    assert 0 < number < 12
