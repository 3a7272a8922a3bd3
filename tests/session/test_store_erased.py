"""What was deleted for good is in no file of the server's, and in no backup that is made afterwards (STORE-37a)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
import pytest
import trio

from moxlite.operations.accounts import RemoveAccount
from moxlite.operations.queue import Changed, Drop, Line, ListMessages
from tests.house import SECONDS, STATIC, Running, house
from tests.interfaces import command_line
from tests.session.test_web_compose import call_id, written

pytestmark = pytest.mark.served

WORD: Final = "Zanzibarquartz"
LARGE: Final = "".join(f"{number} {WORD}\r\n" for number in range(20_000))
"""Text that fills pages of its own."""

AGE: Final = "age1h9f9ygukr386vgak7ft0thlmtu543n8yeaep65f3u2lunkql35cshfdsqq"
ERASING: Final = '[store]\nundelete_grace = "0s"\n'


def holding(folder: Path) -> Iterator[str]:
    """Files that have the word."""
    for path in folder.rglob("*"):
        if path.is_file() and WORD.encode() in path.read_bytes():
            yield path.relative_to(folder).as_posix()


async def empty(file: Path, table: str) -> None:
    """Wait until a table of a database has no rows."""
    with trio.fail_after(SECONDS):
        while True:
            with closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as db:
                if not db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall():
                    return
            await trio.sleep(0.1)


async def receive(h: Running, address: str) -> None:
    """Mail with the word in its subject and text, one of them large."""
    smtp = await h.smtp()
    for text in ("short\r\n", LARGE):
        message = f"From: a@elsewhere.example\r\nSubject: {WORD}\r\n\r\n{WORD} {text}".encode()
        assert (await smtp.deliver(address, message)).startswith("250")


async def store(h: Running) -> None:
    """Have the word in two accounts, in a draft that is removed, and in mail that waits in the queue."""
    await receive(h, "mia@example.org")
    await receive(h, "tom@example.org")
    imap, browser = await h.imap(), await h.web()
    await imap.select()
    assert WORD in str(await imap.ok("a FETCH 1:2 (ENVELOPE)"))
    await imap.ok("a LOGOUT")  # a session that has them in its view keeps them
    draft = await browser.call("draft_save", draft=written(subject=WORD, text=LARGE), save_id=call_id())
    await browser.call("draft_remove", draft_id=draft)
    friend = {"name": "", "address": "queue451@elsewhere.example"}
    sent = written(to=[friend], subject=WORD, text=LARGE)
    await browser.call("message_submit", message=sent, submit_id=call_id())
    async with h.ctl() as ctl:
        with trio.fail_after(SECONDS):
            while not await ctl.call("queue list", ListMessages(), list[Line]):  # noqa: ASYNC110 - as an administrator
                await trio.sleep(0.05)


async def erase(h: Running) -> None:
    """Delete for good all that `store` has stored."""
    imap = await h.imap()
    for name in ("INBOX", "Sent"):
        await imap.select(name)
        await imap.ok("a STORE 1:* +FLAGS (\\Deleted)")
        await imap.ok("a EXPUNGE")
    async with h.ctl() as ctl:
        await ctl.call("queue drop", Drop(all=True), Changed)
        await ctl.call("config account rm", RemoveAccount("tom"), type(None))
    await empty(h.house.static.data_dir / "accounts/mia/account.db", "erase_queue")


async def test_a_word_of_deleted_mail_is_in_no_file(tmp_path: Path) -> None:
    """STORE-37a, QUEUE-26: of expunged mail, a draft, mail that was sent and dropped, and a removed account; in the
    databases with their logs, in a backup, and in what is restored from a repository.
    """
    data, repository, restored = tmp_path / "config/data", tmp_path / "repository", tmp_path / "restored"
    async with house(tmp_path, static=STATIC + ERASING) as h:
        await store(h)
        assert {*holding(data)} & {"queue.db", "queue.db-wal"}
        await erase(h)
        for arguments in (["backup", str(tmp_path / "backup")], ["backup", "run", "--repo", str(repository)]):
            printed, failure = await command_line(tmp_path, *arguments)
            assert not failure, printed + failure
    printed, failure = await command_line(
        tmp_path, "backup", "restore", "--repo", str(repository), "--out", str(restored)
    )
    assert not failure, printed + failure
    assert (restored / "data/accounts/mia/account.db").exists()
    for folder in (data, tmp_path / "backup", restored):
        assert [*holding(folder)] == []


BACKUP: Final = '[backup]\nschedule = "24h"\ntarget = "/mnt/x"\n'
COPIES: Final = {
    "": "Backups that you've made still have its mail.",
    f"{BACKUP}keep_weekly = 1\nkeep_daily = 9\n": "Snapshots in /mnt/x keep its mail for up to 9 days.",
    f'{BACKUP}encrypt_to = ["{AGE}"]\n': "until you run `moxlite backup prune`.",
    f'[standby]\ntarget = "/mnt/y"\nkeep = "50h"\nencrypt_to = ["{AGE}"]\n': "/mnt/y keeps it for up to 3 days.",
}


@pytest.mark.parametrize("settings", COPIES)
async def test_the_question_says_which_copies_keep_the_mail(tmp_path: Path, settings: str) -> None:
    """ADMIN-15b: of a deleted account, and for how long."""
    async with house(tmp_path):
        with (tmp_path / "config/moxlite.toml").open("a") as file:
            file.write(settings)
        _, asked = await command_line(tmp_path, "config", "account", "rm", "tom")
    assert COPIES[settings] in asked


def delete_as_before(file: Path) -> None:
    """Write and delete the word as a server did that left it in free pages, and in the middle of the file."""
    with closing(apsw.Connection(str(file))) as db:
        db.execute("PRAGMA secure_delete=OFF").fetchall()
        db.execute("DELETE FROM upgrade")
        db.execute("CREATE TABLE before (data TEXT)")
        db.executemany("INSERT INTO before VALUES (?)", [(LARGE,)] * 20)
        db.execute("CREATE TABLE after AS SELECT randomblob(100000) AS data")
        db.execute("DROP TABLE before")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def marked(file: Path) -> bool:
    """Whether free pages of before were given back."""
    with closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return bool(db.execute("SELECT 1 FROM upgrade WHERE name = 'free-pages'").fetchall())


async def test_free_pages_from_before_are_given_back(tmp_path: Path) -> None:
    """STORE-37b: in the first night, which begins with the start."""
    data = tmp_path / "config/data"
    file = data / "accounts/mia/account.db"
    async with house(tmp_path, static=STATIC) as h:
        smtp = await h.smtp()
        assert (await smtp.deliver("mia@example.org", b"Subject: a\r\n\r\nb\r\n")).startswith("250")
    delete_as_before(file)
    assert "accounts/mia/account.db" in {*holding(data)}
    async with house(tmp_path, static=STATIC):
        with trio.fail_after(SECONDS):
            while not await trio.to_thread.run_sync(marked, file):  # noqa: ASYNC110 - only the file tells
                await trio.sleep(0.1)
    assert [*holding(data)] == []
