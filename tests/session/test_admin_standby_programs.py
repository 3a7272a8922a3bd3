"""Programs that are not the Litestream that we know: another version, one without our options, one that hangs or dies
at once, on both machines (STORE-186).
"""

import time
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.admin.doctor.running import standby_findings
from moxlite.admin.standby import following as following_module, litestream, replicating, status, waiting
from moxlite.admin.standby.following import Follower, Source
from moxlite.admin.standby.layout import STATE, State, read_document
from tests.house import Running, house, soon
from tests.session.test_admin_standby import copied, deliver, identity, program, quick, settings, subjects

__all__ = ["identity", "quick"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

PROGRAM = """#!/bin/sh
if [ "$1" = version ]; then {version}; exit; fi
{run}
"""

GOOD = "echo v0.5.17"
FAULTS = {
    "old": ("echo v0.3.13", "exit 1", "reports version 0.3.13"),
    "other": ("echo GNU something", "exit 1", "reports version GNU something"),
    "mute": ("exec sleep 1000", "exit 1", "isn't responding: timed out"),
    "option": (
        GOOD,
        "echo 'flag provided but not defined: -no-expand-env' >&2; exit 2",
        "Litestream exited with status 2: flag provided but not defined: -no-expand-env",
    ),
    "dies": (GOOD, "kill -9 $$", "Litestream exited with status -9"),
    "hangs": (GOOD, "exec sleep 1000", "Litestream isn't responding: No such file or directory"),
}


def fake(file: Path, version: str, run: str) -> Path:
    """Make a program that stands for Litestream."""
    partial = file.with_suffix(".new")
    partial.write_text(PROGRAM.format(version=version, run=run))
    partial.chmod(0o755)
    partial.replace(file)
    return file


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less than on a real machine."""
    monkeypatch.setattr(litestream, "VERSION_SECONDS", 1.0)
    monkeypatch.setattr(replicating, "START", 0.3)
    monkeypatch.setattr(replicating, "END", 1.0)
    monkeypatch.setattr(replicating, "TELL", 0.2)
    monkeypatch.setattr(replicating, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(replicating, "LAST_PAUSE", 2.0)


async def answer(h: Running, subject: str) -> str:
    """The answer to a message."""
    smtp = await h.smtp()
    for line in ("MAIL FROM:<a@elsewhere.example>", "RCPT TO:<mia@example.org>"):
        said = await smtp.say(line)
        if not said.startswith("250"):
            return said
    assert (await smtp.say("DATA")).startswith("354")
    return await smtp.say(f"From: a@elsewhere.example\r\nMessage-ID: <{subject}@x.example>\r\n\r\nText.\r\n.")


@pytest.mark.landing("option")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_program_that_cannot_be_used_is_told_and_mail_goes_on(
    tmp_path: Path, identity: Path, fault: str
) -> None:
    """STORE-186, STORE-186c: status and doctor name the reason while the pauses grow, and since when nothing is copied;
    all is copied once the right program is there.
    """
    version, run, words = FAULTS[fault]
    file = fake(tmp_path / "litestream", version, run)
    async with house(tmp_path, static=settings(tmp_path, identity) + f'litestream = "{file}"\n') as h:
        data = h.house.static.data_dir
        await soon(lambda: words in h.house.notes[0](), "the note")
        await deliver(h, "meanwhile")
        assert (await h.readiness())[0] == 200
        await trio.sleep(3)
        told = read_document(data / STATE, State)
        assert told is not None
        assert time.time() - told.at < 1.5, "the state is told during the pause, too"
        assert told.lag > 2.5, "a start of the program copies nothing"
        assert words in told.problem
        (found,) = standby_findings(h.house.static)
        assert words in found.detail
        said = status.first_words(told, time.time())
        assert "No copies to" in said[0] or "0 databases are copied" in said[0]
        assert any(words in line for line in said)
        fake(file, GOOD, f'exec {program()} "$@"')
        await soon(lambda: "can take over" in h.house.notes[0](), "the right program")
        with trio.fail_after(100):
            source = Source(target=tmp_path / "target", access=None, program=program())
            await soon(lambda: (tmp_path / "target/epoch-0001/accounts/mia").exists(), "the account")
            assert await Follower(source, tmp_path / "second").catch_up(60) == []
        assert subjects(copied(tmp_path)) == {"meanwhile"}


async def test_in_mode_sync_nothing_is_acknowledged_without_the_program(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186f: with `refuse` a server whose Litestream never answers starts, and answers 451, never 250."""
    monkeypatch.setattr(replicating, "BEGIN", 0.5)
    monkeypatch.setattr(waiting, "PATIENCE", 1.0)
    file = fake(tmp_path / "litestream", *FAULTS["dies"][:2])
    static = settings(tmp_path, identity) + f'mode = "sync"\ntarget_away = "refuse"\nlitestream = "{file}"\n'
    async with house(tmp_path, static=static) as h:
        for number in range(3):
            said = await answer(h, f"refused-{number}")
            assert said.startswith("451"), said
        assert (await h.readiness())[0] == 200
        fake(file, GOOD, f'exec {program()} "$@"')
        await soon(lambda: "can take over" in h.house.notes[0](), "the right program")
        await trio.sleep(1.5)  # a target that was away is tried again then
        assert (await answer(h, "taken")).startswith("250")


@pytest.mark.nightly
@pytest.mark.parametrize("fault", ["option", "dies", "hangs"])
async def test_a_follower_tells_of_a_program_that_cannot_be_used(
    tmp_path: Path, identity: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186b, STORE-186c: `status` of the second machine names the reason; with the right program all is copied."""
    monkeypatch.setattr(following_module, "STUCK", 2.0)
    monkeypatch.setattr(following_module, "END", 0.5)
    version, run, words = FAULTS[fault]
    file = fake(tmp_path / "litestream", version, run)
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, trio.open_nursery() as nursery:
        await deliver(h, "one")
        await soon(lambda: "can take over" in h.house.notes[0](), "the first machine copies")
        follower = Follower(Source(target=tmp_path / "target", access=None, program=file), tmp_path / "second")
        nursery.start_soon(follower.serve)
        wanted = "Litestream isn't making progress" if fault == "hangs" else words
        await soon(lambda: wanted in follower.followed.problem, "the words")
        assert any(wanted in line for line in status.second_words(follower.followed, time.time()))
        assert not follower.followed.current
        fake(file, GOOD, f'exec {program()} "$@"')
        await soon(lambda: "one" in subjects(copied(tmp_path)), "the message")
        await soon(lambda: not follower.followed.problem and follower.followed.current, "all is well")
        nursery.cancel_scope.cancel()


def test_a_state_that_is_old_or_unknown_to_us_is_read() -> None:
    """STORE-186c: another version of moxlite wrote it."""
    found = msgspec.json.decode(b'{"at":1,"target":"/x","epoch":1,"lag":1,"databases":5,"new":[]}', type=State)
    assert found.problem == ""
