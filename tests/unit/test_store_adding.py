"""Adding many messages by one call gives the same as adding them one by one (moxlite/store/mail/adding.py)."""

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import Compression, encode_chunk, take_body_ids
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.errors import LimitExceeded, OverQuota
from moxlite.store.mail.adding import AddedMessage, Append, add_bodies, add_message, add_messages
from moxlite.store.mail.threadlinks import set_thread_flags
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import MAX_PER_MESSAGE
from moxlite.store.types import Event, Flag, MailboxCounts, MailboxKeywords, MessageAdded
from tests.store_fixtures import accounts, store_options, unserved
from tests.store_mail import box, look, mail, prepared, put, rows

__all__ = ["accounts", "store_options", "unserved"]

RECEIVED = 1_790_000_000_000_000
TABLES = (
    "body_chunk", "keyword", "message_header", "message_info", "message_keyword", "recipient",
    "thread_missing",
)  # fmt: skip
COLUMNS = {
    "body": "id, hash, size, refs",
    "mailbox": "id, uidnext, keywords, modseq, total, deleted, unread, unseen, size, deleted_size",
    "message": "id, mailbox_id, uid, createseq, modseq, threadseq, body_id, email_id, size, received, received_offset, "
    "flags, keywords, dsn, mailbox_orig_id, messageid, subject_base, threadid, thread_missing_link, thread_muted, "
    "thread_collapsed",
    "state": "modseq, total_size",
} | dict.fromkeys(TABLES, "*")


async def dump(account: Account) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that adding messages writes, but for times."""
    return await look(
        account,
        lambda r: {
            table: sorted(r.rows(f"SELECT {columns} FROM {table}"), key=repr) for table, columns in COLUMNS.items()
        },
    )


DSN = (
    b"From: MAILER-DAEMON@example.com\r\nSubject: failed\r\nMessage-ID: <%d@example.com>\r\n"
    b"References: <%d@example.com>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\n--b--\r\n"
)


async def some(rng: random.Random, count: int) -> list[Append]:
    """Messages that answer each other, come before those that they answer, are the same twice, or have the same
    Message-ID.
    """
    items = []
    for _ in range(count):
        own, first, second = (rng.randrange(25) for _ in range(3))
        if rng.random() < 0.1:
            data = DSN % (own, first)
        else:
            subject = f"{rng.choice(['', 'Re: '])}{rng.choice(['greetings', 'news'])}"
            references = rng.choice(["", f"<{first}@example.com>", f"<{second}@example.com> <{first}@example.com>"])
            data = mail(own, subject=subject, references=references, body=f"{rng.randrange(2)}\r\n")
        flags = rng.choice([Flag(0), Flag.SEEN, Flag.DELETED | Flag.FLAGGED, Flag.JUNK])
        keywords = rng.choice([(), (), ("Work",), ("work", "$Later")])
        received = RECEIVED + rng.randrange(40) * DAY
        items.append(Append(await prepared(data), flags, keywords, received, rng.choice([0, 60])))
    return items


def told(events: Sequence[Event]) -> list[Event]:
    """What a subscriber knows after all of them: counts and keywords are those that were told last, and each new
    message comes with the counts after the unit.
    """
    counts = [event for event in events if isinstance(event, MailboxCounts)][-1]
    keywords = [event for event in events if isinstance(event, MailboxKeywords)][-1:]
    exists = {"exists": counts.total + counts.deleted, "unseen": counts.unseen}
    others: list[Event] = [counts, *keywords]
    for event in events:
        if isinstance(event, MessageAdded):
            event = msgspec.structs.replace(event, **exists)
        if not isinstance(event, MailboxCounts | MailboxKeywords):
            others.append(event)
    return [msgspec.structs.replace(event, account="", origin=0) for event in others]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("mailbox", ["Inbox", "Sent", "Junk"])
async def test_many_at_once_are_the_same_as_one_by_one(accounts: Accounts, mailbox: str, seed: int) -> None:
    """STORE-20, STORE-31, STORE-79, STORE-84, STORE-95, STORE-180, STORE-195"""
    results = []
    for name in ("together", "single"):
        rng = random.Random(seed)
        async with accounts.use(name) as account:
            there = await some(rng, 8)
            added = await append(account, (await box(account)).id, there)
            muted = [added[0].message_id, added[3].message_id]
            await account.write(lambda tx, ids=muted: set_thread_flags(tx, ids, muted=True))  # type: ignore[misc]
            target = (await box(account, mailbox)).id
            items = await some(rng, 40)

            def together(tx: AccountTx, items: list[Append] = items, target: Any = target) -> list[AddedMessage]:
                return add_messages(tx, items, target)

            def single(tx: AccountTx, items: list[Append] = items, target: Any = target) -> list[AddedMessage]:
                return [
                    add_message(
                        tx,
                        one.prepared,
                        target,
                        flags=one.flags,
                        keywords=one.keywords,
                        received=one.received,
                        received_offset=one.received_offset,
                    )
                    for one in items
                ]

            _, cursor = await account.subscribe()
            with cursor:
                done = await account.write(together if name == "together" else single)
                events = (await cursor.take()).events
            done = [msgspec.structs.replace(one, uidvalidity=0) for one in done]
            results.append((done, told(events), await dump(account)))
    (a, b) = results
    assert a[0] == b[0]
    assert a[1] == b[1]
    for table, found in a[2].items():
        assert found == b[2][table], table


async def test_long_bodies_of_one_append_are_written_before_and_share_units(unserved: Accounts) -> None:
    """STORE-7, STORE-180, IMAP-88"""
    async with unserved.use("mia") as account:
        inbox = await box(account)
        units = 0
        write = account.write

        async def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal units
            units += 1
            return await write(*args, **kwargs)

        account.write = counted  # type: ignore[method-assign]
        sizes = [10, 300_000, 9_000_000, 10, 20, 262_144, 262_145, 10]
        data = [mail(n, body="x" * size + "\r\n") for n, size in enumerate(sizes)]
        items = [Append(await prepare(Spool.of(one), chunks=n % 4 == 3)) for n, one in enumerate(data)]
        items.append(items[1])
        added = await append(account, inbox.id, items)
        del account.write
        assert [one.uid for one in added] == list(range(1, 10))
        # The large body is three pieces, the others go before and behind it; then all are added, and nothing is left.
        assert units == 2 + 2 + 2
        assert [row.size for row in await rows(account)] == [*map(len, data), len(data[1])]
        assert await look(account, lambda r: r.rows("SELECT sum(refs), min(refs), count(*) FROM body")) == [(9, 1, 8)]


async def test_only_mail_in_the_sent_mailbox_makes_recipients_known(accounts: Accounts) -> None:
    """STORE-95"""
    async with accounts.use("mia") as account:
        count = "SELECT count(*) FROM recipient"
        await put(account)
        assert await look(account, lambda r: r.value(count)) == 0
        await put(account, name="Sent", first=2)
        assert await look(account, lambda r: r.value(count)) == 1


async def test_a_new_message_has_as_many_keywords_as_are_allowed(accounts: Accounts) -> None:
    """STORE-22"""
    words = [f"k{number}" for number in range(MAX_PER_MESSAGE + 1)]
    async with accounts.use("mia") as account:
        (added,) = await put(account, keywords=words[:-1])
        assert len(added.keywords) == MAX_PER_MESSAGE
        with pytest.raises(LimitExceeded):
            await put(account, keywords=words, first=2)


async def test_only_a_damaged_body_is_written_anew_before_it_is_shared(
    accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-180: not a new one, one of the same unit, or one that was stored with another compression."""
    data = mail(1, body="x" * 5000)
    one = await prepare(Spool.of(data))
    plain = encode_chunk(data, Compression.NONE)
    replace = "UPDATE body_chunk SET enc = ?, digest = ?, data = ?"
    async with accounts.use("mia") as account:
        inbox = (await box(account)).id
        await append(account, inbox, [Append(one), Append(one)])
        await account.write(lambda tx: tx.execute(replace, int(plain.enc), plain.check, plain.data))
        await append(account, inbox, [Append(one)])
        assert await look(account, lambda r: r.rows("SELECT data FROM body_chunk")) == [(data,)]
        assert "damaged body repaired" not in caplog.messages
        await account.write(lambda tx: tx.execute(replace, int(plain.enc), plain.check, data[:-1] + b"y"))
        await append(account, inbox, [Append(one)])
        assert caplog.messages.count("damaged body repaired") == 1
        assert one.chunks is not None
        good = [(chunk.data,) for chunk in one.chunks]
        assert await look(account, lambda r: r.rows("SELECT data FROM body_chunk")) == good


@pytest.mark.parametrize("chunks", [0, 1])
async def test_a_body_that_nobody_uses_any_more_is_used_again(accounts: Accounts, chunks: int) -> None:
    """STORE-180: whether or not its chunks are gone already."""
    one = await prepare(Spool.of(mail(1)))

    def unused(tx: AccountTx) -> None:
        tx.execute("UPDATE body SET refs = 0")
        tx.execute("DELETE FROM body_chunk WHERE ?", not chunks)

    async with accounts.use("mia") as account:
        (body_id, _) = await account.write(lambda tx: add_bodies(tx, [one, one], take_body_ids(tx, 2)))
        state = "SELECT b.id, b.refs, (SELECT count(*) FROM body_chunk) FROM body b"
        assert await look(account, lambda r: r.rows(state)) == [(body_id, 2, 1)]
        await account.write(unused)
        assert await look(account, lambda r: r.rows(state)) == [(body_id, 0, chunks)]
        await append(account, (await box(account)).id, [Append(one)])
        assert await look(account, lambda r: r.rows(state)) == [(body_id, 1, 1)]


async def test_what_was_written_before_goes_when_the_unit_fails(accounts: Accounts) -> None:
    """STORE-7, STORE-62"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        item = Append(await prepare(Spool.of(mail(1)), chunks=False))

        def no_room(tx: AccountTx, added: list[AddedMessage]) -> None:
            raise OverQuota(1, 1)

        with pytest.raises(OverQuota):
            await append(account, inbox.id, [item, item], also=no_room)
        for table in ("body", "body_chunk", "message"):
            assert await look(account, lambda r, table=table: r.value(f"SELECT count(*) FROM {table}")) == 0  # type: ignore[misc]
