"""An owner, tom, who shares mailboxes, and a guest, mia, in the webmail of `tests.web_rig`.

Import the fixtures: `from tests.web_sharing import mia, tom`.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from moxlite.store.accounts.access import publish_shares
from moxlite.store.changelog.account import Account
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.mailboxes import create_mailbox
from tests.store_mail import box, deliver_mail, put
from tests.web_rig import Browser, Events, Rig, first_request

__all__ = ["SALES", "SECRET", "mia", "opened", "share", "shared_of", "tom"]

SALES = "Other Users/tom/Sales"
SECRET = b"From: a@example.net\r\nSubject: private\r\nMessage-ID: <1@x>\r\n\r\nunseen words\r\n"
"""What is in mailboxes of tom that are not shared."""


async def share(rig: Rig, rights: str, name: str = "Sales") -> None:
    """Give mia these rights on a mailbox of tom."""
    async with rig.account("tom") as tom:
        there = (await box(tom, name)).id
        await tom.write(lambda tx: set_rights(tx, there, "mia", rights))
        await publish_shares(rig.auth, tom)


@pytest.fixture
async def tom(rig: Rig) -> AsyncIterator[Account]:
    """The owner: three messages in Sales, one in Sales/Old and in Inbox, nothing shared yet."""
    async with rig.account("tom") as account:
        await account.write(lambda tx: create_mailbox(tx, "Sales/Old"))
        await put(account, 3, "Sales")
        await deliver_mail(account, SECRET)
        await deliver_mail(account, SECRET, "Sales/Old")
        yield account


@pytest.fixture
async def mia(rig: Rig) -> Browser:
    """The guest, who has logged in."""
    found = rig.browser()
    await found.log_in()
    return found


async def opened(browser: Browser, mailbox: str = SALES, **options: Any) -> tuple[Events, Any, list[Any]]:
    """A stream that shows a mailbox: with its start, and the rows of the first view."""
    events = await browser.events(first_request(mailbox), **options)
    start = await events.until("start")
    found: list[Any] = []
    while page := (await events.until("view_msgs"))["items"]:
        found += page
    return events, start, found


async def shared_of(events: Events) -> list[Any]:
    """The mailboxes of others as they are told next."""
    while True:
        for change in (await events.until("view_changes"))["changes"]:
            if change["kind"] == "mailboxes_shared":
                found: list[Any] = change["mailboxes"]
                return found
