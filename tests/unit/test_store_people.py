"""People and senders of bulk mail, gathered from messages (STORE-96, WEBMAIL-136a)."""

import re
import time
from collections.abc import Callable
from functools import partial

import pytest
import trio

from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.outgoing import OutgoingLimits, add_outgoing
from moxlite.store.delivery.perform import append
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.groupware import cards, contacts
from moxlite.store.mail.adding import Append
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.recipients import forget_recipients, note_correspondent
from moxlite.store.people import correspondents, gathering
from moxlite.store.people.correspondents import is_known, suggest
from moxlite.store.types import Flag
from tests.store_fixtures import store_options, unserved
from tests.store_mail import box, look, prepared

__all__ = ["store_options", "unserved"]


@pytest.fixture
def accounts(unserved: Accounts) -> Accounts:
    """Accounts that learn their people when a test says so."""
    return unserved


NEWS = "List-Id: The News <news.shop.example>\r\nList-Unsubscribe: <https://shop.example/leave>\r\n"


async def put(
    account: OpenAccount,
    sender: str,
    *,
    to: str = "mia@example.org",
    mailbox: str = "Inbox",
    flags: Flag = Flag(0),
    fields: str = "",
    received: int = 1_700_000_000_000_000,
) -> int:
    """A message; its id."""
    text = f"From: {sender}\r\nTo: {to}\r\nSubject: x\r\nMessage-ID: <{time.monotonic_ns()}@x>\r\n{fields}\r\nHello\r\n"
    found = await box(account, mailbox)
    [one] = await append(account, found.id, [Append(await prepared(text.encode()), flags, received=received)])
    return int(one.message_id)


def _counting(table: str) -> Callable[[Reader], int]:
    return lambda r: int(r.value(f"SELECT count(*) FROM {table}"))


def _empty(tx: Tx, table: str) -> None:
    tx.execute(f"DELETE FROM {table}")


async def names(account: OpenAccount, text: str) -> list[str]:
    """The suggestions for a text."""
    found, _ = await look(account, lambda r: suggest(r, text))
    return [f"{one.name} {one.localpart}@{one.domain}".strip() for one in found]


async def test_people_of_sent_and_received_mail_are_suggested(accounts: Accounts) -> None:
    """STORE-96: addresses that the account wrote to come first, then senders, then newsletters; never junk, drafts."""
    async with accounts.use("mia") as account:
        await put(account, "Ada <ada@x.example>", received=1)
        await put(account, "Bob <bob@x.example>", received=2)
        await put(account, "Shop <shop@x.example>", fields=NEWS, received=9)
        spam = await put(account, "Spam <spam@x.example>")
        await account.write(lambda tx: store_flags_ids(tx, [spam], mode="add", flags=Flag.JUNK))
        await put(account, "Junk <junk@x.example>", mailbox="Junk")
        await put(account, "Me <me@x.example>", flags=Flag.DRAFT)
        await put(account, "mia@example.org", to="Zoë <zoe@x.example>", mailbox="Sent")
        await account.gatherer.once()
        found = ["Zoë zoe@x.example", "Bob bob@x.example", "Ada ada@x.example", "Shop shop@x.example"]
        assert await names(account, "x.exam") == found
        await put(account, "mia@example.org", to="ADA <ada@x.example>", mailbox="Sent")
        assert sorted((await names(account, "x.exam"))[:2]) == ["ADA ada@x.example", "Zoë zoe@x.example"]


async def test_the_latest_verdict_of_the_owner_counts(accounts: Accounts) -> None:
    """STORE-96: an address whose newest mail was found to be junk later is not suggested."""
    async with accounts.use("mia") as account:
        number = await put(account, "Eve <eve@x.example>")
        await account.gatherer.once()
        assert await names(account, "eve") == ["Eve eve@x.example"]
        row = """INSERT INTO message_smtp (message_id, received, size, msgfrom, msgfrom_domain)
        VALUES (?, 1, 1, 'eve', 'x.example')"""
        await account.write(lambda tx: tx.execute(row, number))
        await account.write(lambda tx: store_flags_ids(tx, [number], mode="add", flags=Flag.JUNK))
        assert await names(account, "eve") == []


async def test_two_that_look_at_once_count_once(accounts: Accounts) -> None:
    """STORE-96, WEBMAIL-136a: the background task, and a list of newsletters that waits for it."""
    async with accounts.use("mia") as account:
        for number in range(5):
            await put(account, "Ada <ada@x.example>", fields=NEWS, received=number)
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(account.gatherer.hurry, 60.0)
        assert [one.messages for one in await look(account, lambda r: gathering.bulk_senders(r, "size", 9, 0))] == [5]


async def test_what_is_removed_is_forgotten(accounts: Accounts) -> None:
    """STORE-96, WEBMAIL-123: with its last message a sender goes; a message that was taken back names nobody."""
    async with accounts.use("mia") as account:
        first = await put(account, "Ada <ada@x.example>")
        second = await put(account, "Ada <ada@x.example>", fields=NEWS)
        sent = await put(account, "mia@example.org", to="Bob <bob@x.example>, ada@x.example", mailbox="Sent")
        await account.gatherer.once()
        assert [one.messages for one in await look(account, lambda r: gathering.bulk_senders(r, "size", 9, 0))] == [1]
        await account.write(lambda tx: expunge_ids(tx, [first, second]))
        assert await look(account, gathering.count_senders) == 0
        assert len(await names(account, "x.example")) == 2
        await account.write(lambda tx: forget_recipients(tx, sent))
        assert await names(account, "x.example") == []
        for table in ("gathered", "correspondent", "correspondent_word", "bulk_sender"):
            assert await look(account, _counting(table)) == 0, table


async def test_a_sender_cannot_rename_whom_the_account_wrote_to(accounts: Accounts) -> None:
    """STORE-96: nor have a name that looks like another address, or one with controls or without end."""
    async with accounts.use("mia") as account:
        await put(account, "mia@example.org", to="Bank <help@bank.example>", mailbox="Sent")
        await put(account, "Your Friend <help@bank.example>", received=2_000_000_000_000_000)
        await put(account, '"boss@firm.example" <eve@x.example>')
        await put(account, f"{'x' * 900} <long@x.example>")
        await account.gatherer.once()
        assert await names(account, "help") == ["Bank help@bank.example"]
        assert await names(account, "eve") == ["eve@x.example"]
        assert await names(account, "long@") == [f"{'x' * 200} long@x.example"]


async def test_an_older_account_is_caught_up_with_in_pieces(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-96: recipients and messages from before the tables; what is done twice changes nothing."""
    monkeypatch.setattr(gathering, "BATCH", 2)
    async with accounts.use("mia") as account:
        for number in range(5):
            await put(account, f"P{number} <p{number}@x.example>")
            await put(account, "mia@example.org", to=f"q{number}@x.example", mailbox="Sent")
        for table in ("correspondent", "correspondent_word", "gathered"):
            await account.write(partial(_empty, table=table))
        await account.write(lambda tx: tx.execute("UPDATE gathering SET message_id = 0, recipient_id = 0"))
        await account.gatherer.once()
        assert len(await names(account, "x.example")) == 10
        await account.gatherer.once()
        assert await look(account, lambda r: r.value("SELECT sum(messages) FROM correspondent")) == 5


async def test_old_submissions_make_their_recipients_known_once(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-96: mail that was sent before submissions noted whom they went to; no receipt since."""
    monkeypatch.setattr(gathering, "BATCH", 2)
    old = [Address.parse(f"q{number}@x.example") for number in range(5)]
    asker = Address.parse("asker@x.example")
    limits = OutgoingLimits(messages=100, first_time=100)

    def known(r: Reader) -> list[bool]:
        return [is_known(r, str(one.localpart), one.domain.unicode, 0) for one in (*old, asker)]

    async with accounts.use("mia") as account:
        await account.write(lambda tx: add_outgoing(tx, old[:3], limits, written=False))
        await account.write(lambda tx: add_outgoing(tx, old[3:4], limits))
        await account.write(lambda tx: add_outgoing(tx, old[4:], limits, written=False))
        await account.write(lambda tx: tx.execute("UPDATE gathering SET recipient_id = ?", gathering.DONE))
        assert await look(account, known) == [False, False, False, True, False, False]
        await account.gatherer.once()
        assert await look(account, known) == [True] * 5 + [False]
        await account.write(lambda tx: add_outgoing(tx, [asker], limits, written=False))
        await account.gatherer.once()
        assert await look(account, known) == [True] * 5 + [False]
        assert await look(account, lambda r: r.value("SELECT count(*) FROM recipient")) == 5


async def test_newsletters_are_counted_and_archived_by_their_index(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-136a: number, octets, the newest, the newest that was read; some in a unit; a message in Trash stays."""
    monkeypatch.setattr(gathering, "UNIT", 2)
    async with accounts.use("mia") as account:
        ids = [await put(account, "Shop <shop@x.example>", fields=NEWS, received=one) for one in range(1, 6)]
        await put(account, "Shop <shop@x.example>", fields=NEWS, received=9, mailbox="Trash")
        await put(account, "Ada <ada@x.example>", fields="List-Unsubscribe: <mailto:leave@x.example>\r\n")
        await account.write(lambda tx: store_flags_ids(tx, [ids[2]], mode="add", flags=Flag.SEEN))
        await account.gatherer.once()
        shop, ada = await look(account, lambda r: gathering.bulk_senders(r, "messages", 10, 0))
        assert (shop.key, shop.messages, shop.read, shop.received) == ("news.shop.example", 5, 3, 5)
        assert (ada.key, ada.messages) == ("ada@x.example", 1)
        moved: list[int] = []
        after: tuple[int, int] | None = None
        while True:
            done = await account.write(partial(gathering.archive, number=shop.id, after=after))
            assert done is not None
            assert len(done.ids) <= 2
            moved += done.ids
            after = done.after
            if after is None:
                break
        assert moved == ids
        archive = await box(account, "Archive")
        assert (archive.total, archive.unread) == (5, 0)


async def test_suggestions_do_not_grow_with_the_account(accounts: Accounts) -> None:
    """STORE-96, WEBMAIL-150: among many people, common and rare texts are found, by a bounded number of rows."""
    async with accounts.use("mia") as account:

        def fill(tx: Tx) -> None:
            for number in range(6_000):
                note_correspondent(tx, f"Person {number}", f"p{number}", "many.example", heard=number + 1)

        await account.write(fill)
        found, more = await look(account, lambda r: suggest(r, "person"))
        assert (len(found), more) == (20, True)
        assert found[0].localpart == "p5999"
        for text in ("person 17", "p17@", "17"):
            found, _ = await look(account, partial(suggest, text=text))
            assert found, text
        assert (await look(account, lambda r: suggest(r, "nobody")))[0] == []


def plan(r: Reader, sql: str) -> list[str]:
    """How SQLite would run a statement."""
    numbers = [int(one) for one in re.findall(r"\?(\d)", sql)]
    rows = r.rows(f"EXPLAIN QUERY PLAN {sql}", *[1] * max([sql.count("?"), *numbers]))
    return [str(row[3]) for row in rows]


async def test_completion_looks_at_few_rows_by_index(accounts: Accounts) -> None:
    """WEBMAIL-150, STORE-96, STORE-96a: no step goes through all mail or people; contacts are limited."""

    async with accounts.use("mia") as account:
        for sql in (
            correspondents.LATEST,
            correspondents.HAVING_WORD,
            correspondents.JUNK,
            contacts.SUGGESTED,
            contacts.SUGGESTED_FAVORITES,
        ):
            lines = await look(account, partial(plan, sql=sql))
            # what a bounded inner query has found may be gone through, and sorted
            bounded = ("SCAN (subquery", "SCAN w", "SCAN p")
            through = [one for one in lines if one.startswith("SCAN") and not one.startswith(bounded)]
            assert not [one for one in through if "USING INDEX" not in one], lines
    assert (correspondents.BEST, correspondents.BY_WORD, cards.MAX_CONTACTS) == (2000, 2000, 10_000)


async def test_messages_of_a_newsletter_are_found_by_index(accounts: Accounts) -> None:
    """WEBMAIL-136a: a page of fifty senders does not go through all that was gathered for each."""
    async with accounts.use("mia") as account:
        for sql in (gathering.NEWEST, gathering.NEXT_LIST):
            lines = await look(account, partial(plan, sql=sql))
            assert "INDEX gathered_bulk (bulk_id=?" in lines[0], lines
