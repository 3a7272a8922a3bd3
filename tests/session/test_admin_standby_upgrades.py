"""Two machines of a stand-by with different versions of moxlite (STORE-186b, STORE-186h)."""

import shutil
import subprocess
import time
from pathlib import Path

import apsw
import msgspec
import pytest
import trio

from moxlite.admin.standby.following import Follower
from moxlite.admin.standby.layout import Head, Positions, claim, read_document
from moxlite.admin.standby.litestream import Place
from moxlite.admin.standby.replicating import write_replication
from moxlite.admin.standby.status import second_words
from moxlite.admin.standby.takingover import Candidate
from moxlite.store.backup.storage import Folder
from moxlite.store.backup.verify import quick_check, verify
from moxlite.store.file import migrations
from moxlite.store.file.migrations import Kind, migrations_of
from tests.house import Running, house, soon
from tests.session.test_admin_standby import (
    copied,
    deliver,
    following,
    identity,
    moxlite,
    program,
    quick,
    settings,
    source,
    subjects,
)
from tests.tools import moxlite_command, write_own
from tests.upgrade_fixtures import ADD, later, names, unpack

__all__ = ["identity", "quick"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

ACCOUNT = "accounts/mia/account.db"
NEWEST = len(migrations_of(Kind.ACCOUNT))


def set_version(file: Path, number: int) -> None:
    """Do what an upgrade does last."""
    db = apsw.Connection(str(file))
    db.set_busy_timeout(10_000)
    db.execute(f"PRAGMA user_version={number}")
    db.close()


def version(file: Path) -> int:
    """The schema of a copy."""
    return int.from_bytes(file.read_bytes()[60:64], "big") if file.exists() else 0


def messages(file: Path) -> int:
    """Number of messages in a copy of any schema."""
    db = apsw.Connection(f"file:{file}?mode=ro&immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    found = int(db.execute("SELECT count(*) FROM message").fetchone()[0])  # type: ignore[index]  # it has one row
    db.close()
    return found


@pytest.mark.nightly
async def test_an_older_second_machine_copies_what_is_newer_and_does_not_take_over(
    tmp_path: Path, identity: Path
) -> None:
    """STORE-186b, STORE-186h: after an upgrade of the first machine the copy goes on, `status` names what to do, no
    lease is taken, a person's take-over changes nothing; after the upgrade of the second machine all is well.
    """
    static = settings(tmp_path, identity)
    async with house(tmp_path, static=static) as h, following(tmp_path, identity) as follower:
        await deliver(h, "before")
        await soon(lambda: "before" in subjects(copied(tmp_path)), "the first message")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
        set_version(h.house.static.data_dir / ACCOUNT, 999)
        await soon(lambda: follower.followed.unfit, "the newer schema is noticed")
        words = f"{ACCOUNT} has schema 999 (this version of moxlite supports up to {NEWEST}): upgrade moxlite on this"
        assert words in follower.followed.unfit
        assert any(words in line for line in second_words(follower.followed, time.time()))
        await deliver(h, "after")
        await soon(lambda: "after" in subjects(copied(tmp_path)), "the copy goes on")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
        assert follower.followed.unfit
        candidate = object.__new__(Candidate)
        candidate._followed, candidate._hindrance, candidate._told = (lambda: follower.followed), str, ""
        assert not candidate._complete()
        before = shutil.copytree(tmp_path / "second", tmp_path / "kept")
    write_own(tmp_path / "new/config")
    place = ("--config-dir", str(tmp_path / "new/config"), "--data-dir", str(tmp_path / "new/config/data"))
    words_of = ("standby", "takeover", str(tmp_path / "target"), "--into", str(tmp_path / "second"), *place)
    command = [*moxlite_command(), *words_of, "--identity", str(identity), "--yes-the-other-is-down"]
    refused = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert refused.returncode == 1
    assert b"from a newer version" in refused.stdout + refused.stderr
    assert not (tmp_path / "new/config").exists()
    assert read_document(tmp_path / "target/standby.json", Head).epoch == 1  # type: ignore[union-attr]
    assert subjects(before / "data" / ACCOUNT) == {"before", "after"} == subjects(copied(tmp_path))

    set_version(tmp_path / "config/data" / ACCOUNT, NEWEST)  # as if the second machine knew the schema by now
    async with house(tmp_path, static=static, passwords={}), following(tmp_path, identity) as follower:
        await soon(lambda: version(copied(tmp_path)) == NEWEST, "the change")
        await soon(lambda: not follower.followed.unfit and not follower.followed.behind, "all is well")
    await moxlite(tmp_path, *words_of, "--identity", str(identity), "--yes-the-other-is-down")
    assert subjects(tmp_path / "new/config/data" / ACCOUNT) == {"before", "after"}


def send_old(data: Path, target: Path) -> None:
    """Do what an older first machine did: its databases are in the target, as epoch 1."""
    storage = Folder(target)
    (data / "standby").mkdir()
    head = claim(storage, data)
    file = data / "standby/litestream.yml"
    write_replication(file, data, Place({"type": "file"}, str(target), {}), head.epoch, 7 * 86400, None)
    subprocess.run([program(), "replicate", "-once", "-no-expand-env", "-config", file], check=True, timeout=120)
    names = ["queue.db", "auth.db", "reports.db", *(f"accounts/test{n}/account.db" for n in range(3))]
    positions = Positions(time.time(), "mx.example.org", "0.1.0", "0.5.17", dict.fromkeys(names, 1))
    storage.write("epoch-0001/positions.json", msgspec.json.encode(positions))


DOMAINS = '[domains."example.org"]\n' + "".join(
    f'[accounts.test{n}]\ndomain = "example.org"\n[accounts.test{n}.destinations."test{n}@example.org"]\n'
    for n in range(3)
)


async def take_mail(h: Running, subject: str) -> None:
    smtp = await h.smtp()
    text = f"From: a@elsewhere.example\r\nMessage-ID: <{subject}@x.example>\r\n\r\nText.\r\n."
    for line in ("MAIL FROM:<a@elsewhere.example>", "RCPT TO:<test0@example.org>", "DATA", text):
        assert (await smtp.say(line))[0] in "23"


async def test_an_upgrade_of_the_first_machine_is_followed(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186b, STORE-186h: an older schema at a newer second machine is copied, and is upgraded where it takes over;
    the migrations of the first machine come over as changes, without damage.
    """
    config = tmp_path / "config"
    config.mkdir()
    unpack(names()[0], config / "data")
    send_old(config / "data", tmp_path / "target")
    old = tmp_path / "second/data/accounts/test0/account.db"
    static = settings(tmp_path, identity).replace('account = "mia"', 'account = "test0"')
    assert await Follower(source(tmp_path, None), tmp_path / "second").catch_up(60) == []
    assert version(old) == 1
    monkeypatch.setattr(migrations, "SCHEMA", later(tmp_path, ADD))
    monkeypatch.setattr(migrations, "_cache", {})
    quiet = old.parent.with_name("test2") / old.name
    count = messages(quiet)
    assert count
    shutil.copytree(tmp_path / "second/data", tmp_path / "taken/config/data", ignore=shutil.ignore_patterns("*-txid"))
    own = static.replace(str(tmp_path / "target"), str(tmp_path / "elsewhere"))
    async with house(tmp_path / "taken", static=own, domains=DOMAINS, passwords={}) as h:
        await take_mail(h, "taken-over")
    assert version(tmp_path / "taken/config/data/accounts/test0/account.db") == NEWEST + 1

    async with (
        house(tmp_path, static=static, domains=DOMAINS, passwords={}) as h,
        following(tmp_path, identity) as follower,
    ):
        await take_mail(h, "after-the-upgrade")
        await soon(lambda: "after-the-upgrade" in subjects(old), "the message after the upgrade")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
        await soon(lambda: not follower.followed.problem, "no complaint")
    assert version(old) == NEWEST + 1
    assert messages(quiet) >= count - 5, "some were due to be removed"
    for file in (tmp_path / "second/data").rglob("*.db"):
        assert quick_check(file) == ""
    assert verify(tmp_path / "second").problems == []
