"""Subscriptions of mailboxes that any interface makes, renames and removes (IMAP-63..66, JMAP-11)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from moxlite.store.mail.foldermoves import MOVED
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name, subscriptions
from tests.browsing import PASSWORD
from tests.jmap_rig import Client
from tests.session.imapd_harness import Client as IMAPClient
from tests.store_fixtures import soon
from tests.store_mail import deliver_mail, mail
from tests.web_rig import STATIC, Browser, Rig, open_rig

pytestmark = pytest.mark.served

PROGRAMS = """
[listeners.programs]
ips = ["127.0.0.1"]
imap = { enabled = true, port = 1143, require_tls = false }
jmap_http = { enabled = true, port = 83 }
"""

MAKERS = ("imap", "webmail", "jmap", "delivery", "import")
CHANGERS = ("imap", "webmail", "jmap")


class House:
    """One account, as an IMAP program, a JMAP program and the webmail have it."""

    def __init__(self, rig: Rig, imap: IMAPClient, browser: Browser) -> None:
        self.rig = rig
        self.imap = imap
        self.browser = browser
        self.jmap = Client(rig)
        self.first: frozenset[str] = frozenset()

    async def number(self, name: str) -> int:
        async with self.rig.account() as account:
            box = await account.read(lambda r: mailbox_by_name(r, name), op="test")
            assert box is not None
            return box.id

    async def _settings_followed(self) -> bool:
        """Until then, mail for a deleted mailbox goes to Inbox."""
        sql = "SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE kind = ?)"
        async with self.rig.account() as account:
            return bool(await account.read(lambda r: r.value(sql, MOVED), op="test"))

    async def make(self, way: str, name: str) -> None:
        async with self.rig.account() as account:
            match way:
                case "imap":
                    await self.imap.ok(f"a CREATE {name}")
                case "webmail":
                    await self.browser.call("mailbox_create", name=name)
                case "jmap":
                    create = {"a": {"name": name, "isSubscribed": True}}
                    assert (await self.jmap.call("Mailbox/set", create=create))["created"]
                case "delivery":
                    await soon(self._settings_followed)
                    await deliver_mail(account, mail(), name)
                case _:
                    await account.write(lambda tx: ensure_mailbox(tx, name))

    async def rename(self, way: str, name: str, new: str) -> None:
        number = await self.number(name)
        match way:
            case "imap":
                await self.imap.ok(f"a RENAME {name} {new}")
            case "webmail":
                await self.browser.call("mailbox_rename", mailbox_id=number, name=new)
            case _:
                assert (await self.jmap.call("Mailbox/set", update={f"F{number}": {"name": new}}))["updated"]

    async def remove(self, way: str, name: str) -> None:
        number = await self.number(name)
        match way:
            case "imap":
                await self.imap.ok(f"a DELETE {name}")
            case "webmail":
                await self.browser.call("mailbox_delete", mailbox_id=number)
            case _:
                found = await self.jmap.call("Mailbox/set", destroy=[f"F{number}"], onDestroyRemoveEmails=True)
                assert found["destroyed"]

    async def subscribed(self) -> set[str]:
        """Subscribed names that a new account doesn't have."""
        async with self.rig.account() as account:
            return {*await account.read(subscriptions, op="test")} - self.first


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, static=STATIC + PROGRAMS)
        browser = rig.browser()
        await browser.log_in()
        async with rig.running.connect(port=1143) as stream:
            imap = IMAPClient(stream)
            assert (await imap.response()).startswith("* OK")
            await imap.login("mia@example.org", PASSWORD)
            house = House(rig, imap, browser)
            house.first = frozenset(await house.subscribed())
            yield house
        nursery.cancel_scope.cancel()


async def test_what_the_server_has_subscribed_ends_with_the_mailbox(house: House) -> None:
    """IMAP-63, IMAP-64, IMAP-65, JMAP-11: whoever made, renames and removes it; programs may unsubscribe it as well."""
    for maker in MAKERS:
        for changer in CHANGERS:
            name, new = f"{maker}-{changer}", f"{maker}-{changer}-new"
            await house.make(maker, name)
            assert await house.subscribed() == {name}, name
            await house.rename(changer, name, new)
            assert await house.subscribed() == {new}, name
            await house.remove(changer, new)
            assert await house.subscribed() == set(), name
            await house.imap.ok(f"a UNSUBSCRIBE {new}")


@pytest.mark.parametrize("maker", MAKERS)
async def test_a_name_that_a_program_has_subscribed_is_the_programs(house: House, maker: str) -> None:
    """IMAP-64, IMAP-65, IMAP-66: other programs rename and remove its mailbox (RFC 9051 §6.3.7). To users of the
    webmail and of JMAP a mailbox is subscribed, and not a name.
    """
    for changer in CHANGERS:
        name, new = f"{maker}-{changer}", f"{maker}-{changer}-new"
        await house.make(maker, name)
        await house.imap.ok(f"a SUBSCRIBE {name}")
        await house.rename(changer, name, new)
        assert await house.subscribed() == {name if changer == "imap" else new}
        await house.rename("imap", new, name)
        await house.imap.ok(f"a SUBSCRIBE {name}")
        await house.remove(changer, name)
        assert await house.subscribed() == ({name} if changer == "imap" else set())
        await house.make(maker, name)
        await house.remove(changer, name)
        assert await house.subscribed() == ({name} if changer == "imap" else set())
        await house.imap.ok(f"a UNSUBSCRIBE {name}")
        assert await house.subscribed() == set()
