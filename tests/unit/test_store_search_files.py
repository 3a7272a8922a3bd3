"""Files of messages in the text index, and messages from before they were there (STORE-110b, STORE-112b)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial

import apsw
import pytest

from moxlite.proto.mime import scan
from moxlite.proto.mime.text import fold
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.perform import append
from moxlite.store.errors import StorageFull
from moxlite.store.file.database import Database
from moxlite.store.mail import expunging
from moxlite.store.mail.adding import Append
from moxlite.store.options import Options
from moxlite.store.search import builder, queries
from moxlite.store.search.check import check_index
from moxlite.store.search.queries import FileHint
from moxlite.store.search.texts import FileNames, file_names_of
from moxlite.store.types import MailboxID
from moxlite.web.webmail.items import attachments
from tests.store_fixtures import unserved as accounts
from tests.store_mail import mail, prepared

__all__ = ["accounts"]

INBOX = MailboxID(1)


@pytest.fixture
def store_options() -> Options:
    return Options(check_on_close=True, min_free_space=0, search_index=True)


@pytest.fixture
async def account(accounts: Accounts) -> AsyncIterator[OpenAccount]:
    async with accounts.use("mjl") as account:
        yield account


def with_files(*names: str) -> bytes:
    """A message with attachments of these names."""
    message = EmailMessage()
    message["Subject"] = "Plans"
    message.set_content("See below.\n")
    for name in names:
        message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename=name)
    return message.as_bytes(policy=SMTP)


def with_picture(disposition: str = "inline", kind: str = "related") -> bytes:
    """A message in HTML, and a picture that it shows or has beside it."""
    message = EmailMessage()
    message["Subject"] = "News"
    message.set_content("News.\n")
    message.add_alternative("<img src='cid:a@b'>", subtype="html")
    html = message.get_payload(1)
    assert isinstance(html, EmailMessage)
    add = html.add_related if kind == "related" else message.add_attachment
    add(b"x", maintype="image", subtype="png", filename="logo.png", cid="<a@b>", disposition=disposition)
    return message.as_bytes(policy=SMTP)


def attached_message() -> bytes:
    message = EmailMessage()
    message.set_content("Look.\n")
    inner = EmailMessage()
    inner["Subject"] = "Inner"
    inner.set_content("Text.\n")
    message.add_attachment(inner)
    return message.as_bytes(policy=SMTP)


async def add(account: OpenAccount, *data: bytes) -> None:
    await append(account, INBOX, [Append(await prepared(message)) for message in data])


async def having(account: OpenAccount, name: str = "", *, beside: bool = False) -> list[int] | None:
    found = await queries.with_files(account.search, FileHint(fold(name), beside))
    return None if found is None else list(found.ids)


@pytest.mark.parametrize(
    ("octets", "names"),
    [
        (mail(1), None),
        (with_files("Plan Süd.PDF", "b.pdf"), FileNames("plan süd.pdf\nb.pdf", True)),
        (with_files("a/b.pdf"), FileNames(None, True)),
        (with_files("a\u202efdp.exe"), FileNames(None, True)),
        (with_picture(), FileNames("logo.png", False)),
        (with_picture("attachment"), FileNames("logo.png", True)),
        (with_picture(kind="mixed"), FileNames("logo.png", True)),
        (attached_message(), FileNames(None, True)),
        (b"Subject: long\r\n\r\n" + b"A line of text.\r\n" * 80_000, FileNames(None, True)),
        (b"Content-Type: application/pdf\r\n\r\n%PDF", FileNames(None, True)),
    ],
)
def test_the_index_knows_all_files_that_pages_show(octets: bytes, names: FileNames | None) -> None:
    """STORE-110b: what the webmail offers as a file is in the names, or they say that the message must be read."""
    message = scan(octets)
    noted = file_names_of(message)
    assert noted == names
    files = attachments(message.root)
    if files:
        assert noted is not None
        assert noted.names is None or all(fold(file.filename) in noted.names.split("\n") for file in files)
        assert noted.beside or all(file.inside for file in files)


async def test_messages_with_files_are_known_by_name(account: OpenAccount) -> None:
    """STORE-110b: any, those beside a text, and those whose name is not to be told; removed ones are forgotten."""
    await add(account, mail(1), with_files("Plan Süd.pdf"), with_picture(), with_files("a/b.pdf"), mail(5))
    assert await having(account) is None
    await account.indexer.once()
    assert await having(account) == [2, 3, 4]
    assert await having(account, beside=True) == [2, 4]
    assert await having(account, "SÜD") == [2, 4]
    assert await having(account, "logo") == [3, 4]
    assert await having(account, "south") == [4]
    assert await having(account, "a\nb") == [2, 3, 4]
    assert await check_index(account, deep=True) == []
    await account.write(lambda tx: expunging.expunge(tx, INBOX, [2]))
    await account.indexer.once()
    assert await having(account) == [3, 4]
    assert await check_index(account, deep=True) == []


async def test_a_wrong_list_of_files_is_reported(account: OpenAccount) -> None:
    """STORE-40: by the check that compares all texts."""
    await add(account, with_files("plan.pdf"))
    await account.indexer.once()
    async with account.search.use(create=False) as database:
        assert database is not None
        await database.write(lambda tx: tx.execute("UPDATE file SET names = 'other.pdf'"))
    assert [finding.text for finding in await check_index(account, deep=True)] == [
        "message 1's files don't match the index"
    ]
    account.search.broken = ""
    async with account.search.use(create=False) as database:
        assert database is not None
        await database.write(lambda tx: tx.execute("UPDATE file SET message_id = 9"))
    assert "message 9 has files, but no text" in [finding.text for finding in await check_index(account)]


async def made_before(account: OpenAccount, messages: int) -> None:
    """Make an index as schema 2 has it: every second message has an attachment."""
    await add(account, *(with_files(f"f{number}.pdf") if number % 2 else mail(number) for number in range(messages)))
    await account.indexer.once()
    await account.search.close_idle(0)
    with apsw.Connection(str(account.search.path)) as db:
        db.execute("ALTER TABLE state RENAME COLUMN outdated TO unnamed").fetchall()
        db.execute("DROP TABLE file; ALTER TABLE state DROP COLUMN unlisted; PRAGMA user_version = 2").fetchall()
    db.close()


async def test_files_of_before_are_listed_in_the_background(
    account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-112b: in slices, the newest first; a run that was ended goes on; until then the index has no answer."""
    await made_before(account, 20)
    monkeypatch.setattr(builder, "LOOKED_AT", 6)
    write, units = Database.write, 0

    async def failing(database: Database, unit: object, **order: object) -> object:
        nonlocal units
        units += isinstance(unit, partial) and unit.func is builder._list_files
        if units == 3:
            raise StorageFull("the disk is full")
        return await write(database, unit, **order)  # type: ignore[arg-type] # as it was called

    assert await having(account) is None
    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", failing)
        with pytest.raises(StorageFull):
            await account.indexer.once()
    async with account.search.use(create=False) as database:
        assert database is not None
        assert await database.read(lambda r: r.value(builder.UNLISTED), op="test") == 8
    assert await having(account) is None
    await add(account, with_files("new.pdf"))
    await account.write(lambda tx: expunging.expunge(tx, INBOX, [4]))
    await account.indexer.once()
    assert await having(account, "f3.pdf") == []
    assert await having(account) == [2, *range(6, 21, 2), 21]
    assert await check_index(account, deep=True) == []
