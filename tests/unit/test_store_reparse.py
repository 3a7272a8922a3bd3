"""Making stored MIME indices anew (moxlite/store/upkeep/reparse.py)."""

import os
from functools import partial
from pathlib import Path

import pytest
import trio

from moxlite.proto.mime.types import PARSE_VERSION, decode_structure
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.rows.messages import headers, infos
from moxlite.store.types import MessageID
from moxlite.store.upkeep import reparse as reparsing
from moxlite.store.upkeep.reparse import keep_parsed, reparse
from tests.store_fixtures import accounts, store_options
from tests.store_mail import look, mail, prepared, put, rows, wires

__all__ = ["accounts", "store_options"]

SPOIL = (
    "UPDATE state SET parse_version = 0",
    "UPDATE message_info SET structure = x'00', preview = 'old', envelope = x'00', bodystructure = x'00'",
    "UPDATE message_header SET header = x'00'",
    "UPDATE message SET messageid = 'old', subject_base = 'old', dsn = 1",
)


async def spoil(account: Account) -> None:
    """Leave what an older program might have left."""
    for sql in SPOIL:
        await account.write(partial(Tx.execute, sql=sql))


async def stored(account: Account) -> tuple[object, ...]:
    ids = [row.id for row in await rows(account)]
    return (
        await rows(account),
        await look(account, lambda r: dict(infos(r, ids))),
        await look(account, lambda r: wires(r, ids)),
        await look(account, lambda r: dict(headers(r, ids))),
        await look(account, lambda r: r.rows("SELECT parse_version FROM state")),
        await look(account, lambda r: r.rows("SELECT * FROM upgrade WHERE name <> 'free-pages'")),  # a task's
    )


async def test_an_older_index_is_made_anew_and_nothing_else_changes(accounts: Accounts) -> None:
    """STORE-59"""
    async with accounts.use("mia") as account:
        await put(account, 3)
        await deliver(account, await prepared(mail(9), b"Received: x\r\n"), NO_FACTS, "Inbox")
        before = await stored(account)
        assert await reparse(account) == 0
        assert await reparse(account, force=True) == 4
        assert await stored(account) == before
        await spoil(account)
        assert await reparse(account) == 4
        assert await stored(account) == before


async def test_it_runs_while_an_account_is_open(accounts: Accounts) -> None:
    """STORE-59"""
    async with accounts.use("mia") as account:
        await put(account, 1)
        await spoil(account)
        await keep_parsed(account)
        assert (await rows(account))[0].messageid == "1@example.com"


async def test_a_new_account_has_nothing_to_read_anew(accounts: Accounts) -> None:
    """STORE-59, STORE-11: its first messages are searched by their index from the beginning."""
    async with accounts.use("mia") as account:
        assert await look(account, lambda r: r.value("SELECT parse_version FROM state")) == PARSE_VERSION


async def test_it_goes_on_where_it_stopped(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-59, STORE-148"""
    monkeypatch.setattr(reparsing, "UNIT_MESSAGES", 2)
    async with accounts.use("mia") as account:
        await put(account, 5)
        before = await stored(account)
        await spoil(account)
        real, seen = reparsing._parse, list[int]()
        token = trio.lowlevel.current_trio_token()

        def parse_until_third(r: Reader, message_id: int, directory: Path) -> reparsing._ReparsedMessage:
            seen.append(message_id)
            if len(seen) == 3:
                trio.from_thread.run_sync(scope.cancel, trio_token=token)
            return real(r, message_id, directory)

        monkeypatch.setattr(reparsing, "_parse", parse_until_third)
        with trio.CancelScope() as scope:
            await reparse(account)
        assert scope.cancelled_caught
        assert await reparse(account) == 3
        assert await stored(account) == before


async def test_a_unit_ends_by_the_clock(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-59: giving way to others makes it slow, and its snapshot of the account is not to stay open for that."""
    monkeypatch.setattr(reparsing, "UNIT_SECONDS", 0.0)
    async with accounts.use("mia") as account:
        await put(account, 3)
        units: list[int] = []
        write = reparsing._write

        def noted(tx: Tx, anew: list[reparsing._ReparsedMessage], position: int) -> None:
            units.append(len(anew))
            write(tx, anew, position)

        monkeypatch.setattr(reparsing, "_write", noted)
        assert await reparse(account, force=True) == 3
        assert units == [1, 1, 1]


async def test_a_damaged_message_is_left_and_the_rest_is_done(accounts: Accounts) -> None:
    """STORE-59, STORE-159"""
    async with accounts.use("mia") as account:
        await put(account, 3)
        harm = "UPDATE body_chunk SET digest = digest + ? WHERE id = (SELECT min(id) FROM body_chunk)"
        await account.write(lambda tx: tx.execute(harm, 1))
        assert await reparse(account, force=True) == 2
        assert await look(account, lambda r: r.value("SELECT parse_version FROM state")) == PARSE_VERSION
        await account.write(lambda tx: tx.execute(harm, -1))


async def test_a_message_without_its_rows_does_not_stop_the_rest(accounts: Accounts) -> None:
    """STORE-59, STORE-159: else the account would be read anew for ever, and have no text index."""
    async with accounts.use("mia") as account:
        await put(account, 3)
        await account.write(lambda tx: tx.execute("UPDATE message_info SET email_id = 1002 WHERE email_id = 2"))
        assert await reparse(account, force=True) == 2
        assert await look(account, lambda r: r.value("SELECT parse_version FROM state")) == PARSE_VERSION
        await account.write(lambda tx: tx.execute("UPDATE message_info SET email_id = 2 WHERE email_id = 1002"))


async def test_a_large_message_is_read_from_a_file(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-7, STORE-59"""
    async with accounts.use("mia") as account:
        with Spool.of(mail(1) + os.urandom(5 << 20)) as spool:
            await deliver(account, await prepare(spool), NO_FACTS, "Inbox")
        before = await stored(account)
        assert await reparse(account, force=True) == 1
        assert await stored(account) == before
        info = (await look(account, lambda r: dict(infos(r, [1]))))[MessageID(1)]
        assert decode_structure(info.structure).size == (await rows(account))[0].size
