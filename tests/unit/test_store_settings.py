"""Settings of webmail, and answers that are remembered (moxlite/store/mail/settings.py)."""

from functools import partial

import msgspec
import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.forms import stored_fields
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox
from moxlite.store.mail.settings import (
    LOAD,
    MAX_FIXED,
    AddressView,
    address_view,
    decline_list,
    decline_mailbox,
    decline_sender,
    has_fixed_width,
    is_declined,
    load_settings,
    patch_settings,
    set_address_view,
    set_fixed_width,
)
from moxlite.store.types import MailboxID, SettingsChanged
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, look

__all__ = ["accounts", "store_options"]


class Settings(msgspec.Struct, frozen=True):
    signature: str = ""
    undo_send_seconds: int = 10


async def test_settings_are_kept_told_and_read_as_their_struct(accounts: Accounts) -> None:
    """STORE-107: a value that does not fit hides no other one, and a change keeps settings of a later version."""
    async with accounts.use("mia") as account:
        assert await look(account, lambda r: load_settings(r, Settings)) == Settings()
        _, cursor = await account.subscribe()
        with cursor:
            await account.write(lambda tx: patch_settings(tx, {"signature": "Grüße", "later": [1]}))
            assert [type(event) for event in (await cursor.take()).events] == [SettingsChanged]
        assert await look(account, lambda r: load_settings(r, Settings)) == Settings("Grüße")
        await account.write(lambda tx: patch_settings(tx, {"undo_send_seconds": "10s"}))
        assert await look(account, lambda r: load_settings(r, Settings)) == Settings("Grüße")
        assert await look(account, lambda r: stored_fields(r.value(LOAD))) == {
            "signature": "Grüße",
            "later": [1],
            "undo_send_seconds": "10s",
        }


async def test_the_view_of_a_sender_is_remembered(accounts: Accounts) -> None:
    """STORE-107"""
    async with accounts.use("mia") as account:
        views: list[AddressView | None] = ["html", "html_ext", None]
        for view in views:
            await account.write(partial(set_address_view, address="anton@example.com", view=view))
            assert await look(account, lambda r: address_view(r, "anton@example.com")) == view


async def test_senders_of_tables_are_remembered(accounts: Accounts) -> None:
    """STORE-107, WEBMAIL-56a: the last 500, beside the other settings."""
    async with accounts.use("mia") as account:
        await account.write(lambda tx: patch_settings(tx, {"signature": "Grüße"}))
        for number in range(MAX_FIXED + 1):
            await account.write(partial(set_fixed_width, address=f"a{number}@x.example", fixed=True))
        await account.write(partial(set_fixed_width, address="a2@x.example", fixed=False))
        fixed = [await look(account, partial(has_fixed_width, address=f"a{number}@x.example")) for number in range(4)]
        assert fixed == [False, True, False, True]
        assert await look(account, lambda r: load_settings(r, Settings)) == Settings("Grüße")


@pytest.mark.parametrize("answer", ["list", "sender", "source", "target"])
async def test_a_proposal_that_was_declined_is_not_made_again(accounts: Accounts, answer: str) -> None:
    """STORE-108"""
    async with accounts.use("mia") as account:
        inbox = (await box(account)).id
        made = (await account.write(lambda tx: create_mailbox(tx, "lists")))[0].id

        async def declined(*, to_inbox: bool, source: MailboxID, target: MailboxID, listid: str = "l") -> bool:
            return await look(
                account,
                lambda r: is_declined(
                    r, "m@x.org", listid=listid, msgfrom="a@y.org", to_inbox=to_inbox, source=source, target=target
                ),
            )

        assert not await declined(to_inbox=False, source=inbox, target=made)
        if answer == "list":
            await account.write(lambda tx: decline_list(tx, "m@x.org", "l", to_inbox=False))
            assert not await declined(to_inbox=False, source=inbox, target=made, listid="other")
        elif answer == "sender":
            await account.write(lambda tx: decline_sender(tx, "m@x.org", "a@y.org", to_inbox=False))
        elif answer == "target":
            await account.write(lambda tx: decline_mailbox(tx, made, to_mailbox=True))
        else:
            await account.write(lambda tx: decline_mailbox(tx, inbox, to_mailbox=False))
            await account.write(lambda tx: decline_mailbox(tx, inbox, to_mailbox=True))
        assert await declined(to_inbox=False, source=inbox, target=made)
        if answer != "source":
            assert not await declined(to_inbox=True, source=made, target=inbox)
        await account.write(lambda tx: delete_mailbox(tx, made))
