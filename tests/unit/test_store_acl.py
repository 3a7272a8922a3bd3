"""Rights of others on mailboxes in the store: rows, limits, copies, damage (IMAP-157)."""

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.backup.restore import export_account, unpack_account
from moxlite.store.changelog.account import Account
from moxlite.store.errors import LimitExceeded, MailboxNotAllowed
from moxlite.store.file.transaction import Reader
from moxlite.store.mail import acl
from moxlite.store.mail.acl import all_acls, rights_of, set_rights, visible
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, rename_mailbox
from moxlite.store.options import Options
from moxlite.store.recover.rebuild import recover
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import AclChanged, MailboxID
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts, store_options

__all__ = ["accounts", "store_options"]


@pytest.fixture
async def account(accounts: Accounts) -> AsyncIterator[Account]:
    """An open account."""
    async with accounts.use("mia") as opened:
        yield opened


async def made(account: Account, name: str) -> MailboxID:
    """The id of a new mailbox."""
    return (await account.write(lambda tx: create_mailbox(tx, name)))[-1].id


async def test_rights_are_given_joined_and_taken(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-157: what `anyone` has counts for each; the owner has no row."""
    box = await made(account, "Work")
    assert await account.write(lambda tx: set_rights(tx, box, "bo", "srl"))
    assert not await account.write(lambda tx: set_rights(tx, box, "bo", "lrs"))
    await account.write(lambda tx: set_rights(tx, box, "anyone", "li"))
    assert await account.read(lambda r: rights_of(r, box, "bo"), op="test") == "lrsi"
    assert await account.read(lambda r: rights_of(r, box, "eve"), op="test") == "li"
    found = await account.read(lambda r: visible(r, "eve", 10), op="test")
    assert [(one.name, rights) for one, rights in found] == [("Work", "li")]
    assert await account.read(lambda r: visible(r, "eve", 0), op="test") == []
    monkeypatch.setattr(acl, "MAX_IDENTIFIERS", 2)
    with pytest.raises(LimitExceeded):
        await account.write(lambda tx: set_rights(tx, box, "eve", "l"))
    with pytest.raises(MailboxNotAllowed):
        await account.write(lambda tx: set_rights(tx, box, account.name, "l"))
    await account.write(lambda tx: set_rights(tx, box, "bo", ""))
    assert await account.read(all_acls, op="test") == [("Work", "anyone", "li")]


async def test_rights_are_told_and_follow_the_mailbox(account: Account) -> None:
    """IMAP-157: children get those of their parent, a renamed mailbox keeps its own, a deleted one leaves none."""
    box = await made(account, "Work")
    _, cursor = await account.subscribe()
    with cursor:
        await account.write(lambda tx: set_rights(tx, box, "bo", "lr"))
        (event,) = (await cursor.take()).events
        assert isinstance(event, AclChanged)
        assert (event.mailbox_id, event.name, event.identifier) == (box, "Work", "bo")
    below = await made(account, "Work/a/b")
    await account.write(lambda tx: rename_mailbox(tx, below, "Elsewhere"))
    assert await account.read(all_acls, op="test") == [
        ("Elsewhere", "bo", "lr"),
        ("Work", "bo", "lr"),
        ("Work/a", "bo", "lr"),
    ]
    await account.write(lambda tx: delete_mailbox(tx, below))
    assert await account.read(lambda r: rights_of(r, below, "bo"), op="test") == ""


async def test_who_shares_is_known_beside_the_accounts(tmp_path: Path) -> None:
    """IMAP-157: by name, for `anyone`, never oneself; gone with the account."""
    auth = await AuthDB.open(tmp_path / "auth.db", Options(), create=True)
    try:
        assert await auth.sharing.set_guests("mia", ["bo"])
        assert not await auth.sharing.set_guests("mia", ["bo"])
        await auth.sharing.set_guests("eve", ["anyone"])
        assert await auth.sharing.owners("bo") == ["eve", "mia"]
        assert await auth.sharing.owners("bo", anyone=False) == ["mia"]
        assert await auth.sharing.owners("eve") == []
        assert [await auth.sharing.may_share(owner, "bo") for owner in ("mia", "eve", "bo", "none")] == [
            True,
            True,
            False,
            False,
        ]
        await auth.end_removal("eve")
        await auth.end_removal("bo")
        assert await auth.sharing.owners("bo") == []
    finally:
        await auth.aclose()


async def test_copies_of_an_account(tmp_path: Path) -> None:
    """IMAP-157: a recovered file keeps rights, one for another server has none; a row too many is found."""
    accounts = Accounts(tmp_path / "data", Options())
    async with accounts.use("mia") as account:
        await made(account, "Gone")
        box = await made(account, "Work")
        gone = await account.read(lambda r: mailbox_by_name(r, "Gone"), op="test")
        assert gone is not None
        await account.write(lambda tx: set_rights(tx, box, "bo", "lrs"))
        await account.write(lambda tx: delete_mailbox(tx, gone.id))
    await accounts.aclose()
    file = tmp_path / "data/accounts/mia/account.db"
    done = await trio.to_thread.run_sync(recover, "mia", file, tmp_path / "out")
    assert done.losses == []
    db = apsw.Connection(str(tmp_path / "out/accounts/mia/account.db"))
    sql = "SELECT b.name, a.identifier, a.rights FROM acl a JOIN mailbox b ON b.id = a.mailbox_id"
    assert db.execute(sql).fetchall() == [("Work", "bo", "lrs")]
    db.execute("INSERT INTO acl VALUES (99, 'bo', 'l')")
    assert [one.about for one in check_account(Reader(db))] == ["acl"]
    db.close()
    export_account(file, "mia", tmp_path / "mia.export")
    unpack_account(tmp_path / "mia.export", tmp_path / "unpacked", Options())
    db = apsw.Connection(str(tmp_path / "unpacked/account.db"))
    assert db.execute("SELECT count(*) FROM acl").fetchall() == [(0,)]
    db.close()
