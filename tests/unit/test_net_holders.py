"""Whose a port is, by /proc (ADMIN-29a, ADMIN-66)."""

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from moxlite.admin import takenports
from moxlite.net import holders
from moxlite.net.holders import Holder, holder_of

IP = ip_address("192.0.2.1")
LISTENING = "0: 010200C0:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1"


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel's, in which 192.0.2.1 port 25 is listened at."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(f"  sl  local_address\n  {LISTENING}\n")
    monkeypatch.setattr(holders, "PROC", tmp_path)
    return tmp_path


def start(proc: Path, process: str, name: str, program: str, group: str, *, parent: int = 1) -> None:
    """A process that has the socket."""
    folder = proc / process
    (folder / "fd").mkdir(parents=True)
    (folder / "fd/3").symlink_to("socket:[4711]")
    (folder / "comm").write_text(f"{name}\n")
    (folder / "exe").symlink_to(program)
    (folder / "cgroup").write_text(group)
    (folder / "stat").write_text(f"{process} ({name}) S {parent} 1 1 0")


@pytest.mark.parametrize(
    ("name", "program", "group", "holder"),
    [
        (
            "master",
            "/usr/lib/postfix/sbin/master",
            "0::/system.slice/system-postfix.slice/postfix@-.service\n",
            Holder("Postfix", "812", "postfix"),
        ),
        (
            "master",
            "/usr/libexec/postfix/master",
            "0::/system.slice/postfix.service",
            Holder("Postfix", "812", "postfix"),
        ),
        (
            "exim4",
            "/usr/sbin/exim4",
            "3:cpu:/\n1:name=systemd:/system.slice/exim4.service\n",
            Holder("exim4", "812", "exim4"),
        ),
        ("app", "/opt/app", "0::/system.slice/app.service/payload/x.service\n", Holder("app", "812", "app")),
        ("sshd", "/usr/sbin/sshd", "0::/user.slice/user-0.slice/session-1.scope\n", Holder("sshd", "812", "")),
        ("app", "/opt/app", "0::/user.slice/user@1000.service/app.slice/app.service\n", Holder("app", "812", "")),
        ("a\x1bb", "/opt/app", "0::/\n", Holder("a?b", "812", "")),
    ],
)
def test_a_program_is_named_with_its_service(proc: Path, name: str, program: str, group: str, holder: Holder) -> None:
    """ADMIN-29a: by either version of control groups; a user's own service isn't the system's."""
    start(proc, "812", name, program, group)
    assert holder_of(IP, 25) == holder
    assert holder_of(IP, 26) is None


def test_a_main_process_comes_before_those_that_it_started(proc: Path) -> None:
    """ADMIN-29a: what a service runs for something else, as a container's port, doesn't end with a service."""
    docker = "0::/system.slice/docker.service\n"
    start(proc, "70", "docker-proxy", "/usr/bin/docker-proxy", docker, parent=60)
    assert holder_of(IP, 25) == Holder("docker-proxy", "70", "")
    start(proc, "90", "nginx", "/usr/sbin/nginx", "0::/system.slice/nginx.service\n")
    assert holder_of(IP, 25) == Holder("nginx", "90", "nginx")


def test_what_may_be_stopped_comes_with_the_command(
    proc: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ADMIN-29a: a web server is more often kept; our own service isn't disabled; a sendmail that is ours stays."""
    sendmail = tmp_path / "sendmail"
    monkeypatch.setattr(takenports, "SENDMAIL", sendmail)
    start(proc, "90", "exim4", "/usr/sbin/exim4", "0::/system.slice/exim4.service\n")
    taken = takenports.look(IP, 25)
    assert (taken.command, taken.advice) == ("systemctl disable --now exim4", "")
    (tmp_path / "exim4").touch(mode=0o755)
    sendmail.symlink_to("exim4")
    assert "moxlite help docs/queue.md" in takenports.look(IP, 25).advice
    sendmail.unlink()
    (tmp_path / "moxlite").touch(mode=0o755)
    sendmail.symlink_to("moxlite")
    assert takenports.look(IP, 25).advice == ""
    (proc / "90/cgroup").write_text("0::/system.slice/moxlite.service\n")
    assert takenports.look(IP, 25).command == ""
    (proc / "90/cgroup").write_text("0::/system.slice/nginx.service\n")
    (proc / "net/tcp").write_text(f"  sl\n  {LISTENING.replace(':0019', ':0050')}\n")
    web = takenports.look(IP, 80)
    assert (web.holder, web.command) == (Holder("exim4", "90", "nginx"), "")
    assert web.listing == "ss -ltnp 'sport = :80'"


def test_who_may_not_look_learns_nothing(proc: Path) -> None:
    """ADMIN-66: of another user's process; without /proc of no one's."""
    start(proc, "812", "exim4", "/usr/sbin/exim4", "0::/\n")
    (proc / "812/fd/3").unlink()
    os.rename(proc / "812/fd", proc / "812/gone")
    assert holder_of(IP, 25) is None
    (proc / "net/tcp").unlink()
    assert holder_of(IP, 25) is None
