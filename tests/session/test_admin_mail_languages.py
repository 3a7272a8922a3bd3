"""Mail of the server to its users, in the language of each (WEBMAIL-143e)."""

import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Final

import pytest

from moxlite.store.mail.settings import note_browser_language, patch_settings
from moxlite.wording import MARKED
from tests import queue_rig
from tests.queue_rig import rig_at
from tests.session.test_web_compose import octets_of
from tests.session.test_web_factors import add_phone, logged_in
from tests.store_mail import rows
from tests.web_rig import Rig

pytestmark = pytest.mark.served

BRACKETS: Final = re.compile("⟦[^⟦⟧]*⟧")


def outside(text: str) -> str:
    """What is outside of brackets, which may be within others."""
    while (shorter := BRACKETS.sub("", text)) != text:
        text = shorter
    return text


async def mails(rig: Rig) -> list[tuple[str, str]]:
    """Subjects, without the server's name, and texts of mia's mail, the oldest first."""
    async with rig.account() as account:
        messages = [message_from_bytes(await octets_of(rig, row.id), policy=default) for row in await rows(account)]
    return [(one["subject"].partition("] ")[2], one.get_content()) for one in messages]


async def test_a_bounce_is_in_the_language_of_its_sender(tmp_path: Path) -> None:
    """WEBMAIL-143e, QUEUE-102: subject, text, meaning and advice; what the other server said stays as it is."""
    async with rig_at(tmp_path) as rig:
        async with rig.accounts.use("alice") as account:
            await account.write(lambda tx: patch_settings(tx, {"language": "de"}))
        rig.remote(queue_rig.Server({"RCPT": "550 5.2.2 mailbox full"}))
        await rig.submit("bob@remote.example")
        await rig.settle()
        [octets] = await rig.inbox()
        notice = message_from_bytes(octets, policy=default)
        text = next(notice.iter_parts()).get_content()
    assert notice["Subject"] == "Nachricht nicht zugestellt"
    assert "Ihre Nachricht an bob@remote.example konnte nicht zugestellt werden." in text
    assert "Das Postfach des Empfängers ist voll." in text
    assert "mailbox full" in text
    for english in ("What happened", "Try this", "Queued", "The server", "For the administrator"):
        assert english not in text


async def test_a_bounce_names_the_address_that_the_other_server_does_not_take(tmp_path: Path) -> None:
    """QUEUE-102a: a sender without accents, as one of Chinese letters, can't guess which address is the obstacle."""
    async with rig_at(tmp_path) as rig:
        async with rig.accounts.use("alice") as account:
            await account.write(lambda tx: patch_settings(tx, {"language": "de"}))
        rig.remote(queue_rig.Server())
        await rig.submit("用户@remote.example", smtputf8=True)
        await rig.settle()
        [octets] = await rig.inbox()
        text = next(message_from_bytes(octets, policy=default).iter_parts()).get_content()
    assert "Adresse mit internationalen Zeichen: 用户@remote.example" in text
    assert "die vor dem @ nur die Buchstaben a bis z haben" in text


async def test_mail_about_security_has_no_english_outside_of_brackets(rig: Rig) -> None:
    """WEBMAIL-143e, WEB-151: in the language of the user's last page, where none is chosen."""
    async with rig.account() as account:
        await account.write(lambda tx: note_browser_language(tx, MARKED))
    browser = await logged_in(rig)
    await add_phone(browser, "phone")
    sent = await mails(rig)
    assert sent
    for subject, text in sent:
        assert not re.search("[A-Za-z]{2}", outside(subject)), subject
        left = re.sub(r"phone|UTC|192\.0\.2\.\d+.*", "", outside(text))
        assert not re.search("[A-Za-z]{2}", left), left


async def test_the_page_of_the_webmail_is_noted_for_mail(rig: Rig) -> None:
    """WEBMAIL-143e: the browser's language counts as long as the settings leave it to the browser."""
    browser = rig.browser()
    await browser.log_in()
    events = await browser.events(language="de-AT,de;q=0.9")
    await events.until("start")
    await events.aclose()
    await add_phone(await logged_in(rig), "phone")
    assert [subject for subject, _ in await mails(rig)] == ["Die Anmeldung in zwei Schritten ist eingeschaltet"]
