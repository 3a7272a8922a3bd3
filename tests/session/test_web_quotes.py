"""Answers whose quoted message has no mark where it ends: the answered message tells what is quoted (WEBMAIL-165)."""

from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

SENT = ["Hi Ada,", "shall we meet at noon?", "The price is 4,500 & more.", "Mia"]
HEAD = ["From: Mia", "Sent: Monday, 2 November 2026", "To: Ada", "Subject: Offer"]


def letter(text: str, html: str, **fields: str) -> bytes:
    message = EmailMessage()
    message["From"] = "ada@example.com"
    message["Subject"] = "Offer"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes(policy=SMTP)


def paragraphs(lines: list[str]) -> str:
    return "".join(f"<p>{line}</p>" for line in lines).replace("&", "&amp;")


async def opened(rig: Rig, browser: Browser, below: list[str], answered: str = "<sent@example.org>") -> tuple[Any, str]:
    """The line from which the text of an answer of Outlook is quoted, and what is folded of its HTML."""
    text = "\n".join(["AGREED", "", "-----Original Message-----", *HEAD, "", *below])
    html = (
        f'<div><p>AGREED</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p>{"<br>".join(HEAD)}</p>'
        f"</div></div>{paragraphs(below)}</div>"
    )
    async with rig.account() as account:
        [plain, formatted] = [
            (await deliver_mail(account, letter(text, form, In_Reply_To=answered))).message_id for form in ("", html)
        ]
    parsed = await browser.call("parsed_message", message_id=plain)
    page = (await browser.fetch(f"/webmail/msg/{formatted}/html")).body.decode()
    _, _, rest = page.partition('<details class="moxlite-quote">')
    return parsed["texts"][0]["quoted_from"], rest.partition("</details>")[0]


@pytest.mark.parametrize("formatted", [True, False])
async def test_only_what_the_answered_message_had_is_folded(rig: Rig, browser: Browser, formatted: bool) -> None:
    """WEBMAIL-165: in HTML and in plain text, whichever of both was sent."""
    sent = letter("\n".join(SENT), paragraphs(SENT) if formatted else "", Message_ID="<sent@example.org>")
    async with rig.account() as account:
        await deliver_mail(account, sent, "Sent")
    quoted_from, folded = await opened(rig, browser, SENT)
    assert quoted_from == 2
    assert "shall we meet" in folded
    for at in range(len(SENT) + 1):
        below = [*SENT[:at], "Noon is too late.", *SENT[at:]]
        assert await opened(rig, browser, below) == (None, ""), at


async def test_an_answer_to_mail_that_is_not_there_is_folded_by_its_head(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-165: nothing tells who wrote what."""
    quoted_from, folded = await opened(rig, browser, SENT, "<other@example.org>")
    assert quoted_from == 2
    assert "shall we meet" in folded
