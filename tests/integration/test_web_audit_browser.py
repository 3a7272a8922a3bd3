"""The audit log in a real browser and on the command line of a real server; a kill while changes are made."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.admincalls import AdminCaller, Refusal
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_admin_browser import go, log_in
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

HOSTILE = "\u202egnp.exe<img src=x onerror=window.hacked=1>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server on which the command line and the admin app have changed something, and something was refused."""
    with LocalServer(tmp_path_factory.mktemp("audit") / "server") as found:
        found.cli("config", "account", "disable", "moxlite", "gone sailing")
        found.cli("config", "account", "enable", "moxlite")
        found.cli("config", "account", "add", "moxlite", "x@localhost", check=False)
        owner = AdminCaller(found.port(80))
        owner.log_in()
        owner.call("config_address_add", account="moxlite", address="sales@localhost")
        before = owner.call("settings", path=["accounts", "moxlite"])["values"]
        owner.call(
            "settings_save", path=["accounts", "moxlite"], before=before, after=before | {"description": HOSTILE}
        )
        yield found
        assert panics(found) == 0, found.log()


@pytest.mark.nightly
def test_the_command_line_lists_what_was_changed(server: LocalServer) -> None:
    """WEB-160: without an option, newest first; by way, words and number; as JSON with old and new values."""
    lines = server.cli("audit", "list").stdout.splitlines()
    assert ["config address add" in one for one in lines].count(True) == 1
    places = [
        next(i for i, line in enumerate(lines) if one in line) for one in ("address add", "account add", "enable")
    ]
    assert places == sorted(places)
    assert "\u202e" not in "".join(lines)
    rows = json.loads(server.cli("audit", "list", "--via", "cli", "--json").stdout)
    assert [one["action"] for one in rows] == ["config account add", "config account enable", "config account disable"]
    assert [one["outcome"] for one in rows] == ["refused", "done", "done"]
    assert "already" in rows[0]["why"]
    change = {"path": "accounts.moxlite.login_disabled", "before": None, "after": "gone sailing"}
    assert change in rows[2]["changes"]
    [row] = json.loads(server.cli("audit", "list", "--via", "webadmin", "sales", "--json").stdout)
    assert (row["actor"], row["remote_ip"]) == ("(admin)", "127.0.0.1")
    newest = json.loads(server.cli("audit", "list", "-n", "1", "--json").stdout)
    older = json.loads(server.cli("audit", "list", "--before", str(newest[0]["id"]), "--json").stdout)
    assert len(older) == 4
    assert json.loads(server.cli("audit", "list", "--actor", "(editor)", "--json").stdout) == []
    assert server.cli("audit", "list", "--via", "elsewhere", check=False).returncode == 2


def test_the_page_shows_who_changed_what(chromium: Browser, server: LocalServer) -> None:
    """WEB-160, WEB-90: with both values, strangers' text as text; a filter has its own address; it is exported."""
    visitor = Visitor(chromium, server)
    log_in(visitor)
    page = go(visitor, "audit")
    rows = page.locator("tbody tr")
    expect(rows.filter(has_text="settings changed")).to_contain_text("[U+202E]gnp.exe<img")
    expect(rows.filter(has_text="config account disable")).to_contain_text("gone sailing")
    expect(rows.filter(has_text="config account add")).to_contain_text("rejected")
    assert page.evaluate("window.hacked") is None
    go(visitor, "audit?via=webadmin")
    expect(rows.filter(has_text="config address add")).to_have_count(1)
    expect(rows.filter(has_text="config account")).to_have_count(0)
    page.go_back()
    expect(rows.filter(has_text="config account disable")).to_have_count(1)
    with page.expect_download() as found:
        page.get_by_role("button", name="Export as CSV").click()
    text = Path(found.value.path()).read_text()
    assert text.startswith("id,at,actor,via,remote_ip,action,object,outcome,detail")
    visitor.close()


def wait_for_more(made: list[str], count: int) -> None:
    """Wait until so many changes more are made."""
    wanted = len([one for one in made if one]) + count
    until(lambda: len([one for one in made if one]) >= wanted, seconds=120, what=f"{count} more changes")


@pytest.mark.parametrize("kills", [pytest.param(1, id="smoke"), pytest.param(20, id="many")])
@pytest.mark.landing("smoke")
def test_a_kill_leaves_log_and_history_whole(tmp_path: Path, kills: int) -> None:
    """WEB-160, WEB-86b: every change that was answered has its row; at worst the one under way says ``begun``; days and
    samples are read as before.
    """
    with LocalServer(tmp_path / "server") as server:
        made: list[str] = []
        over = threading.Event()

        def work() -> None:
            number, owner = 0, AdminCaller(server.port(80))
            while not over.is_set():
                number += 1
                try:
                    if number == 1 or not made or made[-1] == "":
                        owner.log_in()
                    address = f"a{number}@localhost"
                    owner.call("config_address_add", account="moxlite", address=address)
                    made.append(address)
                except (OSError, ValueError, http.client.HTTPException, Refusal):
                    made.append("")
                    time.sleep(0.05)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            for _ in range(kills):
                wait_for_more(made, 5)
                server.kill()
                server.start()
        finally:
            over.set()
            thread.join(timeout=120)
        owner = AdminCaller(server.port(80))
        owner.log_in()
        entries = [json.loads(one) for one in owner.call("audit_export", filter={}, form="json").splitlines()]
        told = {one["given"].get("address") for one in entries}
        assert {one for one in made if one} <= told
        assert len([one for one in entries if one["outcome"] == "begun"]) <= kills
        there = {one["address"] for one in owner.call("account", name="moxlite")["addresses"]}
        assert there - {server.user} <= told | {"sales@localhost"}
        assert len(owner.call("history", days=30)["series"]) > 0
        owner.call("queue_history")
        assert server.cli("store", "check").returncode == 0
