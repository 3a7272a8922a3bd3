"""Alert rules and dashboard (ADMIN-58), and what block lists say of the server's own addresses (ADMIN-59)."""

import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from moxlite.admin.ownlistings import CONNECTIONS, PERIOD, SHORTEST, OwnListings, success
from moxlite.config.load import load
from moxlite.config.snapshot import Snapshot
from moxlite.net.resolver import FakeResolver, TempError
from tests.running import ServedServer
from tests.small_config import Changing
from tests.tools import free_port, need, slowness

pytestmark = [pytest.mark.integration, pytest.mark.served]

SUFFIXES = ("_bucket", "_sum", "_count")


@pytest.mark.nightly
def test_each_metric_of_rules_and_dashboard_exists(tmp_path: Path) -> None:
    """ADMIN-58: `config example alerts` and `dashboard` name metrics that are in /metrics of a server that has
    received and sent; promtool accepts the rules, and the names of all metrics. ADMIN-85: the text costs 50 ms at most
    each time.
    """
    port = free_port()
    static = f"metrics_http = {{ enabled = true, port = {port} }}"
    with ServedServer(tmp_path / "server", static=static) as server:
        server.cli("doctor", "--skip-dial", "--resolver", "127.0.0.1:9", "--send-to", "eve@example.org", check=False)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        before, slow = used(server.process.pid), slowness()
        for _ in range(10):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).close()
        assert (used(server.process.pid) - before) / 10 <= 0.05 * slow
        rules = server.cli("config", "example", "alerts").stdout
        board = server.cli("config", "example", "dashboard").stdout
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    named = set(re.findall(r"\b(?:moxlite|process)_[a-z0-9_]+", rules + board))
    assert len(named) > 25
    missing = {name for name in named if name not in known and _base(name) not in known}
    assert missing == set()
    assert len(json.loads(board)["panels"]) > 10
    size = float(re.search(r"^moxlite_disk_size_bytes (\S+)", text, re.MULTILINE)[1])  # type: ignore[index]
    assert size > 0
    path = tmp_path / "moxlite.rules.yml"
    path.write_text(rules)
    for what, stdin in (("rules", rules), ("metrics", text)):
        command = [need("promtool"), "check", what, *([str(path)] if what == "rules" else [])]
        checked = subprocess.run(command, check=False, capture_output=True, text=True, input=stdin)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def used(pid: int) -> float:
    """Seconds of processor time of a process (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _base(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


WATCHED = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "me"
mailbox = "Postmaster"
[listeners.public]
ips = ["8.8.8.8"]
smtp = { enabled = true, starttls = false, dnsbls = ["one.example"] }
"""

DOMAINS = """\
monitor_dnsbls = [{watched}]
[domains."example.org"]
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""


def snapshot(folder: Path, watched: str) -> Snapshot:
    (folder / "moxlite.toml").write_text(WATCHED)
    (folder / "domains.toml").write_text(DOMAINS.format(watched=watched))
    return load(folder / "moxlite.toml")[0]


def values() -> dict[tuple[str, str], float]:
    return {(labels["zone"], labels["ip"]): value for _, labels, value in success.samples()}


async def test_own_addresses_are_watched(tmp_path: Path, autojump_clock: MockClock) -> None:
    """ADMIN-59: lists of listeners and those for watching only are asked each 3 h, a second apart, and earlier after
    100 connections, but not within 5 minutes; a zone that is watched no longer loses its metric.
    """
    resolver = FakeResolver(
        {"A": {"8.8.8.8.two.example": ["127.0.0.2"]}}, failing={"8.8.8.8.three.example": TempError("away")}
    )
    both = snapshot(tmp_path, '"two.example", "three.example"')
    current = [both]
    listings = OwnListings(Changing(lambda: current[0]), resolver)

    def asked() -> int:
        return sum(name.startswith("8.8.8.8.one") for name, _ in resolver.asked)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listings.serve)
        await trio.sleep(10)
        assert values() == {
            ("one.example", "8.8.8.8"): 1,
            ("two.example", "8.8.8.8"): 0,
            ("three.example", "8.8.8.8"): -1,
        }
        assert asked() == 1
        for _ in range(CONNECTIONS):
            listings.connected()
        await trio.sleep(SHORTEST - 20)
        assert asked() == 1, "not within five minutes"
        await trio.sleep(30)
        assert asked() == 2
        await trio.sleep(PERIOD - 60)
        assert asked() == 2, "nothing was sent meanwhile"
        await trio.sleep(120)
        assert asked() == 3
        current[0] = snapshot(tmp_path, "")
        await trio.sleep(SHORTEST)
        listings.reconfigured(both, current[0])
        await trio.sleep(10)
        assert values() == {("one.example", "8.8.8.8"): 1}
        nursery.cancel_scope.cancel()
