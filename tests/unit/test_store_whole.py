"""A whole account as a file (docs/spec/store.md, STORE-197), and what gentestdata makes (STORE-146)."""

import os
from pathlib import Path
from typing import Any

import apsw
import pytest

import moxlite.store.backup.restore
from moxlite.queue.testdata import generate
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.copying import copy_database
from moxlite.store.backup.restore import GAP, export_account, is_unused, unpack_account
from moxlite.store.errors import AccountExists, BadTarget
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts, store_options
from tests.store_mail import put, rows

__all__ = ["accounts", "store_options"]

OPTIONS = Options(min_free_space=0)


async def test_an_account_moves_with_its_uids_and_looks_new_to_clients(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-197: where it came from may have given out more of them since."""
    async with accounts.use("mia") as account:
        await put(account, 5)
        before, boxes = await rows(account), await account.read(mailboxes, op="test")
        export_account(accounts.path("mia") / "account.db", "mia", tmp_path / "mia.moxlite")
    assert (tmp_path / "mia.moxlite").stat().st_mode & 0o777 == 0o600
    unpack_account(tmp_path / "mia.moxlite", tmp_path / "unpacked", OPTIONS)
    await accounts.adopt("ben", tmp_path / "unpacked")
    async with accounts.use("ben") as account:
        assert await rows(account) == before
        for old, new in zip(boxes, await account.read(mailboxes, op="test"), strict=True):
            assert (new.name, new.uidnext, new.total) == (old.name, old.uidnext, old.total)
            assert new.uidvalidity >= old.uidvalidity + GAP
            assert new.modseq >= old.modseq + GAP
        assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []


async def test_an_account_is_durable_when_it_is_unpacked(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-197: the other server may be told to remove its own."""
    async with accounts.use("mia") as account:
        await put(account, 5)
        export_account(accounts.path("mia") / "account.db", "mia", tmp_path / "mia.moxlite")
    durable = dict[int, int]()

    def fsync(fd: int) -> None:
        durable[os.fstat(fd).st_ino] = os.fstat(fd).st_size

    monkeypatch.setattr(os, "fsync", fsync)
    unpack_account(tmp_path / "mia.moxlite", tmp_path / "unpacked", OPTIONS)
    status = (tmp_path / "unpacked" / "account.db").stat()
    assert durable.get(status.st_ino) == status.st_size


async def test_an_account_that_is_there_is_not_replaced(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-197."""
    async with accounts.use("mia") as account:
        assert await account.scan(is_unused, op="test")
        await put(account, 1)
        assert not await account.scan(is_unused, op="test")
        (tmp_path / "other").mkdir()
        with pytest.raises(AccountExists):
            await accounts.adopt("mia", tmp_path / "other")


async def test_nothing_is_overwritten_by_an_export(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-197."""
    async with accounts.use("mia"):
        (tmp_path / "there").write_text("mine")
        with pytest.raises(FileExistsError):
            export_account(accounts.path("mia") / "account.db", "mia", tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"


async def test_an_export_leaves_what_other_runs_have_begun(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-197: two runs with one target leave each other's files alone; the first one that is whole stays."""
    (tmp_path / "mia.moxlite.partial").write_text("of another run")
    synced = list[Path]()
    monkeypatch.setattr(moxlite.store.backup.restore, "make_durable", synced.append)
    async with accounts.use("mia") as account:
        await put(account, 1)
        file = accounts.path("mia") / "account.db"
        export_account(file, "mia", tmp_path / "mia.moxlite")
        assert synced == [tmp_path]
        copy = copy_database

        def slow(path: Path, target: Path, **named: Any) -> int:
            (tmp_path / "late").write_text("of a quicker run")
            return copy(path, target, **named)

        monkeypatch.setattr(moxlite.store.backup.restore, "copy_database", slow)
        with pytest.raises(FileExistsError):
            export_account(file, "mia", tmp_path / "late")
    assert (tmp_path / "mia.moxlite.partial").read_text() == "of another run"
    assert (tmp_path / "late").read_text() == "of a quicker run"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".export-")]


@pytest.mark.parametrize("damage", ["magic", "header", "cut", "octet", "more"])
async def test_a_damaged_file_is_refused(accounts: Accounts, tmp_path: Path, damage: str) -> None:
    """STORE-197."""
    file = tmp_path / "file"
    async with accounts.use("mia") as account:
        await put(account, 1)
        export_account(accounts.path("mia") / "account.db", "mia", file)
    data = file.read_bytes()
    file.write_bytes(
        {
            "magic": b"something else",
            "header": data.replace(b'"sha256":"', b'"sha256":"0'),
            "cut": data[:-200],
            "octet": data[:-1000] + bytes([data[-1000] ^ 1]) + data[-999:],
            "more": data.replace(b'"size":', b'"size":1'),
        }[damage]
    )
    with pytest.raises(BadTarget):
        unpack_account(file, tmp_path / "unpacked", OPTIONS)


def test_gentestdata_has_something_of_everything(tmp_path: Path) -> None:
    """STORE-146."""
    generate(tmp_path / "data")

    def count(file: str, table: str) -> int:
        db = apsw.Connection(str(tmp_path / "data" / file), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            [(rows,)] = db.execute(f"SELECT count(*) FROM {table}")
            assert isinstance(rows, int)
            return rows
        finally:
            db.close()

    assert count("accounts/test0/account.db", "message") == 0
    assert count("accounts/test1/account.db", "message_smtp WHERE msgfrom_validation = 'strict'") == 1
    for what in (
        "message",
        "message_smtp",
        "message_dkim",
        "message_info WHERE prefix <> x''",
        "message WHERE thread_parents <> x'90'",
        "message_keyword",
        "expunged",
        "mailbox_gone",
        "annotation",
        "recipient",
        "outgoing",
        "credential",
        "junk_meta WHERE hams > 0 AND spams > 0",
        "junk_word_0",
    ):
        assert count("accounts/test2/account.db", what), what
    for table in ("session", "login_attempt", "tls_public_key", "audit"):
        assert count("auth.db", table), table
    assert count("queue.db", "msg WHERE rcpt_domain = 'bücher.example'") == 1
    assert count("queue.db", "hold_rule") == 1
    with pytest.raises(FileExistsError):
        generate(tmp_path / "data")
