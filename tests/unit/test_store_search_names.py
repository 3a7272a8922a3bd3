"""Names of parts in the text index, and texts from before they were there, or had what no reader sees (STORE-110,
STORE-112b).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial

import apsw
import pytest

from moxlite.proto.mime import text
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.perform import append
from moxlite.store.errors import StorageFull
from moxlite.store.file.database import Database
from moxlite.store.mail import expunging
from moxlite.store.mail.adding import Append
from moxlite.store.options import Options
from moxlite.store.search import builder, texts
from moxlite.store.search.check import check_index
from moxlite.store.types import MailboxID
from tests.store_fixtures import unserved as accounts
from tests.store_mail import mail, prepared, search_words

__all__ = ["accounts"]

INBOX = MailboxID(1)


@pytest.fixture
def store_options() -> Options:
    return Options(check_on_close=True, min_free_space=0, search_index=True)


@pytest.fixture
async def account(accounts: Accounts) -> AsyncIterator[OpenAccount]:
    async with accounts.use("mjl") as account:
        yield account


def with_file(name: str, number: int) -> bytes:
    """A message with an attachment of that name, which is a parameter of its part."""
    return (
        f"Subject: {number}\r\nMessage-ID: <{number}@example.org>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
        f"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''{name}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n"
    ).encode()


async def add(account: OpenAccount, *data: bytes) -> None:
    await append(account, INBOX, [Append(await prepared(message)) for message in data])


async def find(account: OpenAccount, *words: str) -> list[int]:
    return sorted(await search_words(account, None, words))


async def outdated(account: OpenAccount) -> int:
    async with account.search.use(create=False) as database:
        assert database is not None
        return int(await database.read(lambda r: r.value(builder.OUTDATED), op="test"))


async def test_attachments_are_found_by_their_names(account: OpenAccount) -> None:
    """STORE-110: decoded and folded, with the index and without."""
    await add(account, mail(1), with_file("Rechnung%20M%C3%A4rz.pdf", 2), with_file("photo.jpg", 3))
    for _ in range(2):
        assert await find(account, "RECHNUNG MÄRZ") == [2]
        assert await find(account, "photo", "below") == [3]
        assert await find(account, "filename") == []
        await account.indexer.once()
    assert await check_index(account, deep=True) == []


async def made_before(account: OpenAccount, monkeypatch: pytest.MonkeyPatch, messages: int) -> None:
    """Make an index as schema 1 has it: every second message has an attachment, whose name is not in its text."""
    await add(
        account, *(with_file(f"f{number}.pdf", number) if number % 2 else mail(number) for number in range(messages))
    )
    with monkeypatch.context() as patch:
        patch.setattr(texts, "file_names", lambda structure: [])
        await account.indexer.once()
    await account.search.close_idle(0)
    with apsw.Connection(str(account.search.path)) as db:
        db.execute("DROP TABLE file; ALTER TABLE state DROP COLUMN unlisted").fetchall()
        db.execute("ALTER TABLE state DROP COLUMN outdated; PRAGMA user_version = 1").fetchall()
    db.close()


async def test_texts_of_before_get_the_names_in_the_background(
    account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-112b: the index serves all the time, the newest messages are first, and a run that was ended goes on."""
    await made_before(account, monkeypatch, 20)
    monkeypatch.setattr(builder, "LOOKED_AT", 6)
    assert await find(account, "below") == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert await find(account, "f19.pdf") == []
    assert await outdated(account) == 20
    write, units = Database.write, 0

    async def failing(database: Database, unit: object, **order: object) -> object:
        nonlocal units
        units += isinstance(unit, partial) and unit.func is builder._replace
        if units == 3:
            raise StorageFull("the disk is full")
        return await write(database, unit, **order)  # type: ignore[arg-type] # as it was called

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", failing)
        with pytest.raises(StorageFull):
            await account.indexer.once()
    assert await outdated(account) == 8
    assert await find(account, "f19.pdf") == [20]
    assert await find(account, "f3.pdf") == []
    assert await find(account, "below") == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    await add(account, with_file("new.pdf", 20))
    await account.indexer.once()
    assert await outdated(account) == 0
    assert await find(account, "f3.pdf") == [4]
    assert await find(account, "new.pdf") == [21]
    assert await check_index(account, deep=True) == []


async def test_texts_of_before_lose_what_no_reader_sees_of_html(
    account: OpenAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-112b: in the background, while the index serves."""
    key = "k3y" * 30
    link = f'<a href="https://example.org/{key}">See below.</a>'
    html = f"Subject: news\r\nContent-Type: text/html\r\n\r\n{link}\r\n".encode()
    with monkeypatch.context() as patch:
        patch.setattr(text, "_LONG_WORD", re.compile("(?!)"))
        await add(account, mail(0), html, mail(2), html)
        await account.indexer.once()
    assert await find(account, key) == [2, 4]
    await account.search.close_idle(0)
    with apsw.Connection(str(account.search.path)) as db:
        db.execute("ALTER TABLE state RENAME COLUMN outdated TO unnamed; PRAGMA user_version = 3").fetchall()
    db.close()
    assert await find(account, "below") == [2, 4]
    assert await outdated(account) == 4
    assert await check_index(account, deep=True) == []
    await account.indexer.once()
    assert await outdated(account) == 0
    assert await find(account, key) == []
    assert await find(account, "below") == [2, 4]
    assert await check_index(account, deep=True) == []


async def test_a_removed_message_gets_no_text_again(account: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-112b"""
    await made_before(account, monkeypatch, 4)
    await account.write(lambda tx: expunging.expunge(tx, INBOX, [2]))
    await account.indexer.once()
    assert await find(account, "below") == [4]
    assert await check_index(account, deep=True) == []
