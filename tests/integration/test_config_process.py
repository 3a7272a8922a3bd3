"""The configuration of a running server: one with many domains and accounts, and saves that kill -9 cuts short."""

import os
import signal
import tomllib
from pathlib import Path

import pytest

from tests.running import ServedServer
from tests.tools import slowness, top

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.starts]

DOMAINS, ACCOUNTS = 200, 1000


def used(pid: int) -> float:
    """Seconds of processor time of a process (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.nightly
def test_many_domains_and_accounts_cost_little(tmp_path: Path) -> None:
    """ADMIN-81, ADMIN-82: with 200 domains and 1,000 accounts the start takes 3 s at most, and a change by the command
    line costs the server half a second at most; in processor time, as other programs use this machine, too.
    """
    domains = "".join(f'[domains."d{number}.example"]\n' for number in range(DOMAINS))
    accounts = "".join(
        f'[accounts.a{number}]\ndomain = "d{number % DOMAINS}.example"\n'
        f'[accounts.a{number}.destinations."a{number}@d{number % DOMAINS}.example"]\n'
        for number in range(ACCOUNTS)
    )
    server = ServedServer(tmp_path / "server", domains=domains + accounts)
    slow = slowness()
    server.start()
    try:
        began = used(server.process.pid)
        assert began <= 3 * slow
        server.cli("config", "address", "add", "new@d7.example", "a7")
        assert used(server.process.pid) - began <= 0.5 * slow
        assert server.cli("config", "address", "account", "new@d7.example").stdout == "a7\n"
    finally:
        server.stop()


KILLER = """\
import os, pathlib, signal
step = os.environ["DIE_AT"]
def die(where):
    if where == step:
        os.kill(os.getpid(), signal.SIGKILL)
fsync, replace, opened = os.fsync, pathlib.Path.replace, set()
def is_config(path):
    return ".domains.toml." in str(path)
def killing_fsync(fd):
    ours = is_config(os.readlink(f"/proc/self/fd/{fd}"))
    if ours:
        die("before it is on the disk")
    fsync(fd)
    if ours:
        die("before the rename")
def killing_replace(self, target):
    found = replace(self, target)
    if is_config(self):
        die("after the rename")
    return found
os.fsync, pathlib.Path.replace = killing_fsync, killing_replace
"""
"""sitecustomize.py, by which the server ends at a step of a save."""


def test_a_save_that_is_killed_can_be_repeated(tmp_path: Path) -> None:
    """ADMIN-6, ADMIN-62: kill -9 at each step: the file is the old one or the new one, whole, and the server starts."""
    killer = tmp_path / "killer"
    killer.mkdir()
    (killer / "sitecustomize.py").write_text(KILLER)
    server = ServedServer(tmp_path / "server")
    path = server.folder / "config/domains.toml"
    for number, (step, there) in enumerate(
        (("before it is on the disk", False), ("before the rename", False), ("after the rename", True))
    ):
        before, address = path.read_text(), f"new{number}@example.org"
        server.environment = {"PYTHONPATH": f"{killer}:{top()}", "DIE_AT": step}
        server.start()
        server.environment = {}
        done = server.cli("config", "address", "add", address, "bob", check=False)
        assert done.returncode == 3, f"{step}: the server is gone"
        assert server.process.wait(timeout=60) == -signal.SIGKILL
        assert (path.read_text() == before) is not there, step
        assert (address in tomllib.loads(path.read_text())["accounts"]["bob"]["destinations"]) is there
    server.start()
    try:
        for number in range(2):
            server.cli("config", "address", "add", f"new{number}@example.org", "bob")
        found = server.cli("config", "account", "addresses", "bob").stdout
        assert all(f"new{number}@example.org" in found for number in range(3))
    finally:
        server.stop()
