# ruff: noqa: F401, F811 - a fixture is imported
"""The commands of a stand-by, and its targets on other machines."""

import json
import sys
import time
from pathlib import Path

import click
import msgspec
import pytest
import trio

from moxlite.admin.doctor.running import standby_findings
from moxlite.admin.standby import replicating
from moxlite.admin.standby.following import Follower, Source
from moxlite.admin.standby.layout import STATE, EpochStart, HeldLease, State, read_beginning, save
from moxlite.cli.backups import takeover
from moxlite.cli.common import Failure
from moxlite.config.load import check_files, read_sources
from moxlite.process.configtest import backup_fault
from moxlite.proto.sshurl import parse_ssh_url
from moxlite.safefile import read_file
from moxlite.store.backup.storage import Folder
from tests.house import DOMAINS, house, soon
from tests.session.test_admin_standby import copied, deliver, identity, moxlite, program, settings, subjects
from tests.sshserver import HINDRANCE, ssh_server
from tests.tools import free_port, moxlite_command, write_own

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]


@pytest.mark.nightly
async def test_the_command_follows_and_refuses_mail(tmp_path: Path, identity: Path) -> None:
    """STORE-186b: `standby follow` keeps the folder current, answers 451 at --smtp, and ends at SIGTERM with 0."""
    port = free_port()
    words = ["standby", "follow", str(tmp_path / "target"), "--into", str(tmp_path / "second")]
    words += ["--identity", str(identity), "--smtp", f"127.0.0.1:{port}", "--hostname", "mx2.example.org"]
    async with house(tmp_path, static=settings(tmp_path, identity)) as h:
        process = await trio.lowlevel.open_process([*moxlite_command(), *words], stderr=-1)
        try:
            await deliver(h, "followed")
            await soon(lambda: "followed" in subjects(copied(tmp_path)), "the message")
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(b"EHLO x\r\nMAIL FROM:<>\r\nQUIT\r\n")
                answer = b""
                while octets := await stream.receive_some():
                    answer += octets
            assert b"220 mx2.example.org" in answer
            assert b"\r\n451 4.3.2" in answer
        finally:
            process.terminate()
        assert await process.wait() == 0


ANN = """\
[accounts.ann]
domain = "example.org"
[accounts.ann.destinations."ann@example.org"]
"""


async def test_what_a_first_machine_had_not_sent_is_found_and_imported(tmp_path: Path, identity: Path) -> None:
    """STORE-186j: after a take-over `send-rest` on the old machine and `orphans --import` on the new one bring back
    mail that was acknowledged and not copied, and nothing twice; mail of an account that is gone goes into the folder,
    from where another account gets it. A moment before the take-over is that of the machine of before (STORE-186d).
    """
    good = settings(tmp_path, identity)
    async with house(tmp_path, static=good, domains=DOMAINS + ANN) as h, trio.open_nursery() as nursery:
        source = Source(target=tmp_path / "target", access=None, program=program(), identity=identity)
        follower = Follower(source, tmp_path / "second")
        nursery.start_soon(follower.serve)
        await deliver(h, "kept")
        await deliver(h, "kept", to="ann")
        await soon(lambda: "kept" in subjects(copied(tmp_path)), "the message is copied")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
        await trio.sleep(1.1)  # Litestream copies once a second
        before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        nursery.cancel_scope.cancel()
    async with house(tmp_path, static=good + 'litestream = "/bin/false"\n', domains=DOMAINS + ANN) as h:
        await deliver(h, "tail")
        await deliver(h, "tail", to="ann")
    (tmp_path / "config/moxlite.toml").write_text(good)
    new = tmp_path / "new/config"
    words = ("standby", "takeover", str(tmp_path / "target"), "--into", str(tmp_path / "second"))
    places = ("--config-dir", str(new), "--data-dir", str(new / "data"), "--identity", str(identity))
    write_own(new)
    await moxlite(tmp_path, *words, *places, "--yes-the-other-is-down")
    assert subjects(new / "data/accounts/mia/account.db") == {"kept"}

    assert "sent as epoch 1" in await moxlite(tmp_path, "standby", "send-rest")

    static = (new / "moxlite.toml").read_text()
    async with house(tmp_path / "new", static=static, passwords={}) as h:  # without ann

        async def on_new(*words: object, code: int = 0) -> str:
            command = [*moxlite_command(), "--config", str(new / "moxlite.toml"), *map(str, words)]
            done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
            assert done.returncode == code, done.stderr
            return (done.stdout + done.stderr).decode()

        listed = await on_new("standby", "orphans", tmp_path / "target")
        assert "mia Inbox tail@x.example" in listed
        assert "kept" not in listed
        assert "2 messages only in epoch 1" in listed
        out = tmp_path / "rest"
        done = await on_new("standby", "orphans", tmp_path / "target", "--import", "--out", out, code=1)
        assert "account not found: 'ann'" in done
        assert f"moxlite restore {out} --from ACCOUNT --account NAME --as Orphans" in done
        imap = await h.imap()
        assert any("* 1 EXISTS" in line for line in await imap.select("Orphans/Inbox"))
        assert any("* 1 EXISTS" in line for line in await imap.select("Inbox"))
        await on_new("restore", out, "--from", "ann", "--account", "mia", "--as", "Orphans")
        assert any("* 2 EXISTS" in line for line in await imap.select("Orphans/Inbox"))
        again = await on_new("standby", "orphans", tmp_path / "target", "--import", "--out", out, code=1)
        assert f"{out} already exists; use --out with a new folder" in again
        await soon((tmp_path / "target/epoch-0002/positions.json").exists, "the new machine copies")
        await on_new("restore", tmp_path / "target", "--at", before, "--from", "ann", "--account", "mia")
        assert any("* 1 EXISTS" in line for line in await imap.select("Restored/Inbox"))


@pytest.mark.nightly
@pytest.mark.skipif(bool(HINDRANCE), reason=HINDRANCE)
async def test_another_machine_by_ssh_takes_the_copies(
    tmp_path: Path,
    identity: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """STORE-186: with `ssh://` mail and configuration go to a real OpenSSH server, one of whose three host keys
    Litestream is shown. The first of them alone isn't enough, as `config test` says.
    """
    monkeypatch.setattr(replicating, "BEAT", 0.5)
    with ssh_server(tmp_path / "ssh") as server:
        url = str(server.url(tmp_path / "away"))
        more = f'ssh_key_file = "{server.key}"\nssh_host_keys = {json.dumps(server.host_keys)}\n'
        target = parse_ssh_url(url)
        place = Source(target=target, access=server.standby_login, program=program(), identity=identity)
        async with (
            house(tmp_path, static=settings(tmp_path, identity, url) + more) as h,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(Follower(place, tmp_path / "second").serve)
            await deliver(h, "by-ssh")
            await soon(lambda: "by-ssh" in subjects(copied(tmp_path)), "the message")
            assert (tmp_path / "second/config/domains.toml").is_file()
            standby = h.house.static.standby
            assert await trio.to_thread.run_sync(backup_fault, standby, None, read_file) == ""
            few = msgspec.structs.replace(standby, ssh_host_keys=(server.host_key,))
            fault = await trio.to_thread.run_sync(backup_fault, few, None, read_file)
            assert "doesn't match standby.ssh_host_keys" in fault
            assert "/etc/ssh/ssh_host_*_key.pub" in fault
            nursery.cancel_scope.cancel()


def test_the_doctor_tells_of_a_stand_by_that_falls_behind(tmp_path: Path, identity: Path) -> None:
    """STORE-186, STORE-186c: `standby-behind` is a warning with the reason, a note while the server is stopped, else
    nothing; a lease that is not renewed is an error.
    """
    path = tmp_path / "config/moxlite.toml"
    path.parent.mkdir()
    path.write_text(settings(tmp_path, identity))
    (path.parent / "domains.toml").write_text(DOMAINS)
    snapshot, errors = check_files(*read_sources(path))
    assert snapshot is not None, errors
    static = snapshot.static
    data = static.data_dir
    (data / STATE).parent.mkdir(parents=True)
    assert [(one.code, one.grade) for one in standby_findings(static)] == [("standby-behind", "note")]
    save(data / STATE, State(time.time(), "/mnt/x", 1, 400.0, 5, "the key is wrong"))
    (found,) = standby_findings(static)
    assert (found.code, found.grade) == ("standby-behind", "warning")
    assert found.detail == "the key is wrong; 400 s behind"
    held = HeldLease(time.time(), time.time() + 30, time.time() + 45)
    save(data / STATE, State(time.time(), "/mnt/x", 1, 1.0, 5, lease=held))
    assert standby_findings(static) == []
    save(
        data / STATE,
        State(time.time(), "/mnt/x", 1, 1.0, 5, lease=msgspec.structs.replace(held, problem="no answer")),
    )
    (found,) = standby_findings(static)
    assert (found.code, found.grade) == ("standby-lease", "error")
    assert "no answer. Without the lease, changes won't be acknowledged in 30 s." in found.detail


def test_a_take_over_that_did_not_reach_the_target_at_its_end_is_finished_later(tmp_path: Path, identity: Path) -> None:
    """STORE-186e, STORE-186j: all is in place; the error says how, and how far the databases came is not forgotten."""
    path = tmp_path / "config/moxlite.toml"
    path.parent.mkdir()
    path.write_text(settings(tmp_path, identity))
    (path.parent / "domains.toml").write_text(DOMAINS)
    snapshot, errors = check_files(*read_sources(path))
    assert snapshot is not None, errors
    snapshot.static.data_dir.mkdir(parents=True)
    target = tmp_path / "target"
    target.write_text("no folder")
    beginning = EpochStart(1.0, 1, {"mia": 7}, 3)
    with click.Context(click.Command("takeover")):
        with pytest.raises(Failure, match="When the target responds, run `moxlite standby takeover --yes"):
            takeover._claim(path, beginning)
        target.unlink()
        takeover._claim(path, None)
        assert read_beginning(Folder(target), 1) == beginning
        takeover._claim(path, None)
        assert read_beginning(Folder(target), 2) is None


def test_a_lease_needs_object_storage(tmp_path: Path, identity: Path) -> None:
    """STORE-186g: with another target the configuration is refused, and the hint names what a person can do."""
    path = tmp_path / "config/moxlite.toml"
    path.parent.mkdir()
    path.write_text(settings(tmp_path, identity) + "lease = true\n")
    (path.parent / "domains.toml").write_text(DOMAINS)
    _, errors = check_files(*read_sources(path))
    assert any("requires a target in object storage" in str(one) and "standby takeover" in str(one) for one in errors)
