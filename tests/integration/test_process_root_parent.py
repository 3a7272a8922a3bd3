"""A server that root starts: two processes, of which the one that serves has no rights, and the other reads renewed
certificates for it (ADMIN-36, 37, 41, WEB-120, 121).
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from moxlite.logins.adminpassword import write_admin_password
from moxlite.net.tls.certificates import self_signed
from moxlite.process.localserve import ADMIN_PASSWORD
from tests.admincalls import AdminCaller, Refusal
from tests.rootserver import UID, RootServer, hindrance, root_server
from tests.tools import RUNS, free_port, moxlite_command, until

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "-"),
]


@pytest.fixture
def server() -> Iterator[RootServer]:
    """Not started yet."""
    with root_server() as found:
        yield found


def status(pid: int) -> dict[str, list[str]]:
    """/proc/PID/status, as words by name."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: words.split() for name, _, words in (line.partition(":") for line in lines)}


def sockets(pid: int) -> set[str]:
    """Inodes of the sockets that a process has open."""
    links = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile: the server works on
            links.append(os.readlink(path))
    return {link[8:-1] for link in links if link.startswith("socket:")}


def of_internet() -> set[str]:
    """Inodes of all TCP and UDP sockets."""
    files = [Path("/proc/net") / name for name in ("tcp", "tcp6", "udp", "udp6")]
    return {line.split()[9] for file in files if file.exists() for line in file.read_text().splitlines()[1:]}


def as_service(program: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run Python code as the service user does, without any right."""
    return subprocess.run(
        ["/usr/bin/env", "python3", "-I", "-c", program, *map(str, args)],
        user=UID,
        group=UID,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
    )


def refused(program: str, *args: object) -> None:
    """The service user gets no permission for that."""
    done = as_service(program, *args)
    assert done.returncode != 0
    assert "PermissionError" in done.stderr, done.stderr


def test_who_serves_has_no_rights_and_who_has_rights_does_not_serve(server: RootServer) -> None:
    """ADMIN-36, WEB-120: the server has neither root nor a capability nor the key files; its parent is root, has no
    socket of the network, and costs a few MB.
    """
    server.start()
    parent, worker = server.process.pid, server.worker()
    found = status(worker)
    assert found["Uid"] == found["Gid"] == [str(UID)] * 4
    assert found["Groups"] == []
    assert {found[name][0] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert found["NoNewPrivs"] == ["1"]
    assert os.getsid(worker) == worker, "it could write to root's terminal"
    assert sockets(worker) & of_internet()
    for name in ("live/privkey.pem", "live/fullchain.pem"):
        refused("import sys; open(sys.argv[1])", server.tls / name)
    assert not any(str(server.tls) in os.readlink(path) for path in Path(f"/proc/{worker}/fd").iterdir())
    assert status(parent)["Uid"] == ["0"] * 4
    assert len(sockets(parent)) == 1
    assert not sockets(parent) & of_internet()
    rollup = Path(f"/proc/{parent}/smaps_rollup").read_text().splitlines()
    (private,) = [int(line.split()[1]) for line in rollup if line.startswith("Private_Dirty:")]
    assert private < (14 if RUNS else 8) * 1024, "kB of the parent's own; a frozen one has the table of its modules"


@pytest.mark.nightly
def test_a_renewed_certificate_comes_without_restart(server: RootServer) -> None:
    """WEB-121, ADMIN-36, ADMIN-39: by `tls reload`, and by a SIGHUP that systemd sends to the process that it knows;
    a new one that cannot be used leaves the old.
    """
    server.start()
    worker = server.worker()
    renewed = server.renew()
    assert server.shown() != renewed
    assert server.cli("tls", "reload").returncode == 0
    assert server.shown() == renewed
    another = server.renew()
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.shown() == another, what="the certificate after SIGHUP", pause=0.5)
    stranger = self_signed(["mx.moxlite.example"])
    server.put("fullchain.pem", stranger.certificate_pem(), stranger)
    done = server.cli("tls", "reload", check=False)
    assert done.returncode == 1
    assert "private key doesn't match the first certificate" in done.stderr
    (server.tls / "live/privkey.pem").unlink()
    done = server.cli("tls", "reload", check=False)
    assert done.returncode == 1
    assert f"can't read {server.tls / 'live/privkey.pem'}: No such file" in done.stderr
    assert server.shown() == another
    assert server.worker() == worker


@pytest.mark.nightly
def test_both_processes_end_together(server: RootServer) -> None:
    """ADMIN-36, ADMIN-39, ADMIN-41: an orderly stop, a server that is killed, a parent that is killed."""
    server.start()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0
    assert "stopped" in server.log()

    server.start()
    os.kill(server.worker(), signal.SIGKILL)
    assert server.process.wait(timeout=60) == -signal.SIGKILL

    server.start()
    worker = server.worker()
    server.process.kill()
    server.process.wait(timeout=60)
    until(lambda: not Path(f"/proc/{worker}").exists() or status(worker)["State"][0] == "Z", what="the server's end")
    assert "parent process exited" in server.log()
    assert "stopped" in server.log()
    server.start()


def once(server: RootServer) -> subprocess.CompletedProcess[str]:
    """Start it, for a start that fails."""
    return subprocess.run(
        [*moxlite_command(server.python), *server.command()],
        env=os.environ | server.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


LINKS = """\
import os, pathlib, sys
data, victim, folder = map(pathlib.Path, sys.argv[1:])
for name in ("receivedid.key", "lock", "version", "auth.db", "queue.db"):
    (data / name).unlink(missing_ok=True)
    (data / name).symlink_to(victim)
os.rename(data / "tmp", data / "tmp-before")
(data / "tmp").symlink_to(folder)
(data / "planted").symlink_to(victim)
(data / "planted-folder").symlink_to(folder)
"""


def test_a_server_that_was_taken_over_gains_nothing_by_links_and_a_restart(server: RootServer, tmp_path: Path) -> None:
    """ADMIN-37: what it can do as its user, then a restart by root: files of others stay as they are."""
    server.start()
    server.stop()
    folder = server.tls / "of-root"
    folder.mkdir(0o700)
    victim = folder / "secret"
    victim.write_text("not yours")
    victim.chmod(0o600)
    before = [(path.stat().st_uid, path.stat().st_mode, path.stat().st_ino) for path in (folder, victim)]
    refused("import sys; open(sys.argv[1], 'a')", server.config / "moxlite.toml")
    refused("import os, sys; os.rename(sys.argv[1], sys.argv[1] + '.old')", server.config / "moxlite.toml")
    refused("import os, sys; os.unlink(sys.argv[1])", server.config / "moxlite.toml")
    refused("import os, sys; os.rename(sys.argv[1], sys.argv[1] + '.old')", server.config)
    done = as_service(LINKS, server.data, victim, folder)
    assert done.returncode == 0, done.stderr
    process = once(server)
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    assert "symbolic" in process.stderr
    assert [(path.stat().st_uid, path.stat().st_mode, path.stat().st_ino) for path in (folder, victim)] == before
    assert victim.read_text() == "not yours"
    assert list(folder.iterdir()) == [victim]


@pytest.mark.nightly
def test_a_server_that_was_taken_over_gains_no_file_by_its_configuration(server: RootServer) -> None:
    """ADMIN-37: what domains.toml names is opened as the user that can write it; so is that file itself."""
    server.start()
    server.stop()
    key = server.tls / "dkim.pem"
    key.write_bytes(self_signed(["x"]).key_pem())
    key.chmod(0o600)
    domains = server.config / "domains.toml"
    text = domains.read_text()
    selector = f'[domains."example.org".dkim.selectors.a]\\nkey_file = "{key}"\\n'
    written = as_service(f"import sys; open(sys.argv[1], 'a').write('{selector}')", domains)
    assert written.returncode == 0, written.stderr

    process = once(server)
    assert process.returncode == 1
    assert f"can't read {key}: Permission denied" in process.stderr
    domains.write_text(text)
    as_service("import os, sys; os.unlink(sys.argv[1]); os.symlink(sys.argv[2], sys.argv[1])", domains, key)
    process = once(server)
    assert process.returncode == 1
    assert "domains.toml:1: can't be read by the service user: Permission denied" in process.stderr
    for command in (("config", "test"), ("store", "check"), ("config", "dnsrecords", "example.org"), ("doctor",)):
        done = server.cli(*command, check=False)
        assert done.returncode == 1
        assert "domains.toml:1: can't be read by the service user: Permission denied" in done.stdout + done.stderr, (
            command
        )
        assert "PRIVATE" not in done.stdout + done.stderr
    domains.unlink()
    domains.write_text(text.replace("[accounts", selector.replace("\\n", "\n") + "\n[accounts", 1))
    os.chown(domains, UID, UID)
    done = server.cli("config", "test", check=False)
    assert f"couldn't check {key}: this user can't read it" in done.stderr
    domains.unlink()
    domains.write_text(text)
    server.start()


def test_a_server_that_was_started_in_a_folder_of_root_makes_snapshots(
    server: RootServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-183: as by `moxlite serve` in the home of root, which its user may not enter."""
    home = tmp_path / "root"
    home.mkdir(0o700)
    monkeypatch.chdir(home)
    server.start()
    repository = server.data.parent / "repository"
    repository.mkdir()
    os.chown(repository, UID, UID)
    server.cli("backup", "--repo", str(repository))
    server.cli("backup", "verify", "--repo", str(repository), "--deep")


@pytest.mark.nightly
def test_commands_of_root_on_a_stopped_server_act_as_its_user(server: RootServer) -> None:
    """ADMIN-37a: what they make is the server's to use; a planted link leads nowhere that its user could not go, and a
    place where that user may not write is refused, with what opens it.
    """
    closed = server.tls / "backup"
    opens = f"Permission denied (install -d -o USER -m 0750 {closed}, where USER is the server's user)\n"
    server.start()
    assert server.cli("backup", str(closed), check=False).stderr.endswith(opens)
    server.stop()
    out = server.tls.parent / "out"
    out.mkdir(0o777)
    out.chmod(0o777)
    box = out / "mail.mbox"
    box.write_text("From a@b Thu Oct  1 10:00:00 2026\nSubject: kept\n\nhello\n")
    box.chmod(0o644)
    for command in (
        ("store", "check", "--deep", "bob"),
        ("import", "mbox", "bob", "Inbox", str(box)),
        ("store", "fix-counts", "bob"),
        ("account", "recover", "bob", "--out", str(out / "rescued")),
        ("export", "mbox", str(out / "exported"), "bob"),
        ("backup", str(out / "backup")),
    ):
        done = server.cli(*command, check=False)
        assert done.returncode == 0, done.stderr
    made = [server.data, *server.data.rglob("*"), *out.glob("*/**/*")]
    assert {path.lstat().st_uid for path in made} == {UID}
    assert len(made) > 15
    done = server.cli("backup", str(closed), check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(opens)

    victim = server.tls / "of-root"
    victim.write_text("not yours")
    swap = "import os, sys; os.unlink(sys.argv[1]); os.symlink(sys.argv[2], sys.argv[1])"
    for name in ("lock", "accounts/bob/account.db"):
        assert as_service(swap, server.data / name, victim).returncode == 0
        done = server.cli("store", "fix-counts", "bob", check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert (victim.read_text(), victim.stat().st_uid) == ("not yours", 0)
        (server.data / name).unlink()
    server.start()


@pytest.mark.nightly
def test_a_second_server_is_refused_while_the_first_goes_on(server: RootServer) -> None:
    """ADMIN-41: also its parent holds nothing: after a stop by the control socket the next one can start at once."""
    server.start()
    worker = server.worker()
    second = once(server)
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert server.worker() == worker
    assert server.cli("stop").returncode == 0
    server.start()


@pytest.mark.nightly
@pytest.mark.skipif(bool(RUNS), reason="it is about a script that starts Python")
def test_as_the_first_process_of_a_container(server: RootServer) -> None:
    """ADMIN-42, ADMIN-36: an orderly stop, and an exit code that is not 0 where the server was killed, though no signal
    ends a first process.
    """
    first = server.folder.with_name("first")
    first.write_text(f'#!/bin/sh\nexec unshare --pid --fork {server.python} "$@"\n')
    first.chmod(0o755)
    server.python = str(first)
    server.start()
    _, parent, _ = server.pids()
    os.kill(parent, signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0
    assert "stopped" in server.log()

    server.start()
    _, parent, worker = server.pids()
    assert status(parent)["NSpid"][-1] == "1"
    os.kill(worker, signal.SIGKILL)
    assert server.process.wait(timeout=60) == 128 + signal.SIGKILL


def test_the_administrator_logs_in_to_a_server_that_gave_up_root(server: RootServer) -> None:
    """WEB-60, ADMIN-37: a password file made by root, as by quickstart, is the service user's after the start; the
    app replaces it. `moxlite admin set-password` by root gives the new file to that user, and follows no link that the
    user has put there.
    """
    port, password = free_port(), server.config / "adminpasswd"
    path = server.config / "moxlite.toml"
    text = path.read_text().replace("[postmaster]", 'admin_password_file = "adminpasswd"\n[postmaster]')
    path.write_text(f"{text}admin_http = {{ enabled = true, port = {port} }}\n")
    write_admin_password(password, ADMIN_PASSWORD)
    server.start()
    assert (password.stat().st_uid, password.stat().st_mode & 0o777) == (UID, 0o600)
    owner = AdminCaller(port)
    owner.log_in()
    owner.call("password_change", password="another long one")
    with pytest.raises(Refusal, match="401"):
        owner.log_in()

    kept = server.folder.with_name("kept")
    kept.write_text("root's own")
    kept.chmod(0o600)
    planted = as_service("import os, sys; os.unlink(sys.argv[1]); os.symlink(sys.argv[2], sys.argv[1])", password, kept)
    assert planted.returncode == 0, planted.stderr
    done = server.cli("admin", "set-password", stdin="a third long one\n")
    assert done.returncode == 0, done.stderr
    assert kept.read_text() == "root's own"
    assert (password.is_symlink(), password.stat().st_uid, password.stat().st_mode & 0o777) == (False, UID, 0o600)
    owner.password = "a third long one"
    owner.log_in()
    password.chmod(0)
    os.chown(password, 0, 0)
    with pytest.raises(Refusal, match="moxlite admin set-password"):
        owner.log_in()
