"""Preparing, delivering, appending; reading the octets of messages (prepare.py, deliver.py, body.py, conditions.py)."""

import os
import threading
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.proto.mime.types import MIMEError, decode_structure
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content import body, prepare
from moxlite.store.content.body import CHUNK_SIZE
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Delivery, FileInto
from moxlite.store.delivery.perform import OwedRow, append, deliver, perform
from moxlite.store.errors import BadMailboxName, BadMessage, ChunkDamaged, LimitExceeded, NoSuchMailbox, NoSuchMessage
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.mail.adding import AddedMessage, Append
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.facts import NO_FACTS, MessageFacts, SMTPFacts, signing_domains
from moxlite.store.mail.flags import store_flags
from moxlite.store.rows import mailboxes as mailbox_rows, messages as message_rows
from moxlite.store.rows.conditions import (
    All,
    And,
    ChangedSince,
    Condition,
    Email,
    HasKeyword,
    InThread,
    Messages,
    Not,
    Or,
    ReceivedAt,
    ReceivedOn,
    SavedAt,
    SizeBetween,
    UIDRange,
    UIDs,
    WithFlags,
    matching,
)
from moxlite.store.types import Flag, MailboxAdded, MailboxID, MessageAdded
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, deliver_mail, look, mail, prepared, put, rows

__all__ = ["accounts", "store_options"]

PREFIX = b"Return-Path: <anton@example.com>\r\nReceived: from a by b; Fri, 20 Nov 2026 07:00:00 +0100\r\n"


async def test_a_delivery_makes_its_mailbox_and_tells_both(accounts: Accounts) -> None:
    """STORE-60, STORE-61"""
    async with accounts.use("mia") as account:
        _, cursor = await account.subscribe()
        with cursor:
            delivered = await deliver(account, await prepared(mail(), PREFIX), NO_FACTS, "lists/trio")
            told = (await cursor.take()).events
        added = delivered.added
        assert added is not None
        assert [type(event) for event in told if isinstance(event, MailboxAdded | MessageAdded)] == [
            MailboxAdded,
            MailboxAdded,
            MessageAdded,
        ]
        assert "lists/trio" in await look(account, mailbox_rows.subscriptions)
        assert await look(account, lambda r: body.message_range(r, added.message_id)) == PREFIX + mail()


async def test_a_transaction_delivers_to_an_account_once(accounts: Accounts) -> None:
    """STORE-60, STORE-189"""
    async with accounts.use("mia") as account, accounts.use("anton") as other:
        ready = await prepared(mail())
        first = await deliver(account, ready, NO_FACTS, "Inbox", transaction_id=b"t1")
        second = await deliver(account, ready, NO_FACTS, "Archive", transaction_id=b"t1")
        assert first.added is not None
        assert second.added is None
        assert (await deliver(other, ready, NO_FACTS, "Inbox", transaction_id=b"t1")).added is not None
        assert (await box(account, "Archive")).exists == 0


async def test_each_account_has_its_own_prefix(accounts: Accounts) -> None:
    """STORE-50, STORE-51, STORE-60"""
    async with accounts.use("mia") as account:
        ready = await prepared(mail(), PREFIX)
        assert ready.size == len(PREFIX) + len(mail())
        assert ready.header == PREFIX + mail().partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        other = ready.with_prefix(b"Delivered-To: mia@example.org\r\n")
        added = (await deliver(account, other, NO_FACTS, "Inbox")).added
        assert added is not None
        info = (await look(account, lambda r: dict(message_rows.infos(r, [added.message_id]))))[added.message_id]
        index = decode_structure(info.structure)
        whole = await look(account, lambda r: body.message_range(r, added.message_id))
        assert whole[index.root.body :] == b"1: Hello!\r\n"
        headers = await look(account, lambda r: dict(message_rows.headers(r, [added.message_id])))
        assert headers[added.message_id] == other.header
        assert (await rows(account))[0].size == len(whole)


async def test_a_long_header_is_cut_at_64_kib(accounts: Accounts) -> None:
    """STORE-51"""
    long = b"X-Long: " + b"x" * 70_000 + b"\r\n"
    ready = (await prepared(long + mail(), PREFIX)).with_prefix(b"A: b\r\n").with_prefix(PREFIX)
    assert ready.header == (PREFIX + long)[: prepare.HEADER_LIMIT]


async def test_facts_are_stored_beside_the_message(accounts: Accounts) -> None:
    """STORE-20, STORE-90, STORE-91"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        facts = MessageFacts(
            smtp=SMTPFacts(
                remote_ip="192.0.2.1",
                mailfrom="anton",
                mailfrom_ok=True,
                msgfrom_validation="strict",
                orig_dkim=("a", "b"),
            ),
            dkim_domains=("example.com", "example.net", "example.com"),
            is_forward=True,
            is_mailinglist=True,
            destined=inbox.id,
            tls_version="tls1.3",
            requiretls=True,
        )
        added = await deliver_mail(account, mail(), "Junk", facts)

        def stored(r: Reader) -> object:
            return (
                r.row(
                    "SELECT remote_ip, mailfrom, mailfrom_ok, msgfrom_validation, orig_dkim, verdict, size "
                    "FROM message_smtp"
                ),
                r.rows("SELECT domain FROM message_dkim"),
                signing_domains(r, added.message_id),
            )

        assert await look(account, stored) == (
            ("192.0.2.1", "anton", 1, "strict", "a b", 1, len(mail())),
            [("example.com",), ("example.net",)],
            ["example.com", "example.net"],
        )
        row = (await rows(account, "Junk"))[0]
        assert (row.is_forward, row.is_mailinglist, row.is_reject, row.flags) == (True, True, False, Flag.JUNK)
        assert row.mailbox_destined_id == inbox.id
        info = (await look(account, lambda r: dict(message_rows.infos(r, [added.message_id]))))[added.message_id]
        assert (info.tls_version, info.requiretls) == ("tls1.3", True)


async def test_what_goes_with_a_delivery_is_in_its_unit(accounts: Accounts) -> None:
    """STORE-61, STORE-189a"""

    owed = OwedRow(b"key", "submit", b"data")
    async with accounts.use("mia") as account:
        bad = Delivery(actions=(FileInto(mailbox="new"), FileInto(mailbox="no//name")))
        with pytest.raises(BadMailboxName):
            await perform(account, await prepared(mail()), bad, b"t", owes=[owed])
        assert await look(account, lambda r: mailbox_rows.mailbox_by_name(r, "new")) is None
        assert await look(account, lambda r: r.rows("SELECT key, kind, data FROM outbox")) == []
        good = Delivery(actions=(FileInto(mailbox="new"),))
        assert (await perform(account, await prepared(mail()), good, b"t", owes=[owed])).added is not None
        assert (await perform(account, await prepared(mail()), good, b"t", owes=[owed])).again
        assert await look(account, lambda r: r.rows("SELECT key, kind, data FROM outbox")) == [
            (b"key", "submit", b"data")
        ]


async def test_accepting_a_message_clears_its_refused_copies(accounts: Accounts) -> None:
    """STORE-74, SMTP-99"""
    async with accounts.use("mia") as account:
        for n in (1, 2):
            await deliver_mail(account, mail(n), "Rejects", MessageFacts(is_reject=True))
        await deliver_mail(account, mail(1), "Rejects")
        clears = Delivery(actions=(FileInto(mailbox="Inbox"),), clear_rejects="Rejects")
        await perform(account, await prepared(mail(1)), clears)
        left = await rows(account, "Rejects")
        assert [(row.messageid, row.is_reject) for row in left] == [("2@example.com", True), ("1@example.com", False)]
        await perform(account, await prepared(mail(3)), msgspec.structs.replace(clears, clear_rejects="missing"))


@pytest.mark.parametrize("data", [b"", b"x" * 101])
async def test_empty_and_too_large_messages_are_refused(data: bytes) -> None:
    """STORE-150"""
    with pytest.raises(BadMessage):
        await prepare.prepare(Spool.of(data), max_size=100)


@pytest.mark.parametrize(
    ("data", "on_loop"),
    [
        (mail(), True),
        (mail(body="x" * 70_000), False),
        (mail(to="a@b.c, " * 2000), False),
        (b"Subject: x\n\n" + b"y" * 20_000, True),
    ],
)
async def test_long_messages_and_long_headers_are_prepared_in_a_thread(
    data: bytes, on_loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-7"""
    where: list[threading.Thread] = []
    real = prepare._prepare

    def noted(*args: Any) -> Any:
        where.append(threading.current_thread())
        return real(*args)

    monkeypatch.setattr(prepare, "_prepare", noted)
    await prepared(data)
    assert (where == [threading.current_thread()]) is on_loop


async def test_strict_preparing_refuses_what_is_not_well_formed() -> None:
    """STORE-52, STORE-53"""
    assert (await prepare.prepare(Spool.of(b"Subject: x\n\nbody"))).index.root.type == "TEXT"
    with pytest.raises(MIMEError):
        await prepare.prepare(Spool.of(b"Subject: x\n\nbody"), strict=True)


async def test_octets_without_header_are_opaque_and_say_so(accounts: Accounts) -> None:
    """STORE-21, STORE-52, STORE-151"""
    data = b"\x00\xff no header here\rat all\n"
    ready = await prepared(data)
    assert ready.headerless
    async with accounts.use("mia") as account:
        inbox = await box(account)
        added = (await append(account, inbox.id, [Append(ready)]))[0]
        assert await look(account, lambda r: body.message_range(r, added.message_id)) == data


async def big(directory: Path, size: int) -> Spool:
    spool = Spool(directory)
    await spool.write(mail() + os.urandom(size))
    await spool.finish()
    return spool


async def test_a_large_body_goes_in_units_of_its_own_and_memory_holds_no_copy(
    accounts: Accounts, tmp_path: Path
) -> None:
    """STORE-7, STORE-180"""
    async with accounts.use("mia") as account:
        with await big(tmp_path, 9 << 20) as spool:
            ready = await prepare.prepare(spool, PREFIX)
            assert ready.chunks is None
            added = (await deliver(account, ready, NO_FACTS, "Inbox")).added
            assert added is not None
            again = (await deliver(account, ready, NO_FACTS, "Archive")).added
            assert again is not None
            whole = PREFIX + spool.read(0, spool.size)
        assert await look(account, lambda r: r.rows("SELECT refs, size FROM body")) == [(2, len(whole) - len(PREFIX))]
        got = await account.scan(lambda r: body.message_range(r, added.message_id), op="test")
        assert got == whole
        assert (
            await account.scan(lambda r: b"".join(body.message_chunks(r, body.locate(r, added.message_id), 50)), op="t")
            == whole[50:]
        )
        for offset, length in [(0, 10), (len(PREFIX) - 5, 10), (CHUNK_SIZE + len(PREFIX) - 1, 3), (len(whole) - 2, 9)]:
            read = partial(body.message_range, message_id=added.message_id, offset=offset, length=length)
            part = await look(account, read)
            assert part == whole[offset : offset + length]
        async with aclosing(body.stream_message(account, added.message_id, 30, 3 << 20)) as stream:
            pieces = [piece async for piece in stream]
        assert b"".join(pieces) == whole[30 : 30 + (3 << 20)]
        assert max(map(len, pieces)) <= CHUNK_SIZE


async def test_a_large_body_that_is_not_linked_leaves_nothing(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-7, STORE-29"""
    async with accounts.use("mia") as account:
        with await big(tmp_path, 5 << 20) as spool:
            ready = await prepare.prepare(spool)
            with pytest.raises(NoSuchMailbox):
                await append(account, MailboxID(99), [Append(ready)])
            with trio.CancelScope() as scope:
                async with prepare.held_body(account, ready):
                    assert await look(account, lambda r: r.value("SELECT count(*) FROM body_chunk")) == 21
                    scope.cancel()
                    await trio.sleep_forever()
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body_chunk")) == 0
        assert await look(account, lambda r: r.value("SELECT count(*) FROM body")) == 0


async def test_an_append_of_several_is_all_or_none(accounts: Accounts) -> None:
    """IMAP-87, IMAP-88"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        items = [
            Append(await prepared(mail(1)), Flag.SEEN, ("x",), 1_700_000_000_000_000, 120),
            Append(await prepared(mail(2)), keywords=tuple(f"k{n}" for n in range(101))),
        ]
        with pytest.raises(LimitExceeded):
            await append(account, inbox.id, items)
        assert (await box(account)).exists == 0
        await append(account, inbox.id, items[:1])
        row = (await rows(account))[0]
        assert (row.received, row.received_offset, row.flags, row.keywords) == (
            1_700_000_000_000_000,
            120,
            Flag.SEEN,
            ("x",),
        )


async def test_an_append_can_replace_a_message_in_its_unit(accounts: Accounts) -> None:
    """IMAP-92"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await put(account)
        items = [Append(await prepared(mail(2)))]

        def remove(tx: AccountTx, _: list[AddedMessage]) -> None:
            expunge(tx, inbox.id, [1])

        await append(account, inbox.id, items, also=remove)
        assert [row.uid for row in await rows(account)] == [2]


async def damage(account: Account, sql: str) -> None:
    await account.write(lambda tx: tx.execute(sql))


async def test_a_damaged_chunk_fails_its_message_only(accounts: Accounts) -> None:
    """STORE-159, STORE-181"""
    async with accounts.use("mia") as account:
        one, two = await put(account, 2)
        await damage(account, "UPDATE body_chunk SET digest = digest + 1 WHERE id = (SELECT min(id) FROM body_chunk)")
        with pytest.raises(ChunkDamaged):
            await look(account, lambda r: body.message_range(r, one.message_id))
        assert await look(account, lambda r: body.message_range(r, two.message_id)) == mail(2)
        assert len(await rows(account)) == 2
        await damage(account, "UPDATE body_chunk SET digest = digest - 1 WHERE id = (SELECT min(id) FROM body_chunk)")
        with pytest.raises(NoSuchMessage):
            await look(account, lambda r: body.message_range(r, 77))


async def test_a_missing_chunk_is_damage(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-159"""
    async with accounts.use("mia") as account:
        with await big(tmp_path, 600_000) as spool:
            added = (await deliver(account, await prepare.prepare(spool), NO_FACTS, "Inbox")).added
        assert added is not None
        await damage(account, "UPDATE body_chunk SET id = id + 100 WHERE id = (SELECT max(id) FROM body_chunk)")
        with pytest.raises(ChunkDamaged):
            await account.scan(lambda r: body.message_range(r, added.message_id), op="test")
        assert len(await look(account, lambda r: body.message_range(r, added.message_id, 0, 100))) == 100
        await damage(account, "UPDATE body_chunk SET id = id - 100 WHERE id = (SELECT max(id) FROM body_chunk)")


async def test_slices_and_changes_are_found_by_uid(accounts: Accounts) -> None:
    """STORE-30, IMAP-78"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        added = await put(account, 5)
        await account.write(lambda tx: store_flags(tx, inbox.id, [4, 2], mode="add", flags=Flag.SEEN))
        await account.write(lambda tx: expunge(tx, inbox.id, [5]))

        def found(r: Reader) -> list[list[int]]:
            return [
                [row.uid for row in message_rows.rows_by_uid(r, inbox.id, 2, 4)],
                [row.uid for row in message_rows.rows_by_uid(r, inbox.id, 1, limit=2)],
                [row.uid for row in message_rows.rows_of(r, inbox.id, [4, 1, 9])],
                [row.uid for row in message_rows.rows_by_ids(r, [added[2].message_id, 99])],
                [row.uid for row in message_rows.flags_of(r, inbox.id, [3, 5])],
                list(message_rows.uids(r, inbox.id)),
                list(message_rows.vanished(r, inbox.id, added[0].modseq)),
                [mailbox_rows.state_and_unseen(r, inbox.id)[2] or 0],
                [row.uid for row in message_rows.rows_of(r, inbox.id, [])],
            ]

        assert await look(account, found) == [
            [2, 3, 4], [1, 2], [4, 1], [3], [3], [1, 2, 3, 4], [5], [1], [],
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "uids"),
    [
        (All(), [1, 2, 3, 4]),
        (And(()), [1, 2, 3, 4]),
        (Or(()), []),
        (WithFlags(lacking=Flag.SEEN), [2, 3, 4]),
        (WithFlags(Flag.DELETED), [3]),
        (WithFlags(Flag.FLAGGED | Flag.DELETED, Flag.SEEN | Flag.DRAFT), [3]),
        (Not(WithFlags(Flag.SEEN)), [2, 3, 4]),
        (Or((WithFlags(Flag.SEEN), UIDRange(4, 9))), [1, 4]),
        (And((HasKeyword("TODO"), Not(HasKeyword("to")))), [2, 3]),
        (SizeBetween(most=10), []),
        (SizeBetween(least=10), [1, 2, 3, 4]),
        (UIDs([1, 4, 7]), [1, 4]),
        (UIDs([]), []),
        (Messages([2]), [2]),
        (Email(3), [3]),
        (InThread(4), [4]),
        (ChangedSince(1 << 60), []),
        (ReceivedAt(until=0), [1, 2, 3, 4]),
        (ReceivedAt(since=0), []),
        (ReceivedOn(since=-(3600 * 1_000_000)), [1, 2, 3, 4]),
        (ReceivedOn(until=-(3600 * 1_000_000)), []),
        (SavedAt(since=0), [1, 2, 3, 4]),
    ],
)
async def test_conditions_select_by_what_rows_hold(accounts: Accounts, condition: Condition, uids: list[int]) -> None:
    """STORE-114, IMAP-119, IMAP-122"""
    async with accounts.use("mia") as account:
        inbox = await box(account)
        # received an hour before 1970 by its own clock, and two hours and a bit before it in UTC
        items = [
            Append(await prepared(mail(n)), received=-(7200 * 1_000_000) - 1, received_offset=61) for n in range(4)
        ]
        await append(account, inbox.id, items)
        await account.write(lambda tx: store_flags(tx, inbox.id, [1], mode="add", flags=Flag.SEEN))
        await account.write(lambda tx: store_flags(tx, inbox.id, [3], mode="add", flags=Flag.DELETED | Flag.FLAGGED))
        await account.write(lambda tx: store_flags(tx, inbox.id, [2, 3], mode="add", keywords=["todo"]))
        found = await look(account, lambda r: matching(r, inbox.id, condition))
        assert [uid for uid, _, _ in found] == uids


async def test_conditions_do_not_nest_for_ever(accounts: Accounts) -> None:
    """IMAP-119"""
    condition: Condition = All()
    for _ in range(100):
        condition = Not(condition)
    async with accounts.use("mia") as account:
        with pytest.raises(LimitExceeded):
            await look(account, lambda r: matching(r, 1, condition))


@pytest.mark.parametrize("join", [And, Or])
async def test_a_search_may_have_a_thousand_conditions(accounts: Accounts, join: type[And] | type[Or]) -> None:
    """IMAP-119: SQLite nests a chain of them as deep as it is long."""
    condition = join((SizeBetween(least=2), *[SizeBetween(least=1)] * 1999))
    async with accounts.use("mia") as account:
        inbox = await box(account)
        await append(account, inbox.id, [Append(await prepared(mail(n))) for n in range(2)])
        assert len(await look(account, lambda r: matching(r, inbox.id, condition))) == 2


def plan_of(r: Reader, sql: str) -> list[Row]:
    """How SQLite would run a statement."""
    return r.rows("EXPLAIN QUERY PLAN " + sql, *[1] * sql.count("?"))


async def test_unseen_messages_are_found_by_the_partial_index(accounts: Accounts) -> None:
    """STORE-171"""
    async with accounts.use("mia") as account:
        for sql, index in (
            (mailbox_rows.STATE_AND_UNSEEN, "message_unseen"),
            (message_rows.DELETED_UIDS, "message_deleted"),
        ):
            plan = await look(account, partial(plan_of, sql=sql))
            assert f"INDEX {index} " in plan[-1][3]
