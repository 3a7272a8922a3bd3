"""Copies of a message share its content, which goes with the last of them (STORE-25, decision 006), also in files of
before.
"""

from __future__ import annotations

import random
import shutil
from array import array
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.content.body import message_range
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import copy_messages, move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.fetching import Column, fetch_rows
from moxlite.store.mail.threads import reassign_threads
from moxlite.store.options import Options
from moxlite.store.rows.messages import headers, infos
from moxlite.store.types import MailboxID
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, deliver_mail, held, look, mail, put, rows, thread_parents, wires

__all__ = ["accounts", "store_options"]

SHARED = ("message_info", "message_header")
"""The last fixture in which each copy has rows of its own."""


def uids_of(r: Reader, mailbox_id: MailboxID) -> list[int]:
    return [uid for (uid,) in r.rows("SELECT uid FROM message WHERE mailbox_id = ?", mailbox_id)]


async def shared(account: Account) -> list[tuple[int, ...]]:
    """The email_ids in each table of content."""
    return await look(
        account,
        lambda r: [tuple(row[0] for row in r.rows(f"SELECT email_id FROM {table} ORDER BY 1")) for table in SHARED],
    )


async def test_a_copy_has_the_content_of_its_source(accounts: Accounts) -> None:
    """STORE-20, STORE-25, STORE-51, IMAP-106, IMAP-117: by every way of reading, and nothing of it is written again."""
    ways: tuple[Callable[..., Mapping[Any, object]], ...] = (
        wires,
        lambda r, ids: dict(headers(r, ids)),
        lambda r, ids: dict(infos(r, ids)),
        thread_parents,
    )
    async with accounts.use("mia") as account:
        inbox, archive = (await box(account)).id, (await box(account, "Archive")).id
        await put(account, 2)
        await account.write(lambda tx: copy_messages(tx, inbox, [1, 2], archive))
        copies = await account.write(lambda tx: copy_messages(tx, archive, [1, 2], archive))
        assert await shared(account) == [(1, 2)] * len(SHARED)
        for number, message_id in enumerate(copies.message_ids, 1):
            assert await look(account, partial(message_range, message_id=message_id)) == mail(number)
            for read in ways:
                found = await look(account, partial(read, ids=[message_id]))
                original = await look(account, partial(read, ids=[number]))
                assert list(found.values()) == list(original.values())
                assert list(found) == [message_id]


async def test_content_goes_with_the_last_message_that_has_it(accounts: Accounts) -> None:
    """STORE-25, STORE-36: whether the first one or a copy is removed first; a removed one keeps it while it is held."""
    async with accounts.use("mia") as account:
        inbox, archive = (await box(account)).id, (await box(account, "Archive")).id
        await put(account, 2)
        await account.write(lambda tx: copy_messages(tx, inbox, [1, 2], archive))
        _, cursor = await account.subscribe()
        with cursor:
            await account.write(lambda tx: expunge(tx, inbox, [1]))
            await account.write(lambda tx: expunge(tx, archive, [2]))
            assert await look(account, lambda r: held(r, archive)) == [(2, 4)]
            assert await look(account, lambda r: r.value("SELECT email_id FROM erase_queue WHERE message_id = 4")) == 2
            columns: tuple[Column, ...] = ("email_id", "envelope", "header", "preview")
            second = array("q", [2])
            _, [removed], _ = await look(account, lambda r: fetch_rows(r, archive, second, columns, ids=False))
            [there], _, _ = await look(account, lambda r: fetch_rows(r, inbox, second, columns, ids=False))
            assert removed[3:] == there[3:]
            await account.settle()
            assert await shared(account) == [(1, 2)] * len(SHARED)
        await account.settle()
        assert await shared(account) == [(1, 2)] * len(SHARED)
        await account.write(lambda tx: expunge(tx, inbox, [2]))
        await account.settle()
        assert await shared(account) == [(1,)] * len(SHARED)
        again = await account.write(lambda tx: copy_messages(tx, archive, [1], inbox))
        await account.write(lambda tx: expunge(tx, archive, [1]))
        await account.settle()
        assert await look(account, lambda r: message_range(r, again.message_ids[0])) == mail(1)
        await account.write(lambda tx: expunge(tx, inbox, again.target_uids))
        await account.settle()
        assert await shared(account) == [()] * len(SHARED)


async def test_copies_wait_for_a_parent_by_one_row(accounts: Accounts) -> None:
    """STORE-195, STORE-25: all find it; without the first message as well; and nothing waits for the last one."""
    async with accounts.use("mia") as account:
        inbox, archive = (await box(account)).id, (await box(account, "Archive")).id
        orphan = mail(3, subject="Re: greetings", references="<1@example.com> <2@example.com>")
        await deliver_mail(account, orphan)
        for _ in range(2):
            await account.write(lambda tx: copy_messages(tx, inbox, [1], archive))
        missing = "SELECT reference, email_id, distance FROM thread_missing ORDER BY 3"
        assert await look(account, lambda r: r.rows(missing)) == [("2@example.com", 1, 0), ("1@example.com", 1, 1)]
        await account.write(lambda tx: expunge(tx, inbox, [1]))
        await account.settle()
        root = (await deliver_mail(account, mail(1))).message_id
        parents = await look(account, lambda r: thread_parents(r, [2, 3]))
        assert parents == {2: (root,), 3: (root,)}
        assert await look(account, lambda r: r.rows(missing)) == [("2@example.com", 1, 0)]
        assert {row.thread_missing_link for row in await rows(account, "Archive")} == {True}
        await account.write(lambda tx: expunge(tx, archive, [1, 2]))
        await account.settle()
        assert await look(account, lambda r: r.rows(missing)) == []


async def test_threads_made_anew_keep_what_copies_wait_for(accounts: Accounts) -> None:
    """STORE-43, STORE-82, STORE-195: of messages without a Message-ID, whose copies are no answers to them."""
    async with accounts.use("mia") as account:
        inbox, archive = (await box(account)).id, (await box(account, "Archive")).id
        orphan = mail(3, subject="Re: greetings", references="<1@example.com>").replace(b"Message-ID", b"X-Was")
        await deliver_mail(account, orphan)
        await account.write(lambda tx: copy_messages(tx, inbox, [1], archive))
        assert await reassign_threads(account) == 2
        missing = "SELECT reference, email_id, distance FROM thread_missing"
        assert await look(account, lambda r: r.rows(missing)) == [("1@example.com", 1, 0)]
        root = (await deliver_mail(account, mail(1))).message_id
        assert await look(account, lambda r: thread_parents(r, [1, 2])) == {1: (root,), 2: (root,)}


def left_over(r: Reader) -> list[object]:
    """What is wrong in an account, by the deep check."""
    return list(check_account(r, deep=True))


@pytest.mark.parametrize("seed", range(6))
async def test_after_any_history_each_message_has_its_own_content(tmp_path: Path, seed: int) -> None:
    """STORE-25, STORE-36, STORE-40, STORE-160: copies, moves, removals, tombstones held by who has not heard of them,
    erasure, and the file as a kill leaves it.
    """
    rng = random.Random(seed)
    options = Options(min_free_space=0, check_on_close=True)
    accounts = Accounts(tmp_path / "data", options)
    octets: dict[int, bytes] = {}  # by email_id
    number = 0
    async with accounts.use("mia") as account:
        boxes = [(await box(account, name)).id for name in ("Inbox", "Archive", "Trash")]
        cursors: list[Cursor] = []
        for step in range(60):
            source, target = rng.choice(boxes), rng.choice(boxes)
            there = await look(account, partial(uids_of, mailbox_id=source))
            uids = rng.sample(there, rng.randint(0, min(3, len(there))))
            match rng.choice(("add", "copy", "copy", "move", "expunge", "hold", "release", "erase")):
                case "add":
                    number += 1
                    answered = f"<{rng.randint(number - 3, number + 3)}@example.com>"
                    data = mail(number, subject="Re: greetings", references=answered)
                    octets[(await deliver_mail(account, data)).message_id] = data
                case "copy":
                    await account.write(partial(copy_messages, source_id=source, uids=uids, target_id=target))
                case "move" if source != target:
                    await account.write(partial(move_messages, source_id=source, uids=uids, target_id=target))
                case "expunge":
                    await account.write(partial(expunge, mailbox_id=source, uids=uids))
                case "hold":
                    cursors.append((await account.subscribe())[1])
                case "release" if cursors:
                    cursors.pop(rng.randrange(len(cursors))).close()
                case "erase":
                    await account.eraser.once()
            assert await account.scan(left_over, op="test") == [], step
            if step % 20 == 19:
                killed = tmp_path / f"killed-{step}"
                shutil.copytree(tmp_path / "data", killed)
                await whole_after_a_kill(killed, options, octets)
        await every_message_is_right(account, octets)
        for cursor in cursors:
            cursor.close()
        await account.settle()
        live = await look(account, lambda r: r.rows("SELECT DISTINCT email_id FROM message ORDER BY 1"))
        assert await shared(account) == [tuple(row[0] for row in live)] * len(SHARED)
        for mailbox_id in boxes:
            uids = await look(account, partial(uids_of, mailbox_id=mailbox_id))
            await account.write(partial(expunge, mailbox_id=mailbox_id, uids=uids))
        await account.settle()
        for table in (*SHARED, "thread_missing", "body", "body_chunk", "erase_queue"):
            assert await look(account, partial(Reader.value, sql=f"SELECT count(*) FROM {table}")) == 0, table
    await accounts.aclose()


async def whole_after_a_kill(folder: Path, options: Options, octets: dict[int, bytes]) -> None:
    """A folder opened by another process has all mail; at once, and when what waited is erased."""
    accounts = Accounts(folder, options)
    async with accounts.use("mia") as account:
        await every_message_is_right(account, octets)
        await account.settle()
        await every_message_is_right(account, octets)
    await accounts.aclose()


async def every_message_is_right(account: Account, octets: dict[int, bytes]) -> None:
    """Messages, and tombstones that are held, have the octets of their first message."""
    both = "SELECT id, email_id FROM message UNION SELECT message_id, email_id FROM erase_queue"
    for message_id, email_id in await look(account, lambda r: r.rows(both)):
        assert await look(account, partial(message_range, message_id=message_id)) == octets[email_id]
