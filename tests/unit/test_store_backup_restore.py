"""Restoring a full backup, and verifying one (docs/spec/store.md §13)."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import apsw
import pytest
import trio

from moxlite.admin.backup.restores import verify_stopped
from moxlite.process.lock import DataLock, Locked
from moxlite.proto.address import Address
from moxlite.queue.testdata import generate
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.gentestdata import ACCOUNTS, made_up
from moxlite.store.backup.copying import back_up
from moxlite.store.backup.layout import INCOMPLETE, RESTORING, RESULTS, SETTINGS, Source
from moxlite.store.backup.restore import GAP, restore
from moxlite.store.backup.verify import verify
from moxlite.store.changelog.account import Account
from moxlite.store.delivery.perform import SUBMIT, OwedMessage
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from moxlite.store.errors import BadTarget
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.types import Mailbox
from tests.tools import top

OPTIONS = Options(min_free_space=0)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with something of everything."""
    folder = tmp_path_factory.mktemp("testdata") / "data"
    generate(folder)
    return folder


@pytest.fixture
def backup(original: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    config = tmp_path / "config"
    config.mkdir()
    target = tmp_path / "backup"
    assert back_up(Source(original, config, frozenset(ACCOUNTS)), target).errors == []
    return target


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    db = apsw.Connection(str(path))
    try:
        return list(db.execute(sql).fetchall())
    finally:
        db.close()


def boxes(data: Path) -> list[Mailbox]:
    async def read(account: Account) -> list[Mailbox]:
        return await account.read(mailboxes, op="test")

    async def work() -> list[Mailbox]:
        accounts = Accounts(data, made_up())
        try:
            async with accounts.use(ACCOUNTS[2]) as account:
                return await read(account)
        finally:
            await accounts.aclose()

    return trio.run(work)


def test_a_restored_account_has_all_mail_and_looks_new_to_clients(original: Path, backup: Path, tmp_path: Path) -> None:
    """STORE-145, IMAP-154: modseqs skip 2^20 ahead, and each UIDVALIDITY is new."""
    data = tmp_path / "restored"
    restore(backup, data, OPTIONS, resume_queue=False)
    assert verify(data, deep=True).problems == []
    before = {box.name: box for box in boxes(original)}
    after = {box.name: box for box in boxes(data)}
    assert before.keys() == after.keys()
    for name, box in after.items():
        old = before[name]
        assert box.uidvalidity >= old.uidvalidity + GAP
        assert (box.total, box.unread, box.size) == (old.total, old.unread, old.size)
        assert box.modseq >= old.modseq + GAP
    assert len({box.uidvalidity for box in after.values()}) == len(after)
    path = Path("accounts", ACCOUNTS[2], "account.db")
    file_id = "SELECT hex(file_id) FROM state"
    assert rows(data / path, file_id) != rows(original / path, file_id)
    ids = "SELECT name, seq FROM sqlite_sequence"
    assert all(seq >= GAP for _, seq in rows(data / path, ids) if isinstance(seq, int))
    last = "SELECT last_message_id, last_body_id FROM state"
    assert rows(data / path, last) == [tuple(one + GAP for one in rows(original / path, last)[0])]  # type: ignore[operator]
    assert not (data / RESTORING).exists()


@pytest.mark.parametrize("keep_uids", [False, True])
def test_clients_and_links_begin_anew_unless_all_of_it_is_there(backup: Path, tmp_path: Path, keep_uids: bool) -> None:
    """STORE-145b, LINK-12: an epoch ends where UIDVALIDITYs end; the file is another one each time."""
    path = Path("accounts", ACCOUNTS[2], "account.db")
    rows(backup / "data" / path, "UPDATE link SET sent = 500")
    facts = "SELECT hex(file_id), (SELECT sent FROM link) FROM state"
    told: list[tuple[str, int]] = []
    for number in range(3):
        data = tmp_path / f"restored-{number}"
        restore(backup, data, OPTIONS, resume_queue=False, keep_uids=keep_uids)
        told += rows(data / path, facts)  # type: ignore[arg-type]  # a text and a number
    [(before, _)] = rows(backup / "data" / path, facts)
    assert len({file_id for file_id, _ in told}) == 3
    assert {sent for _, sent in told} == ({500} if keep_uids else {0})
    epochs = {file_id[:16] for file_id, _ in told}
    assert epochs == {str(before)[:16]} if keep_uids else len(epochs - {str(before)[:16]}) == 3


def test_the_restored_queue_is_on_hold(backup: Path, tmp_path: Path) -> None:
    """STORE-145."""
    restore(backup, tmp_path / "held", OPTIONS, resume_queue=False)
    assert {hold for (hold,) in rows(tmp_path / "held/queue.db", "SELECT hold FROM msg")} == {1}
    restore(backup, tmp_path / "resumed", OPTIONS, resume_queue=True)
    assert {hold for (hold,) in rows(tmp_path / "resumed/queue.db", "SELECT hold FROM msg")} == {0}


@pytest.mark.parametrize("resume", [False, True])
async def test_what_accounts_owe_to_the_queue_comes_there_on_hold(tmp_path: Path, resume: bool) -> None:
    """STORE-145, STORE-189a, WEBMAIL-123: a message that could be taken back when the backup was made may have gone out
    since.
    """
    sender = Address.parse("mia@example.org")
    submission = Submission(
        account="mia", mail_from=sender, recipients=(SubmissionRecipient(sender),), received=1, message_id="<1@x>"
    )
    owed = OwedMessage(submission, b"Subject: x\r\n\r\nx\r\n")
    data, config, name = tmp_path / "data", tmp_path / "config", ACCOUNTS[0]
    config.mkdir()
    for folder, restored in ((data, False), (tmp_path / "restored", True)):
        if restored:
            arguments = Source(data, config, frozenset([name])), tmp_path / "backup"
            assert (await trio.to_thread.run_sync(back_up, *arguments)).errors == []
            await trio.to_thread.run_sync(partial(restore, tmp_path / "backup", folder, OPTIONS, resume_queue=resume))
        accounts = Accounts(folder, made_up())
        async with accounts.use(name) as account:
            if not restored:
                await account.write(lambda tx: tx.owe(b"key", SUBMIT, owed.pack(), due=1 << 60))
            [(kept, due)] = await account.read(lambda r: r.rows("SELECT data, due FROM outbox"), op="test")
        await accounts.aclose()
    assert OwedMessage.unpack(kept).submission.hold is not resume
    assert (due == 0) is not resume


def test_data_that_is_there_is_not_touched(original: Path, backup: Path, tmp_path: Path) -> None:
    """STORE-145, ADMIN-52."""
    shutil.copytree(original, tmp_path / "data")
    with pytest.raises(BadTarget, match="move it somewhere else first"):
        restore(backup, tmp_path / "data", OPTIONS, resume_queue=False)
    assert verify(tmp_path / "data").problems == []


def test_what_was_checked_on_a_machine_stays_there(original: Path, tmp_path: Path) -> None:
    """STORE-141: neither a new backup nor a restore of an older one brings it to another machine."""
    data, config, new = tmp_path / "data", tmp_path / "config", tmp_path / "new"
    shutil.copytree(original, data)
    config.mkdir()
    for name in (*RESULTS, "https.json"):
        (data / name).write_text("{}")
    assert back_up(Source(data, config, frozenset(ACCOUNTS)), new).errors == []
    older = tmp_path / "older"
    shutil.copytree(new, older)
    for name in RESULTS:
        (older / "data" / name).write_text("{}")
    for number, backup in enumerate((new, older)):
        restored = tmp_path / f"restored{number}"
        restore(backup, restored, OPTIONS, resume_queue=False)
        assert (restored / "https.json").exists()
        assert not RESULTS & {path.name for path in restored.iterdir()}


def test_an_incomplete_backup_is_not_restored(backup: Path, tmp_path: Path) -> None:
    """STORE-145."""
    (backup / INCOMPLETE).touch()
    with pytest.raises(BadTarget, match="incomplete"):
        restore(backup, tmp_path / "data", OPTIONS, resume_queue=False)


def test_a_restore_that_was_cut_short_is_finished_by_another_one(backup: Path, tmp_path: Path) -> None:
    """STORE-145: RESTORING tells a server not to start, and the next restore to go on."""
    data = tmp_path / "data"
    restore(backup, data, OPTIONS, resume_queue=False)
    (data / RESTORING).touch()
    (data / "queue.db").unlink()
    shutil.rmtree(data / "accounts" / ACCOUNTS[0])
    restore(backup, data, OPTIONS, resume_queue=False)
    assert verify(data, deep=True).problems == []
    assert (data / "accounts" / ACCOUNTS[0] / "account.db").exists()


def test_the_mark_stays_while_a_machine_is_restored(backup: Path, tmp_path: Path) -> None:
    """ADMIN-52a: cut short after the data, when the configuration is still missing, the command can be repeated."""
    data = tmp_path / "data"
    data.mkdir()
    for _ in range(2):
        restore(backup, data, OPTIONS, resume_queue=False, keep_mark=True)
        assert (data / RESTORING).exists()
        assert boxes(data)


MOUNTED = """\
mount --bind "$1" "$1" && mount --bind "$2" "$2" && exec "$3" -c "
from pathlib import Path
from moxlite.store.backup.restore import restore
from moxlite.store.options import Options
restore(Path('$1'), Path('$2'), Options(min_free_space=0), resume_queue=True, move=True)
"
"""


def test_databases_are_moved_or_copied_where_each_folder_is_a_mount(backup: Path, tmp_path: Path) -> None:
    """STORE-186q: as within a unit of systemd with both as ReadWritePaths: one device, and no rename between them."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    data = tmp_path / "restored"
    data.mkdir()
    words = ["unshare", "-rm", "sh", "-c", MOUNTED, "sh", str(backup), str(data), sys.executable]
    subprocess.run(words, env=os.environ | {"PYTHONPATH": str(top())}, check=True, timeout=120)
    assert (data / "queue.db").exists()
    assert (backup / "data/queue.db").exists(), "copied"
    moved = tmp_path / "moved"
    restore(backup, moved, OPTIONS, resume_queue=True, move=True)
    assert (moved / "queue.db").exists()
    assert not (backup / "data/queue.db").exists()
    assert not [path for path in (backup / "data").iterdir() if path.name.startswith("tmp")]


def test_without_room_nothing_is_restored(backup: Path, tmp_path: Path) -> None:
    """STORE-145."""
    with pytest.raises(BadTarget, match="not enough space"):
        restore(backup, tmp_path / "data", Options(min_free_space=1 << 60), resume_queue=False)


def change(path: Path, sql: str) -> None:
    db = apsw.Connection(str(path))
    try:
        db.execute(sql)
    finally:
        db.close()


def test_a_repository_is_no_backup_to_verify(tmp_path: Path) -> None:
    """STORE-144: the command for it is named."""
    (tmp_path / SETTINGS).touch()
    [problem] = verify(tmp_path).problems
    assert str(problem).endswith(f"this is a repository: moxlite backup verify --repo {tmp_path}")


def test_a_backup_is_verified_without_leaving_a_trace(backup: Path) -> None:
    """STORE-144: not even a lock file or a log."""
    before = sorted(backup.rglob("*"))
    found = verify(backup, deep=True)
    assert (found.problems, found.notes) == ([], [])
    assert found.databases == 6
    assert sorted(backup.rglob("*")) == before


@pytest.mark.parametrize(
    ("sql", "text", "repair"),
    [
        ("UPDATE mailbox SET total = total + 1 WHERE name = 'Inbox'", "counts", "moxlite store fix-counts test2"),
        ("UPDATE mailbox SET uidnext = 1 WHERE name = 'Inbox'", "uidnext", "moxlite store fix-uidmeta test2"),
        ("UPDATE message SET size = size + 1 WHERE id = 3", "size", "moxlite store fix-sizes test2"),
        ("CREATE TABLE foreign_table (a)", "doesn't belong here", ""),
        ("DROP INDEX message_subject", "is missing", ""),
        ("UPDATE message SET mailbox_id = 999 WHERE id = 3", "reference", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_repair(backup: Path, sql: str, text: str, repair: str) -> None:
    """STORE-144, ADMIN-51."""
    change(backup / "data/accounts/test2/account.db", sql)
    problems = verify(backup).problems
    assert any(text in str(problem) and "".join(problem.commands) == repair for problem in problems), problems


def test_fix_repairs_what_can_be_repaired(backup: Path) -> None:
    """STORE-43, STORE-144."""
    path = backup / "data/accounts/test2/account.db"
    change(path, "UPDATE mailbox SET total = 77, uidnext = 2 WHERE name = 'Inbox'")
    change(path, "UPDATE message SET size = size + 5 WHERE id = 3")
    fixed, found = verify_stopped(backup, deep=False, upgrade=False, fix=True, tell=lambda _: None)
    assert found.problems == []
    assert [line.split(":")[0] for line in fixed] == ["test2"] * len(fixed)
    assert any("uidnext 2 is now" in line for line in fixed)
    assert any("message 3: size" in line for line in fixed)


def test_damaged_octets_are_found(backup: Path) -> None:
    """STORE-144: overwritten pages, and with --deep overwritten bodies."""
    path = backup / "data/accounts/test2/account.db"
    change(path, "UPDATE body_chunk SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM body_chunk)")
    assert verify(backup).problems == []
    assert any("chunk" in problem.text for problem in verify(backup, deep=True).problems)
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 8192)
    assert verify(backup).problems


def test_a_database_of_a_newer_version_is_told(backup: Path) -> None:
    """STORE-144, STORE-148, ADMIN-53."""
    change(backup / "data/auth.db", "PRAGMA user_version = 9999")
    assert "from a newer version" in verify(backup).problems[0].text


def test_another_version_and_unknown_files_are_notes(backup: Path) -> None:
    """STORE-144."""
    (backup / "data/version").write_text("0.0.0\n")
    (backup / "data/notes.txt").touch()
    found = verify(backup)
    assert found.problems == []
    assert [note.split(" ")[-1] for note in found.notes][1] == "unknown"
    assert "0.0.0" in found.notes[0]


def test_a_directory_in_use_is_refused(original: Path) -> None:
    """STORE-144, ADMIN-51."""
    with DataLock(original / "lock"), pytest.raises(Locked):
        verify_stopped(original, deep=False, upgrade=False, fix=False, tell=lambda _: None)
    (original / "lock").unlink()


def test_a_file_that_was_not_closed_is_verified_with_its_log(original: Path, tmp_path: Path) -> None:
    """STORE-144: the data directory of a server that was killed."""
    shutil.copytree(original, tmp_path / "data")
    path = tmp_path / "data/accounts/test0/account.db"
    db = apsw.Connection(str(path))
    db.execute("PRAGMA wal_autocheckpoint=0").fetchall()
    db.execute("UPDATE mailbox SET total = 5")
    for suffix in ("", "-wal"):
        shutil.copy(path.with_name(path.name + suffix), tmp_path / f"killed{suffix}")
    db.close()
    shutil.copy(tmp_path / "killed", path)
    shutil.copy(tmp_path / "killed-wal", path.with_name(path.name + "-wal"))
    assert any("counts" in problem.text for problem in verify(tmp_path / "data").problems)
