"""Data of earlier schemas is opened and upgraded by the current program (docs/spec/store.md §13)."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from _pytest.mark import ParameterSet

from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.script import pack
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.gentestdata import ACCOUNTS, made_up
from moxlite.store.auth.credentials import credential
from moxlite.store.backup.copying import copy_database
from moxlite.store.backup.layout import databases
from moxlite.store.backup.verify import verify
from moxlite.store.delivery.forwarding import may_forward, targets
from moxlite.store.delivery.scripts import script_targets
from moxlite.store.file.migrations import Kind, migrations_of, open_file
from moxlite.store.forms import Person
from moxlite.store.mail.identities import load_identities, signature_of
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.upkeep.check import check_account
from moxlite.store.upkeep.reparse import reparse
from moxlite.web.preferences import shown_settings
from tests.tools import top
from tests.upgrade_fixtures import FOLDER, names, unpack

OPTIONS = Options(min_free_space=0)


def cases() -> Iterator[ParameterSet]:
    """All fixtures. The landing run has the first one, the last three, and each eighth between."""
    known = names()
    for number, name in enumerate(known):
        stays = number % 8 == 0 or number >= len(known) - 3
        yield pytest.param(name, marks=() if stays else pytest.mark.nightly)


@pytest.fixture(params=cases())
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each data directory of fixtures/upgrade/."""
    return unpack(request.param, tmp_path / "data")


def versions(data: Path) -> dict[str, int]:
    found = {}
    for one in databases(data):
        db = apsw.Connection(str(data / one.path), flags=apsw.SQLITE_OPEN_READONLY)
        found[str(one.path)] = int(db.pragma("user_version"))
        db.close()
    return found


async def test_an_older_account_is_opened_with_all_its_mail(data: Path) -> None:
    """STORE-147, STORE-148."""
    accounts = Accounts(data, made_up())
    try:
        for name in ACCOUNTS:
            async with accounts.use(name) as account:
                assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
                boxes = await account.read(mailboxes, op="test")
                assert await account.read(credential, op="test") is not None
                totals = {box.name: box.total for box in boxes}
        assert totals["Inbox"] == 17
        assert totals["Sent"] == 8
    finally:
        await accounts.aclose()


def test_one_migration_at_a_time_gives_the_same(data: Path, tmp_path: Path) -> None:
    """STORE-147: stepwise, as by a chain of releases."""
    for one in databases(data):
        known = migrations_of(one.kind)
        for number in range(versions(data)[str(one.path)] + 1, len(known) + 1):
            schema = tmp_path / f"{one.kind.value}-{number}"
            (schema / one.kind.value).mkdir(parents=True, exist_ok=True)
            for migration in known[:number]:
                path = schema / one.kind.value / f"{migration.number:04}-{migration.name}.sql"
                path.write_text(migration.sql)
            open_file(data / one.path, one.kind, Options(min_free_space=0, schema=schema)).close()
            assert versions(data)[str(one.path)] == number
    found = verify(data, deep=True)
    assert (found.problems, [note for note in found.notes if "schema" in note]) == ([], [])


async def test_targets_of_the_active_script_count_as_agreed(tmp_path: Path) -> None:
    """SMTP-160a: also targets of included scripts; no targets of other scripts, and no address of variables."""
    data = unpack("0.1.0-account-0026", tmp_path / "data")
    texts = {
        "main": 'require ["include", "variables"]; set "n" "x"; redirect "Dora@remote.example";'
        ' include "more"; if true { redirect "${n}@remote.example"; }',
        "more": 'require "include"; redirect "eva@far.example"; include "main"; include :optional "gone";',
        "other": 'redirect "other@far.example";',
    }
    db = apsw.Connection(str(data / f"accounts/{ACCOUNTS[2]}/account.db"))
    for name, text in texts.items():
        packed = b"of another version" if name == "more" else pack(check(text.encode()))
        db.execute(
            "INSERT INTO sieve_script (name, script, compiled, active, changed) VALUES (?, ?, ?, ?, 1)",
            (name, text.encode(), packed, name == "main"),
        )
    db.close()
    accounts = Accounts(data, Options(min_free_space=0, check_on_close=True))
    try:
        async with accounts.use(ACCOUNTS[2]) as account:
            found = await account.read(targets, op="test")
            assert [(one.address, one.asked) for one in found] == [("dora@remote.example", 0), ("eva@far.example", 0)]
            assert all(one.confirmed for one in found)
            assert await account.write(lambda tx: may_forward(tx, "eva@far.example")) == ""
            assert await account.read(script_targets, op="test") == {
                "dora@remote.example": "main",
                "eva@far.example": "more",
            }
    finally:
        await accounts.aclose()


BESIDE = """
SELECT i.email_id, w.envelope, w.bodystructure, i.structure, i.preview, i.prefix, i.tls_version, i.tls_cipher,
i.requiretls
FROM message_info i LEFT JOIN message_wire w USING (email_id) ORDER BY 1"""
BESIDE_NOW = """
SELECT email_id, envelope, bodystructure, structure, preview, prefix, tls_version, tls_cipher, requiretls
FROM message_info ORDER BY 1"""
WHY = "SELECT h.email_id, y.why, h.header FROM message_header h LEFT JOIN message_why y USING (email_id) ORDER BY 1"
WHY_NOW = "SELECT email_id, why, header FROM message_header ORDER BY 1"
JUDGED = """
SELECT d.domain, d.received, d.message_id FROM message_dkim d JOIN message_smtp s USING (message_id)
WHERE s.verdict IS NOT NULL ORDER BY 3, 1"""


def rows(db: apsw.Connection, sql: str) -> list[tuple[object, ...]]:
    return db.execute(sql).fetchall()


async def test_what_was_in_tables_beside_a_message_stays(tmp_path: Path) -> None:
    """STORE-20, STORE-92, STORE-147: reasons and signatures, too. Lost forms for IMAP are made anew (STORE-148)."""
    path = unpack("0.1.0-account-0051-auth-0012", tmp_path / "data") / f"accounts/{ACCOUNTS[2]}/account.db"
    db = apsw.Connection(str(path))
    [(judged,), (unjudged,), *_] = rows(db, "SELECT id FROM message WHERE NOT is_reject ORDER BY id")
    db.execute("INSERT OR IGNORE INTO message_why VALUES (?, x'90')", (judged,))
    for number, verdict in ((judged, 1), (unjudged, None)):
        for table in ("message_smtp", "message_dkim"):
            db.execute(f"DELETE FROM {table} WHERE message_id = ?", (number,))
        sql = "INSERT INTO message_smtp (message_id, received, size, verdict) VALUES (?, 7, 1, ?)"
        db.execute(sql, (number, verdict))
        for domain in ("b.example", 'a"\\.example'):
            db.execute("INSERT INTO message_dkim VALUES (?, 7, ?)", (domain, number))
    db.execute("UPDATE message SET flags = flags & ~48 | 16 WHERE id = ?", (judged,))
    db.execute("UPDATE message SET flags = flags & ~48 WHERE id = ?", (unjudged,))
    before, why, signatures = rows(db, BESIDE), rows(db, WHY), rows(db, JUDGED)
    assert len(signatures) >= 2
    assert any(row[1] for row in why)
    lost = rows(db, "DELETE FROM message_wire WHERE email_id = (SELECT max(id) FROM message) RETURNING email_id")[0][0]
    db.close()
    open_file(path, Kind.ACCOUNT, OPTIONS).close()
    db = apsw.Connection(str(path))
    assert [row for row in rows(db, BESIDE_NOW) if row[0] != lost] == [row for row in before if row[0] != lost]
    assert rows(db, WHY_NOW) == why
    assert rows(db, "SELECT domain, received, message_id FROM message_dkim ORDER BY 3, 1") == signatures
    sql = f"SELECT value FROM message_smtp, json_each(dkim) WHERE message_id = {unjudged}"
    assert rows(db, sql) == [('a"\\.example',), ("b.example",)]
    db.close()
    accounts = Accounts(path.parents[2], made_up())
    try:
        async with accounts.use(ACCOUNTS[2]) as account:
            await reparse(account)
            found = await account.read(lambda r: r.rows(BESIDE_NOW), op="test")
            assert [row[:3] + row[4:] for row in found] == [row[:3] + row[4:] for row in before]  # structures are newer
            kinds = {finding.about for finding in await account.scan(check_account, op="test")}
            assert not kinds & {"message_info", "message_header", "message_dkim", "message_smtp", "verdict"}
    finally:
        await accounts.aclose()


def test_verifydata_tries_the_upgrade_on_a_copy(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-144, STORE-147: and without being asked to, it only tells. Copies are where there is room for them."""
    before = versions(data)
    known = {str(one.path): len(migrations_of(one.kind)) for one in databases(data)}
    old = [path for path, version in before.items() if version < known[path]]
    assert verify(data).problems == []
    assert len([note for note in verify(data).notes if "--upgrade" in note]) == len(old)
    copied, copy = list[Path](), copy_database

    def note(path: Path, target: Path) -> int:
        copied.append(target)
        return copy(path, target)

    monkeypatch.setattr("moxlite.store.backup.verify.copy_database", note)
    (tmp_path / "room").mkdir()
    found = verify(data, deep=True, upgrade=True, scratch=tmp_path / "room")
    assert all(path.is_relative_to(tmp_path / "room") for path in copied)
    assert len(copied) == len(old)
    assert found.problems == []
    assert len([note for note in found.notes if "can be upgraded" in note]) == len(old)
    assert versions(data) == before


def test_there_is_a_fixture_of_the_current_schema(tmp_path: Path) -> None:
    """STORE-147."""
    newest = versions(unpack(names()[-1], tmp_path / "data"))
    for one in databases(tmp_path / "data"):
        assert newest[str(one.path)] == len(migrations_of(one.kind)), "python -m tests.upgrade_fixtures NAME"


def test_the_fixtures_are_small_and_named_in_the_readme() -> None:
    """STORE-147."""
    text = (FOLDER / "README.md").read_text()
    for name in names():
        assert name in text
        assert (FOLDER / f"{name}.tar.zst").stat().st_size < 300_000


def test_the_copy_of_before_an_upgrade_can_take_its_place(tmp_path: Path) -> None:
    """STORE-149: for a migration that rewrites tables."""
    data = unpack(names()[0], tmp_path / "data")
    one = next(one for one in databases(data) if one.account == ACCOUNTS[2])
    path = data / one.path
    version = versions(data)[str(one.path)]
    schema = tmp_path / "schema"
    shutil.copytree(top() / "moxlite/schema", schema)
    for later in schema.glob(f"{one.kind.value}/*.sql"):
        if int(later.name.partition("-")[0]) > version:
            later.unlink()
    rewrite = schema / one.kind.value / f"{version + 1:04}-rewrite.sql"
    rewrite.write_text("-- rewrites tables\nUPDATE message SET subject_base = 'lost';\n")
    open_file(path, one.kind, Options(min_free_space=0, schema=schema)).close()
    copy = path.with_name(f"account.db.before-{version + 1:04}")
    copy.replace(path)
    db = open_file(path, one.kind, OPTIONS)
    assert db.execute("SELECT count(*) FROM message WHERE subject_base = 'lost'").fetchone() == (0,)
    db.close()


async def test_signatures_of_two_stores_become_one(tmp_path: Path) -> None:
    """STORE-147, WEBMAIL-105, JMAP-30: a program's own signature stays, the webmail's comes beside it."""
    data = unpack("0.1.0-account-0046", tmp_path / "data")
    name = ACCOUNTS[2]
    jmap = {"name": "M", "replyTo": [{"email": "r@x.example", "name": None}], "bcc": None, "htmlSignature": ""}
    settings = {
        "signature": "all",
        "signature_html": "<b>all</b>",
        "signatures": [{"address": "a@x.example", "text": "web a"}, {"address": "b@x.example", "text": "web b"}],
        "quoting": "top",
    }
    db = apsw.Connection(str(data / f"accounts/{name}/account.db"))
    for address, text in (("a@x.example", ""), ("b@x.example", "program b"), ("c@x.example", "program c")):
        row = (address, json.dumps(jmap | {"textSignature": text}))
        db.execute("INSERT INTO jmap_identity (address, modseq, data) VALUES (?, 1, ?)", row)
    db.execute("INSERT OR REPLACE INTO settings (id, data, modseq) VALUES (1, ?, 2)", (json.dumps(settings),))
    db.close()
    accounts = Accounts(data, Options(min_free_space=0, check_on_close=True))
    try:
        async with accounts.use(name) as account:
            found = await account.read(load_identities, op="test")
            texts = {
                address: signature_of(found, address) for address in ("", "a@x.example", "b@x.example", "c@x.example")
            }
            assert texts == {
                "": ("all", "<b>all</b>"),
                "a@x.example": ("web a", ""),
                "b@x.example": ("program b", ""),
                "c@x.example": ("program c", ""),
            }
            assert [one.reply_to for one in found.values()].count([Person("r@x.example")]) == 3
            kept = await account.read(shown_settings, op="test")
            assert (kept.quoting, kept.signature, len(kept.signatures)) == ("top", "all", 3)
    finally:
        await accounts.aclose()
