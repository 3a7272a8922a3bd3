"""Salvaging a damaged account file (docs/spec/store.md, STORE-188)."""

import hashlib
import os
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio
from hypothesis import given, settings, strategies as st

from moxlite.cli import run
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.verify import verify
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import CHUNK_SIZE, message_range
from moxlite.store.content.prepare import prepare
from moxlite.store.delivery.outgoing import OutgoingLimits, add_outgoing
from moxlite.store.delivery.perform import SUBMIT, OwedMessage, SubmissionEffects
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from moxlite.store.errors import BadTarget
from moxlite.store.file import migrations
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.later import room
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.remotes import Origin, copy_key, link, open_remote, settle
from moxlite.store.options import Options
from moxlite.store.recover import rebuild
from moxlite.store.recover.pages import FOUND_ANYWHERE, PAGE, Damaged, Pages, decode_record, roots, rows_of
from moxlite.store.recover.rebuild import recover
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.rows.messages import rows_by_uid
from tests.small_config import STATIC
from tests.store_mail import deliver_mail, mail
from tests.upgrade_fixtures import later, names, unpack

NAME = "test2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The account file with something of everything."""
    return unpack(names()[-1], tmp_path / "data") / "accounts" / NAME / "account.db"


def contents(path: Path) -> dict[str, list[tuple[str, int, str]]]:
    """By mailbox, but for the system's, the hash, flags and keywords of its messages, in order."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    r = Reader(db)
    found: dict[str, list[tuple[str, int, str]]] = {}
    for name, message_id, flags, keywords in r.rows(
        "SELECT b.name, m.id, m.flags, m.keywords FROM message m JOIN mailbox b ON b.id = m.mailbox_id"
        " WHERE NOT b.system ORDER BY 1, 2"
    ):
        digest = hashlib.sha256(message_range(r, message_id)).hexdigest()
        found.setdefault(name, []).append((digest, flags, keywords))
    db.close()
    return found


def value(path: Path, sql: str) -> object:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        row = db.execute(sql).fetchone()
        return None if row is None else row[0]
    finally:
        db.close()


def recovered(out: Path) -> Path:
    assert verify(out, deep=True).problems == []
    return out / "accounts" / NAME / "account.db"


def test_of_a_sound_file_nothing_is_lost(file: Path, tmp_path: Path) -> None:
    """STORE-188: with flags, keywords, times, credentials, annotations; and the source is untouched. What the mailbox
    of the queue shows is not the account's, and comes back from the queue (IMAP-162).
    """
    before = file.read_bytes()
    done = recover(NAME, file, tmp_path / "out")
    assert (done.losses, done.orphans, done.unproven) == ([], 0, 0)
    path = recovered(tmp_path / "out")
    assert contents(path) == contents(file)
    for sql in (
        "SELECT group_concat(data) FROM (SELECT hex(data) AS data FROM credential ORDER BY kind)",
        "SELECT group_concat(key || hex(value)) FROM (SELECT * FROM annotation ORDER BY key)",
        (
            "SELECT group_concat(m.received || '/' || m.savedate ORDER BY m.id) FROM message m "
            "JOIN mailbox b ON b.id = m.mailbox_id WHERE NOT b.system"
        ),
        "SELECT group_concat(special_use ORDER BY name) FROM mailbox WHERE NOT system",
        "SELECT created FROM state",
        "SELECT count(*) FROM message_smtp WHERE msgfrom_validation = 'strict'",
        "SELECT group_concat(dkim ORDER BY message_id) FROM message_smtp",
    ):
        assert value(path, sql) == value(file, sql), sql
    assert [value(one, "SELECT count(*) FROM mailbox WHERE system") for one in (file, path)] == [1, 0]
    old, new = (value(one, "SELECT max(uidvalidity) FROM mailbox") for one in (file, path))
    assert isinstance(old, int)
    assert isinstance(new, int)
    lowest = value(path, "SELECT min(uidvalidity) FROM mailbox")
    assert isinstance(lowest, int)
    assert lowest > old
    assert file.read_bytes() == before


def test_rules_and_what_is_still_to_be_sent_are_saved(tmp_path: Path) -> None:
    """STORE-95, STORE-188, STORE-189a: whom one wrote to, scripts, the vacation answer with those who got it,
    agreements of forwarding, templates, identities; and a scheduled message, which is on hold in the queue then. One
    whose octets are lost is told.
    """
    submission = Submission(
        account=NAME,
        mail_from=None,
        recipients=(SubmissionRecipient(Address.parse("zoe@example.org")),),
        received=1,
    )

    async def fill() -> None:
        accounts = Accounts(tmp_path / "data", Options(min_free_space=0))
        async with accounts.use(NAME) as account:
            other = (await deliver_mail(account, mail(1))).message_id
            box = await account.write(room)
            message_id = (await deliver_mail(account, mail(2), name="Scheduled")).message_id

            def unit(tx: AccountTx) -> None:
                for sql in (
                    "INSERT INTO sieve_script VALUES (7, 'main', x'6b6565703b', x'', 1, 1)",
                    "INSERT INTO sieve_seen VALUES (x'01', 2)",
                    "INSERT INTO vacation_form VALUES (1, '{}')",
                    "INSERT INTO vacation_sent VALUES (x'02', 'zoe@example.org', 3)",
                    "INSERT INTO forward_target (address, link, asked) VALUES ('zoe@example.org', x'', 1)",
                    "INSERT INTO template VALUES (5, 'thanks', 's', 't', 'h')",
                    "INSERT INTO notice_choice (id, known, quiet_from, quiet_until, zone) VALUES (1, 1, 6, 9, 'UTC')",
                    "INSERT INTO identity VALUES ('mia@example.org', 1, '{}')",
                ):
                    tx.execute(sql)
                add_outgoing(tx, [Address.parse("zoe@example.org")], OutgoingLimits())
                owed = OwedMessage(submission, beside=SubmissionEffects(original_id=other, scheduled=box))
                tx.owe(b"kept", SUBMIT, owed.pack(), message_id, due=1 << 60)
                tx.owe(b"lost", SUBMIT, OwedMessage(submission).pack(), 1 << 30, due=1 << 60)

            await account.write(unit)
        await accounts.aclose()

    trio.run(fill)
    file = tmp_path / "data" / "accounts" / NAME / "account.db"
    done = recover(NAME, file, tmp_path / "out")
    assert done.losses == ["an unsent message to zoe@example.org"]
    path = recovered(tmp_path / "out")
    for table in (
        "sieve_script",
        "sieve_seen",
        "vacation_form",
        "vacation_sent",
        "forward_target",
        "template",
        "notice_choice",
        "identity",
    ):
        assert rows(path, f"SELECT * FROM {table}") == rows(file, f"SELECT * FROM {table}") != []
    written = "SELECT message_id, localpart, domain, sent FROM recipient WHERE message_id < 0"
    assert rows(path, written) == rows(file, written) != []
    [(key, message_id, data)] = rows(path, "SELECT key, message_id, data FROM outbox")
    owed = OwedMessage.unpack(data)
    assert (key, owed.submission.hold) == (b"kept", True)
    where = "SELECT m.id, b.id FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = "
    assert rows(path, where + "'Scheduled'") == [(message_id, owed.beside.scheduled)]
    assert rows(path, where + "'Inbox'")[0][0] == owed.beside.original_id


def test_what_is_about_a_message_or_mailbox_follows_it(tmp_path: Path) -> None:
    """STORE-188: what comes back later, answers to invitations, and mailboxes that suggest no rule; devices are told
    of the mail that comes from now on.
    """

    async def fill() -> None:
        accounts = Accounts(tmp_path / "data", Options(min_free_space=0))
        async with accounts.use(NAME) as account:
            for number in range(3):
                left = (await deliver_mail(account, mail(number))).message_id
            kept = (await deliver_mail(account, mail(3), name="Snoozed")).message_id

            def unit(tx: AccountTx) -> None:
                tx.execute("DELETE FROM message WHERE id < ?", left)  # so that ids change
                tx.execute(
                    "INSERT INTO snooze SELECT ?, 9, 1, (SELECT id FROM mailbox WHERE name = 'Snoozed'), "
                    "(SELECT id FROM mailbox WHERE name = 'Inbox')",
                    kept,
                )
                tx.execute("INSERT INTO ruleset_no_mailbox SELECT id, 1 FROM mailbox WHERE name = 'Snoozed'")
                tx.execute(
                    "INSERT INTO invitation VALUES ('u', '', 1, 's', 'o', 0, ?, 'ACCEPTED', 5, 6, 'a', 1)",
                    kept,
                )
                tx.execute(
                    "INSERT INTO notice_device (endpoint, public, secret, name, session, told, created) "
                    "VALUES ('https://push.example/', x'01', x'02', 'Phone', 1, ?, 1)",
                    kept,
                )

            await account.write(unit)
        await accounts.aclose()

    trio.run(fill)
    file = tmp_path / "data" / "accounts" / NAME / "account.db"
    recover(NAME, file, tmp_path / "out")
    path = recovered(tmp_path / "out")
    [(kept, away)] = rows(
        path, "SELECT m.id, b.id FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = 'Snoozed'"
    )
    inbox = value(path, "SELECT id FROM mailbox WHERE name = 'Inbox'")
    assert rows(path, "SELECT * FROM snooze") == [(kept, 9, 1, away, inbox)]
    assert rows(path, "SELECT * FROM ruleset_no_mailbox") == [(away, 1)]
    assert rows(path, "SELECT uid, message_id, answer FROM invitation") == [("u", kept, "ACCEPTED")]
    assert rows(path, "SELECT name, told FROM notice_device") == [("Phone", value(path, "SELECT max(id) FROM message"))]
    assert rows(file, "SELECT message_id FROM snooze") != [(kept,)]


def test_messages_longer_than_new_ones_may_be_are_saved(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-150, STORE-188."""
    defaults = {"max_size": 10, "strict": False, "compression": None, "chunks": True}
    monkeypatch.setattr(prepare, "__kwdefaults__", defaults)
    assert recover(NAME, file, tmp_path / "out").losses == []
    assert contents(recovered(tmp_path / "out")) == contents(file)


def test_rows_from_before_a_migration_are_copied(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-188: a row that has not been written since lacks the columns that were added."""
    count = value(file, "SELECT count(*) FROM app_password")
    assert count
    added = "ALTER TABLE app_password ADD COLUMN color TEXT NOT NULL DEFAULT 'red';"
    monkeypatch.setattr(migrations, "SCHEMA", later(tmp_path, added))
    monkeypatch.setattr(migrations, "_cache", {})
    monkeypatch.setattr(migrations, "_template", migrations._template.__wrapped__)
    open_file(file, Kind.ACCOUNT, Options(min_free_space=0)).close()
    done = recover(NAME, file, tmp_path / "out")
    assert not [one for one in done.losses if "app_password" in one]
    found = "SELECT count(*) FROM app_password WHERE color = 'red'"
    assert value(recovered(tmp_path / "out"), found) == value(file, found) == count


def test_the_reader_sees_what_sqlite_sees(file: Path) -> None:
    """STORE-188: every row of every table, and none is taken for one of another table."""
    pages = Pages(file)
    db = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    found = roots(pages)
    assert len(found) > 30
    for table, root in found.items():
        rows = list(rows_of(pages, root, set()))
        assert len(rows) == db.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0], table
        for _, record in rows:
            assert [name for name, known in FOUND_ANYWHERE.items() if known(record)] == (
                [table] if table in FOUND_ANYWHERE else []
            )
    for cell, record in rows_of(pages, found["message"], set()):
        columns = db.execute("SELECT * FROM message WHERE id = ?", (cell.rowid,)).fetchone()
        assert (cell.rowid, *record[1:]) == columns
    pages.close()
    db.close()


def page_with(file: Path, table: str, *, leaf: bool = True) -> int:
    """A page of a table: a leaf that is not its root, or its root."""
    pages = Pages(file)
    root = roots(pages)[table]
    numbers = [number for number in pages.leaves(root, set()) if number != root]
    pages.close()
    return numbers[len(numbers) // 2] if leaf else root


def overwrite(file: Path, number: int, data: bytes = b"\xff" * PAGE) -> None:
    with file.open("r+b") as target:
        target.seek((number - 1) * PAGE)
        target.write(data)


def test_the_rows_below_a_broken_branch_are_found(file: Path, tmp_path: Path) -> None:
    """STORE-188: its root is gone, the leaves are told by what is in them."""
    pages = Pages(file)
    for table in ("message", "message_info", "body", "body_chunk"):
        root = page_with(file, table, leaf=False)
        if pages.kind(root) == 0x05:  # small tables are one leaf
            overwrite(file, root)
    pages.close()
    done = recover(NAME, file, tmp_path / "out")
    assert done.losses == []
    assert len(contents(recovered(tmp_path / "out"))["Inbox"]) == 17


@pytest.mark.parametrize("length", [PAGE, 3 * PAGE])
def test_without_the_schema_all_mail_is_found(file: Path, tmp_path: Path, length: int) -> None:
    """STORE-188: the first page is gone, with it the roots of all tables."""
    before = contents(file)
    overwrite(file, 1, bytes(length))
    recover(NAME, file, tmp_path / "out")
    after = contents(recovered(tmp_path / "out"))
    assert after["Inbox"] == before["Inbox"]
    assert after["Sent"] == before["Sent"]


def test_a_lost_body_is_named_and_the_others_are_saved(file: Path, tmp_path: Path) -> None:
    """STORE-188."""
    db = apsw.Connection(str(file))
    db.execute(
        "UPDATE body_chunk SET data = zeroblob(length(data)) "
        "WHERE id >> 16 = (SELECT body_id FROM message WHERE id = 5)"
    )
    subject = db.execute("SELECT subject_base FROM message WHERE id = 5").fetchall()[0][0]
    db.close()
    done = recover(NAME, file, tmp_path / "out")
    assert len(done.losses) == 1
    assert "UID 5" in done.losses[0]
    assert repr(subject) in done.losses[0]
    assert "chunk 0 is damaged" in done.losses[0]
    assert len(contents(recovered(tmp_path / "out"))["Inbox"]) == 16


def test_messages_without_a_row_are_in_recovered(file: Path, tmp_path: Path) -> None:
    """STORE-188: and what was expunged is not brought back."""
    before = contents(file)
    db = apsw.Connection(str(file))
    # As a page of zeros would: the rows are gone, nothing was told of it.
    db.execute("DELETE FROM message WHERE id IN (3, 4)")
    db.close()
    done = recover(NAME, file, tmp_path / "out")
    assert done.orphans == 2
    assert any("missing rows for 2 counted messages" in line for line in done.losses)
    after = contents(recovered(tmp_path / "out"))
    assert len(after["Recovered"]) == 2
    assert sum(map(len, after.values())) == sum(map(len, before.values()))


def test_messages_of_a_lost_mailbox_keep_together(file: Path, tmp_path: Path) -> None:
    """STORE-188."""
    before = contents(file)
    db = apsw.Connection(str(file))
    mailbox_id = db.execute("SELECT id FROM mailbox WHERE name = 'Sent'").fetchall()[0][0]
    db.execute("DELETE FROM mailbox WHERE name = 'Sent'")
    db.close()
    recover(NAME, file, tmp_path / "out")
    assert contents(recovered(tmp_path / "out"))[f"Recovered/Mailbox {mailbox_id}"] == before["Sent"]


def test_a_lost_prefix_is_told(file: Path, tmp_path: Path) -> None:
    """STORE-188."""
    db = apsw.Connection(str(file))
    db.execute("DELETE FROM message_info WHERE email_id = 2")
    db.close()
    done = recover(NAME, file, tmp_path / "out")
    assert ["without the header lines" in line for line in done.losses] == [True]
    assert len(contents(recovered(tmp_path / "out"))["Inbox"]) == 17


def test_a_body_without_its_end_is_not_taken_for_a_whole_one(file: Path, tmp_path: Path) -> None:
    """STORE-188: its row and that of the prefix are lost, so nothing says how long it was."""

    async def add() -> None:
        accounts = Accounts(file.parents[2], Options(min_free_space=0))
        async with accounts.use(NAME) as account:
            await deliver_mail(account, mail(900, body="x" * 78 + "\r\n" + "y" * CHUNK_SIZE))
        await accounts.aclose()

    trio.run(add)
    db = apsw.Connection(str(file))
    [(message_id, body_id)] = db.execute("SELECT id, body_id FROM message ORDER BY id DESC LIMIT 1").fetchall()
    db.execute("DELETE FROM message_info WHERE email_id = ?", (message_id,))
    db.execute("DELETE FROM body WHERE id = ?", (body_id,))
    db.execute("DELETE FROM body_chunk WHERE id = (SELECT max(id) FROM body_chunk WHERE id >> 16 = ?)", (body_id,))
    db.close()
    assert any("the end of the data is missing" in line for line in recover(NAME, file, tmp_path / "out").losses)
    assert len(contents(recovered(tmp_path / "out"))["Inbox"]) == 17


def test_what_is_in_the_log_counts_and_a_torn_end_does_not(file: Path, tmp_path: Path) -> None:
    """STORE-188, STORE-160."""
    db = apsw.Connection(str(file))
    db.execute("PRAGMA wal_autocheckpoint=0").fetchall()
    db.execute("UPDATE message SET keywords = 'logged', flags = 1 WHERE id = 1")
    size = file.with_name("account.db-wal").stat().st_size
    db.execute("UPDATE message SET keywords = 'torn' WHERE id = 1")
    copy = tmp_path / "copy"
    copy.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(file.with_name(f"account.db{suffix}"), copy / f"account.db{suffix}")
    db.close()
    with (copy / "account.db-wal").open("r+b") as log:
        log.truncate(log.seek(0, 2) - 100)
    assert size < (copy / "account.db-wal").stat().st_size
    recover(NAME, copy / "account.db", tmp_path / "out")
    assert ("logged" in {row[2] for row in contents(tmp_path / "out/accounts/test2/account.db")["Inbox"]}) is True
    (copy / "account.db-wal").unlink()
    done = recover(NAME, copy / "account.db", tmp_path / "without")
    assert done.losses == []


@pytest.mark.parametrize("content", [b"", b"short", bytes(100_000), b"\r\n" * 50_000])
def test_a_file_without_anything_gives_an_empty_account(tmp_path: Path, content: bytes) -> None:
    """STORE-188."""
    (tmp_path / "account.db").write_bytes(content)
    done = recover(NAME, tmp_path / "account.db", tmp_path / "out")
    assert (done.saved, done.mailboxes) == (0, 0)
    assert contents(recovered(tmp_path / "out")) == {}


def test_what_is_there_is_not_overwritten(file: Path, tmp_path: Path) -> None:
    """STORE-188."""
    with pytest.raises(BadTarget):
        recover(NAME, file, tmp_path)
    with pytest.raises(FileNotFoundError):
        recover(NAME, tmp_path / "nowhere.db", tmp_path / "out")


async def copied_messages(file: Path) -> None:
    """Two mailboxes of another server in Inbox and Sent, as `imap import` would have left them, and an export."""
    accounts = Accounts(file.parents[2], Options(min_free_space=0))

    def unit(tx: AccountTx) -> None:
        for name in ("Inbox", "Sent"):
            box = mailbox_by_name(tx, name)
            assert box is not None
            remote = open_remote(tx, "source", "old.example", "ann", name, uidvalidity=7, mailbox_id=box.id)
            settle(tx, remote.id, messages=20, uidnext=30, modseq=40)
            for row in rows_by_uid(tx, box.id, 1):
                key = copy_key(row.messageid, row.size, row.received)
                link(tx, Origin(remote.id, 1000 + row.uid, row.size, row.received, "work", 77), row.id, key)
        inbox = mailbox_by_name(tx, "Inbox")
        assert inbox is not None
        target = open_remote(tx, "target", "new.example", "ann", "INBOX", uidvalidity=8, mailbox_id=inbox.id)
        link(tx, Origin(target.id, 5, 0, 0, ""), rows_by_uid(tx, inbox.id, 1)[0].id, bytes(16))
        expunge_ids(tx, [rows_by_uid(tx, inbox.id, 1)[-1].id])

    async with accounts.use(NAME) as account:
        await account.write(unit)
    await accounts.aclose()


COPIES = """
SELECT o.role, o.mailbox, o.messages, b.name, i.uid, i.flags, i.gm_msgid, m.messageid, m.uid FROM imap_copy i
JOIN imap_remote o ON o.id = i.remote_id LEFT JOIN mailbox b ON b.id = o.mailbox_id
LEFT JOIN message m ON m.id = i.message_id ORDER BY 1, 2, abs(i.uid)"""


def test_what_was_imported_by_imap_is_known(file: Path, tmp_path: Path) -> None:
    """STORE-188, IMAP-138: an import goes on with the new file; what its user has removed does not come back."""
    trio.run(copied_messages, file)
    assert recover(NAME, file, tmp_path / "out").losses == []
    path = recovered(tmp_path / "out")
    old, new = rows(file, COPIES), rows(path, COPIES)
    assert [(*row[:2], *row[3:8]) for row in new] == [(*row[:2], *row[3:8]) for row in old]
    assert {row[2] for row in new} == {-1}
    assert [row[4] for row in new if row[8] is None] == [1021]
    last = "SELECT max(message_id) FROM imap_copy"
    assert value(path, f"SELECT ({last}) <= last_message_id FROM state"), "no message will get it"


def test_an_import_fetches_again_what_damage_has_taken(file: Path, tmp_path: Path) -> None:
    """STORE-188, IMAP-138: a body, or a row; and what has lost its row of the import does not come twice."""
    trio.run(copied_messages, file)
    db = apsw.Connection(str(file))
    db.execute(
        "UPDATE body_chunk SET data = zeroblob(length(data)) "
        "WHERE id >> 16 = (SELECT body_id FROM message WHERE id = 5)"
    )
    db.execute("DELETE FROM message WHERE id = 3")
    db.execute("DELETE FROM imap_copy WHERE message_id = 4")
    db.close()
    recover(NAME, file, tmp_path / "out")
    path = recovered(tmp_path / "out")
    uids = [row[4] for row in rows(path, COPIES) if row[:2] == ("source", "Inbox")]
    assert {1003, 1004, 1005}.isdisjoint(uids)
    assert 1021 in uids, "removed by its user"
    (again,) = [uid for uid in uids if uid < 0]
    assert value(path, f"SELECT uid FROM message WHERE id = {-again}") == 3, "the third one that is left"


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_octets_are_a_row_or_damaged(data: bytes) -> None:
    """STORE-188."""
    try:
        record = decode_record(data)
    except Damaged:
        return
    assert isinstance(record, tuple)


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.integers(-(1 << 63), (1 << 63) - 1), st.text(max_size=40), st.binary(max_size=40)),
        max_size=6,
    )
)
def test_a_row_reads_as_sqlite_wrote_it(tmp_path_factory: pytest.TempPathFactory, values: list[object]) -> None:
    """STORE-188."""
    if not values or any(isinstance(one, str) and "\0" in one for one in values):
        return
    path = tmp_path_factory.mktemp("row") / "row.db"
    db = apsw.Connection(str(path))
    db.execute(f"CREATE TABLE t ({', '.join(f'c{n} ANY' for n in range(len(values)))}) STRICT")
    db.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(values))})", tuple(values))
    db.close()
    pages = Pages(path)
    assert [record for _, record in rows_of(pages, roots(pages)["t"], set())] == [tuple(values)]
    pages.close()


def test_a_tree_that_leads_back_to_itself_ends(file: Path) -> None:
    """STORE-188: and so does a list of free pages."""
    root = page_with(file, "body_chunk", leaf=False)
    pages = Pages(file)
    data = bytearray(pages.page(root))
    pages.close()
    data[0] = 0x05
    struct.pack_into(">I", data, 8, root)
    overwrite(file, root, bytes(data))
    first = bytearray(PAGE)
    struct.pack_into(">2I", first, 0, 3, 1_000_000)
    overwrite(file, 3, bytes(first))
    with file.open("r+b") as target:
        target.seek(32)
        target.write(struct.pack(">I", 3))
    pages = Pages(file)
    assert isinstance(list(rows_of(pages, root, set())), list)
    assert pages.free() == {3}
    pages.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_root_writes_the_losses_through_no_planted_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-37a: the owner of the data is also that of the new folder, and may put a link there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        victim, data, out = folder / "of-root", folder / "data", folder / "out"
        for made in (data, out):
            made.mkdir()
            os.chown(made, 12345, 12345)
        folder.chmod(0o755)
        victim.write_text("not yours")
        (folder / "moxlite.toml").write_text(STATIC)

        def recover(*_: object, **__: object) -> rebuild.RecoveryResult:
            (out / "losses.txt").symlink_to(victim)
            return rebuild.RecoveryResult(losses=["root::0:0:root:/root:/bin/sh"])

        monkeypatch.setattr(rebuild, "recover", recover)
        assert run(["--config", str(folder / "moxlite.toml"), "account", "recover", "me", "--out", str(out)]) == 1
        assert victim.read_text() == "not yours"
