"""Searches in another order than that of reception, slice by slice (STORE-114a, WEBMAIL-66b)."""

import random
from collections.abc import AsyncIterator
from functools import partial

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.perform import append
from moxlite.store.mail import expunging
from moxlite.store.mail.adding import Append
from moxlite.store.options import Options
from moxlite.store.rows import sorting
from moxlite.store.rows.conditions import Placed, WithFlags
from moxlite.store.search import finding
from moxlite.store.search.finding import MessageQuery, Search
from moxlite.store.search.queries import Contains
from moxlite.store.types import Flag, MailboxID
from tests.store_fixtures import unserved as accounts
from tests.store_mail import box, prepared, rows

__all__ = ["accounts"]

AUTHORS = ("Zoe <zoe@example.org>", "anton@example.com", '"Bea" <b@example.net>', "ANTON <a@example.org>", "no one", "")
SHOWN = ("ZOE", "ANTON@EXAMPLE.COM", "BEA", "ANTON", "NO ONE", "")
"""How they are compared."""

MESSAGES = 150
Known = tuple[int, int, str, bool]
"""Time of reception, size, displayed name, and whether it's read."""


@pytest.fixture
def store_options() -> Options:
    return Options(check_on_close=True, min_free_space=0)


@pytest.fixture
async def account(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAccount]:
    for name, count in (("SLICE", 10), ("LIGHT", 20), ("WIDE", 40)):
        monkeypatch.setattr(finding, name, count)
    monkeypatch.setattr(sorting, "MAX_AUTHORS", 2)
    async with accounts.use("mjl") as account:
        yield account


async def fill(account: OpenAccount) -> tuple[tuple[MailboxID, ...], dict[int, Known]]:
    """Put messages into two mailboxes, some at the same time; returns the mailboxes, and the messages by id."""
    chance = random.Random(5)
    mailboxes = (await box(account)).id, (await box(account, "Archive")).id
    known: dict[int, Known] = {}
    for number in range(MESSAGES):
        author = chance.randrange(len(AUTHORS))
        head = f"From: {AUTHORS[author]}\r\n" if AUTHORS[author] else ""
        text = f"{head}Subject: {number}\r\n\r\n{'x' * chance.randrange(5)}hello\r\n"
        received, seen = chance.randrange(-3, 40), chance.random() < 0.7
        item = Append(await prepared(text.encode()), Flag.SEEN if seen else Flag(0), (), received)
        [added] = await append(account, chance.choice(mailboxes), [item])
        known[added.message_id] = (received, len(text), SHOWN[author], seen)
    return mailboxes, known


def rank(known: Known, by: str) -> int | str:
    _, size, name, seen = known
    ranks: dict[str, int | str] = {"size": -size, "unread": int(seen), "sender": name}
    return ranks[by]


async def found(search: Search) -> list[Placed]:
    matches: list[Placed] = []
    while not search.done:
        matches += await search.step()
    return matches


@pytest.mark.parametrize("by", ["size", "unread", "sender"])
@pytest.mark.parametrize("oldest_first", [False, True])
async def test_messages_come_by_rank_then_by_reception(
    account: OpenAccount, by: sorting.Ranking, oldest_first: bool
) -> None:
    """STORE-114a, WEBMAIL-66b: of one mailbox and of several, with a condition, and with a test of their texts."""
    mailboxes, known = await fill(account)
    sign = 1 if oldest_first else -1
    expected = sorted(known, key=lambda one: (rank(known[one], by), sign * known[one][0], sign * one))
    search = Search(account, MessageQuery(mailboxes), by=by, oldest_first=oldest_first)
    matches = await found(search)
    assert [one.message_id for one in matches] == expected
    assert [one.rank for one in matches] == [rank(known[one], by) for one in expected]
    assert (search.looked, search.of) == (MESSAGES, MESSAGES)
    for query in (
        MessageQuery(mailboxes, term=Contains("xhello")),
        MessageQuery(mailboxes, WithFlags(lacking=Flag.SEEN)),
    ):
        unordered = {one.message_id for one in await found(Search(account, query))}
        matches = await found(Search(account, query, by=by, oldest_first=oldest_first))
        assert [one.message_id for one in matches] == [one for one in expected if one in unordered]
    of_each = [
        await found(Search(account, MessageQuery((one,)), by=by, oldest_first=oldest_first)) for one in mailboxes
    ]
    for of in of_each:
        ids = {one.message_id for one in of}
        assert [one.message_id for one in of] == [one for one in expected if one in ids]
    assert sum(map(len, of_each)) == MESSAGES


@pytest.mark.parametrize("by", ["size", "unread"])
async def test_a_first_slice_is_no_order_of_all(account: OpenAccount, by: sorting.Ranking) -> None:
    """STORE-114a: what comes and goes between two slices is in the list or not, and nothing else moves."""
    mailboxes, known = await fill(account)
    search = Search(account, MessageQuery(mailboxes), by=by)
    first = [one.message_id for one in await search.step()]
    assert len(first) == 10
    gone = [one for one in known if one not in first][:30]
    for name in ("Inbox", "Archive"):
        uids = [row.uid for row in await rows(account, name) if row.id in gone]
        await account.write(partial(expunging.expunge, mailbox_id=(await box(account, name)).id, uids=uids))
    rest = [one.message_id for one in await found(search)]
    assert sorted(first + rest) == sorted(set(known).difference(gone))


async def test_names_of_senders_are_read_once(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-114a: then the messages of one name after the other come without another read of the account."""
    mailboxes, _ = await fill(account)
    search = Search(account, MessageQuery(mailboxes), by="sender")
    matches = [*await search.step()]
    with monkeypatch.context() as patch:
        patch.setattr(account, "scan", None)
        matches += await found(search)
    assert len(matches) == MESSAGES
