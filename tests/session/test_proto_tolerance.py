"""The forms that clients are forgiven, as docs/developers/tolerance.md lists them (IMAP-182, SMTP-13a)."""

from pathlib import Path

import msgspec
import pytest

from moxlite.config.holder import ConfigHolder
from tests.session.imapd_harness import Imap, imap
from tests.session.smtpd_harness import TLS, Client, Smtp, clock, smtp
from tests.session.test_imapd_sieve import connect as connect_sieve
from tests.session.test_smtpd_submission import PEDANTIC

pytestmark = pytest.mark.served

__all__ = ["clock", "imap", "smtp"]

PAGE = Path(__file__).parents[2] / "docs/developers/tolerance.md"


def rows(section: str) -> list[tuple[str, list[str]]]:
    """Examples of a section's table, each with the cells behind it."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    table = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")][2:]
    assert table, section
    blanks = str.maketrans({"␣": " ", "␉": "\t"})
    return [(cells[1].strip().strip("`").translate(blanks), [cell.strip() for cell in cells[2:]]) for cells in table]


def pedantic_imap(imap: Imap) -> None:
    """Make the server pedantic."""
    path = imap.context.config.path
    path.write_text("pedantic = true\n" + path.read_text())
    imap.context = msgspec.structs.replace(imap.context, config=ConfigHolder.open(path)[0])


@pytest.mark.parametrize("pedantic", [False, True])
async def test_imap_reads_the_forms_of_the_page(imap: Imap, pedantic: bool) -> None:
    """IMAP-182"""
    if pedantic:
        pedantic_imap(imap)
    wrong = []
    for example, cells in rows("IMAP"):
        async with imap.user() as client:
            await client.append("Subject: x\r\n\r\n")
            await client.ok("k STORE 1 FLAGS (Work)")
            literal = b"\r\nx" if example.rstrip().endswith("{1+}") else b""
            encoded = example.encode("latin-1" if "ü" in example else "ascii")
            await client.send((b"" if example.startswith(" ") else b"x ") + encoded + literal + b"\r\n")
            answer = (await client.until("*" if example.startswith(" ") else "x"))[-1]
            if (" OK " in answer) != (cells[-1 if pedantic else -2] == "✓"):
                wrong.append((example, answer))
    assert not wrong


async def answer_of(client: Client, example: str) -> str:
    """The reply to an example, after the commands that must come before it."""
    verb = example.split()[0]
    if verb in ("RCPT", "DATA", "BDAT"):
        await client.play("C: MAIL FROM:<mia@ours.example>\nS: 250")
    if verb in ("DATA", "BDAT"):
        await client.play("C: RCPT TO:<bo@ours.example>\nS: 250")
    return await client.say(example)


@pytest.mark.parametrize("column", ["submission", "port 25", "pedantic"])
async def test_smtp_reads_the_forms_of_the_page(smtp: Smtp, column: str) -> None:
    """SMTP-13, SMTP-13a, SMTP-66"""
    context = smtp.configured(PEDANTIC) if column == "pedantic" else smtp.context
    wrong = []
    for example, cells in rows("SMTP"):
        if column == "port 25":
            opened = smtp.connect(trusted=True)
        elif example.startswith("AUTH"):
            opened = smtp.connect("submission", tls=TLS, context=context)
        else:
            opened = smtp.user(context=context)
        async with opened as client:
            reply = await answer_of(client, example)
            if reply.startswith(("2", "3")) != (cells[["submission", "port 25", "pedantic"].index(column) - 3] == "✓"):
                wrong.append((example, reply))
            if reply.startswith("334"):
                await client.say("*")
    assert not wrong


@pytest.mark.parametrize("pedantic", [False, True])
async def test_managesieve_reads_the_forms_of_the_page(imap: Imap, pedantic: bool) -> None:
    """IMAP-141, IMAP-182"""
    if pedantic:
        pedantic_imap(imap)
    wrong = []
    for example, cells in rows("ManageSieve"):
        async with connect_sieve(imap) as client:
            await client.response()
            await client.login()
            answer = await client.last(example + ("\r\n#" if example.endswith("}") else ""))
            if answer.startswith("OK") != (cells[-1 if pedantic else -2] == "✓"):
                wrong.append((example, answer))
    assert not wrong


async def test_dates_leave_well_formed(imap: Imap) -> None:
    """IMAP-182"""
    async with imap.user() as client:
        await client.append("Subject: x\r\n\r\n", date='"1-Jan-2026 10:00:00 GMT"')
        fetched = await client.ok("f FETCH  1  ( INTERNALDATE )")
        assert any('INTERNALDATE " 1-Jan-2026 10:00:00 +0000")' in line for line in fetched)


async def test_addresses_leave_well_formed(smtp: Smtp) -> None:
    """SMTP-13a"""
    async with smtp.user() as client:
        await client.play("C: MAIL FROM:mia@ours.example \nS: 250\nC: RCPT TO: bo@ours.example\nS: 250")
        await client.play("C: DATA \nS: 354")
        await client.send(b"From: mia@ours.example\r\n\r\nx\r\n.\r\n")
        assert (await client.reply()).startswith("250")
    submission = smtp.queued[0].submission
    assert (str(submission.mail_from), str(submission.recipients[0].address)) == ("mia@ours.example", "bo@ours.example")
    assert b"for <bo@ours.example>" in submission.prefix
