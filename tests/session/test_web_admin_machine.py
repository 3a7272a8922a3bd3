"""The admin app's calls about own addresses, transports, log, configuration, metrics, backups: each right and wrong."""

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.logins.adminpassword import write_admin_password
from moxlite.net import log
from moxlite.net.log import bind_cid
from moxlite.net.resolver import FakeResolver
from tests.web_rig import ADMIN_DOMAINS, ADMIN_PASSWORD, ADMIN_STATIC, Browser, Rig, open_rig, owner, serving

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]

SECRETS = """
[transports.relay.submission]
host = "relay.example.org"
auth = { username = "us", password = "relay-secret" }

[backup]
schedule = "24h"
target = "BACKUPS"
"""

HOOK = """
[accounts.mia.outgoing_webhook]
url = "https://user:url-secret@hooks.example.org/"
authorization = "Bearer hook-secret"
"""


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    static = ADMIN_STATIC + SECRETS.replace("BACKUPS", str(tmp_path / "backups"))
    async with serving(tmp_path, app="/admin/", static=static, domains=ADMIN_DOMAINS + HOOK) as found:
        yield found


async def test_transports_are_shown_without_passwords(rig: Rig, browser: Browser) -> None:
    """WEB-87, WEB-88: with the routes that choose them, which are changed in a form."""
    before = (await browser.call("settings", path=[]))["values"]
    await browser.call("settings_save", path=[], before=before, after=before | {"routes": [{"transport": "relay"}]})
    (found,) = await browser.call("transport_list")
    assert (found["name"], found["method"], found["used"]) == ("relay", "submission", ["all mail"])
    assert found["settings"]["auth"]["password"] == "(secret)"
    assert found["settings"]["host"] == "relay.example.org"
    now = (await browser.call("settings", path=[]))["values"]
    wrong = {"path": [], "before": now, "after": now | {"routes": [{"transport": "nowhere"}]}}
    answer = await browser.post("settings_save", wrong)
    assert [one["field"] for one in answer.json["error"]["fields"]] == ["routes[0].transport"]


async def test_both_files_are_shown_without_secrets(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-88: as text and as effective, also while the text on disk has a mistake."""
    static = await browser.call("config_file", file="moxlite.toml")
    assert 'password = "(secret)"' in static["text"]
    assert 'user = "us"' not in static["text"]
    assert 'log_level = "info"' in static["effective"]  # a default
    path = tmp_path / "config" / "domains.toml"
    domains = await browser.call("config_file", file="domains.toml", search="mia")
    assert 'authorization = "(secret)"' in domains["text"]
    assert "max_outgoing_messages_per_day = 1000" in domains["effective"]
    assert "[accounts.tom]" not in domains["effective"]
    assert domains["left_out"] > 0
    assert domains["current"]
    path.write_text(path.read_text() + "\n[broken\n")
    broken = await browser.call("config_file", file="domains.toml")
    assert not broken["current"]
    for one in (static, domains, broken):
        for secret in ("relay-secret", "url-secret", "hook-secret"):
            assert secret not in one["text"] + one["effective"]
    assert await browser.error("config_file", file="/etc/passwd") == (400, "user:error")


async def test_log_levels_are_seen_and_changed(browser: Browser) -> None:
    """WEB-88, ADMIN-55: while the server runs; a package without its own level follows that of all."""
    levels = {one["pkg"]: one["level"] for one in await browser.call("log_levels")}
    assert levels[""] in log.LEVELS
    assert levels["smtpd"] == ""
    await browser.call("log_level_set", pkg="smtpd", level="debug")
    assert {one["pkg"]: one["level"] for one in await browser.call("log_levels")}["smtpd"] == "debug"
    await browser.call("log_level_set", pkg="smtpd", level="")
    assert log.levels().get("smtpd") is None
    assert await browser.error("log_level_set", pkg="nonsense", level="debug") == (400, "user:error")
    assert await browser.error("log_level_set", pkg="smtpd", level="loud") == (400, "user:error")
    assert await browser.error("log_level_set", pkg="", level="") == (400, "user:error")


async def test_an_id_leads_to_its_lines(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-88, SMTP-9: from memory, or from the log file; never lines with credentials."""
    handler, logger = rig.house.started.log_handler, logging.getLogger("moxlite.smtpd.session")
    cid = 0x18C3F
    for level, words in ((logging.ERROR, "in this one"), (log.TRACEAUTH, "a password")):
        with bind_cid(cid):
            handler.handle(logger.makeRecord(logger.name, level, "", 0, words, (), None))
    with bind_cid(cid + 1):
        handler.handle(logger.makeRecord(logger.name, logging.ERROR, "", 0, "in another one", (), None))
    opaque = rig.house.services.received_id.encode(cid)
    for wanted in (opaque, f" {cid:x} "):
        found = await browser.call("log_of", received_id=wanted)
        assert (found["cid"], found["file"]) == (f"{cid:x}", "")
        assert [one["level"] for one in found["lines"]] == ["error"]
        assert "in this one" in found["lines"][0]["text"]
    recent = await browser.call("log_recent", least="error", words="IN this")
    assert len(recent["lines"]) == 1
    for wrong in ("x" * 22, "nothing", ""):
        answer = await browser.post("log_of", {"received_id": wrong})
        assert answer.json["error"]["fields"][0]["field"] == "received_id"
    handler.path = tmp_path / "moxlite.log"
    handler.path.write_text(
        f't=x l=info m="one" pkg=smtpd cid={cid:x} a=b\n  Traceback of one\n'
        f't=x l=traceauth m="two" pkg=smtpd cid={cid:x}\nt=x l=info m="three" pkg=smtpd cid={cid:x}0\n'
    )
    found = await browser.call("log_of", received_id=opaque)
    assert [one["text"] for one in found["lines"]] == [
        f't=x l=info m="one" pkg=smtpd cid={cid:x} a=b\n  Traceback of one'
    ]
    assert (found["file"], found["whole"]) == (str(handler.path), True)
    handler.path.unlink()
    found = await browser.call("log_of", received_id=opaque)
    assert found["problem"].endswith("No such file or directory")
    assert len(found["lines"]) == 1
    handler.path = None


async def test_metrics_are_listed(browser: Browser) -> None:
    """WEB-88: of histograms sums and numbers."""
    found = {one["name"]: one for one in await browser.call("metrics")}
    assert found["moxlite_disk_free_bytes"]["samples"][0]["value"] > 0
    times = found["moxlite_admin_api_seconds"]
    assert times["kind"] == "histogram"
    assert any(one["labels"]["call"] == "login" and one["count"] > 0 for one in times["samples"])
    assert all(one["about"] for one in found.values())


async def backed_up(browser: Browser, done: Callable[[Any], bool]) -> Any:
    """Backups, once they are as `done` wants them."""
    with trio.fail_after(20):
        while True:
            if done(found := await browser.call("backups")):
                return found
            await trio.sleep(0.05)


async def test_backups_are_listed_and_made(rig: Rig, browser: Browser, tmp_path: Path) -> None:
    """WEB-88, STORE-183: one at a time; what went wrong is told."""
    found = await backed_up(browser, lambda found: found["snapshots"] != [])  # the scheduled one
    assert (found["target"], found["interval"], found["run"]) == (str(tmp_path / "backups"), 86_400_000_000, None)
    await browser.call("backup_run")
    found = await backed_up(browser, lambda found: found["run"]["ended"] > 0)
    assert found["run"]["errors"] == []
    assert found["run"]["octets"] > 0
    assert len(found["snapshots"]) == 2
    assert found["snapshots"][0]["created"] > found["snapshots"][1]["created"]
    assert found["last"] > 0
    assert not found["running"]
    for one in (tmp_path / "backups").iterdir():
        if one.is_file():
            one.unlink()
    await browser.call("backup_run")
    found = await backed_up(browser, lambda found: found["run"]["ended"] > 0)
    assert found["run"]["errors"] != []


async def test_own_addresses_are_looked_up(tmp_path: Path) -> None:
    """WEB-87, ADMIN-59, AUTH-60: on each list, and their reverse names."""
    static = ADMIN_STATIC.replace("[listeners.local]", '[listeners.public]\nnat_ips = ["93.184.216.34"]')
    dns = FakeResolver(
        {
            "A": {"34.216.184.93.list.example": ["127.0.0.2"], "mail.example.org": ["93.184.216.34"]},
            "TXT": {"34.216.184.93.list.example": ["\u202espam<b>"]},
            "PTR": {"34.216.184.93.in-addr.arpa": ["mail.example.org."]},
        },
        failing=["34.216.184.93.silent.example"],
    )
    domains = 'monitor_dnsbls = ["list.example", "silent.example"]\n' + ADMIN_DOMAINS
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, static=static, domains=domains, resolver=dns)
        write_admin_password(tmp_path / "config" / "adminpasswd", ADMIN_PASSWORD)
        browser = await owner(rig)
        found = await browser.call("own_addresses")
        assert (found["hostname"], found["known"], found["ips"]) == ("mail.example.org", True, ["93.184.216.34"])
        listed = await browser.call("listing_check", zone="list.example", ip="93.184.216.34")
        assert (listed["status"], listed["explanation"]) == ("fail", "spam<b>")
        assert listed["at"] > 0
        silent = await browser.call("listing_check", zone="silent.example", ip="93.184.216.34")
        assert (silent["status"], silent["problem"]) == ("temperror", "made to fail")
        known = (await browser.call("own_addresses"))["listings"]
        assert [(one["zone"], one["status"]) for one in known] == [
            ("list.example", "fail"),
            ("silent.example", "temperror"),
        ]
        result = await browser.call("reverse_lookup", ip="93.184.216.34")
        assert (result["status"], result["name"]) == ("pass", "mail.example.org")
        assert (await browser.call("reverse_lookup", ip="192.0.2.1"))["status"] == "permerror"
        answer = await browser.post("reverse_lookup", {"ip": "no address"})
        assert answer.json["error"]["fields"][0]["field"] == "ip"
        assert await browser.error("listing_check", zone="x.example", ip="93.184.216.34") == (404, "user:notFound")
        assert await browser.error("listing_check", zone="list.example", ip="192.0.2.1") == (404, "user:notFound")
        nursery.cancel_scope.cancel()


async def test_localserve_looks_nothing_up(browser: Browser) -> None:
    """WEB-87: and says so."""
    assert not (await browser.call("own_addresses"))["asks"]
    for name, parameters in (
        ("reverse_lookup", {"ip": "192.0.2.1"}),
        ("listing_check", {"zone": "x.example", "ip": "192.0.2.1"}),
    ):
        answer = await browser.post(name, parameters)
        assert (answer.status, "localserve" in answer.json["error"]["message"]) == (503, True)


async def test_the_second_machine_is_told_and_handed_to(rig: Rig, browser: Browser) -> None:
    """STORE-186n: without one the page says so, and a handover is refused in words."""
    found = await browser.call("second_machine")
    assert found == {"target": "", "lease": False, "well": False, "words": []}
    answer = await browser.post("standby_handover", {})
    assert "turn on standby.lease first" in answer.json["error"]["message"]
