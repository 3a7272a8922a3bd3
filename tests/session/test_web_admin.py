"""The admin app's service: hosts, log-in, sessions, guards of every call, overview."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import trio
import trio.testing

from moxlite.admin.doctor import sources
from moxlite.admin.doctor.findings import STATE, Night, addresses_of
from moxlite.admin.doctor.requests import QueueState, Running
from moxlite.encoding import to_json
from moxlite.findings import Finding, Grade
from moxlite.ledger import Kind, Refusals
from moxlite.logins.adminpassword import write_admin_password
from moxlite.web.admin import sessions as admin_sessions
from moxlite.web.admin.app import API
from moxlite.web.admin.calls.overview import flow_of
from moxlite.web.calls import calls_of
from tests.web_rig import ADMIN_PASSWORD, Browser, Rig, owner, visitor

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]


async def test_the_app_is_served_on_the_listeners_hosts_alone(rig: Rig) -> None:
    """WEB-22, WEB-23, WEB-132."""
    browser = visitor(rig)
    for host, status in (
        ("mail.example.org", 200),
        ("127.0.0.1", 200),
        ("localhost:1080", 200),
        ("[::1]:80", 200),
        ("imap.example.org", 404),
        ("www.example.org", 404),
        ("rebound.example", 404),
        ("bad host", 404),
    ):
        browser.host = host
        assert (await browser.fetch("/admin/")).status == status, host


async def test_the_document_has_a_strict_policy_and_the_owners_files(rig: Rig, tmp_path: Path) -> None:
    """WEB-29, WEB-30, WEB-31; WEBMAIL-143: in English for all."""
    browser = visitor(rig)
    answer = await browser.fetch("/admin/", headers={"accept-language": "de"})
    assert b'<html lang="en">' in answer.body
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert len(answer.body) <= 230_000
    (tmp_path / "config" / "webadmin.css").write_text(":root { --color: #123456; }")
    (tmp_path / "config" / "webadmin.js").write_text("window.moxliteBeforeDisplay = () => {};")
    again = (await browser.fetch("/admin/")).body.decode()
    assert "--color: #123456" in again
    assert again.index("window.moxliteBeforeDisplay = ()") < again.index('"use strict"')


@pytest.mark.parametrize("app", ["/admin/", "/webmail/", "/"])
async def test_licences_are_listed_without_log_in(rig: Rig, app: str) -> None:
    """WEB-32."""
    answer = await visitor(rig).fetch(f"{app}licenses.txt")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    for words in (b"MIT License", b"Lucide", b"\ntrio: ", b"\nmsgspec: "):
        assert words in answer.body


async def test_a_port_without_the_account_app_leads_to_the_admin_app(rig: Rig) -> None:
    """WEB-22, WEB-25, ADMIN-32: and a port with other apps leads to the admin app's own,
    unless a web server in front of this one has passed the request on.
    """
    alone = visitor(rig, port=82)
    answer = await alone.fetch("/")
    assert (answer.status, answer.headers["location"]) == (303, "/admin/")
    assert (await alone.fetch("/favicon.ico")).status == 200
    assert (await alone.fetch("/elsewhere")).status == 404
    answer = await alone.fetch("/admin")
    assert (answer.status, answer.headers["location"]) == (308, "/admin/")
    other = visitor(rig, port=83)
    other.host = "127.0.0.1:83"
    answer = await other.fetch("/admin/")
    assert (answer.status, answer.headers["location"]) == (303, "http://127.0.0.1:82/admin/")
    passed_on = await other.fetch("/admin/", headers={"x-forwarded-for": "192.0.2.1"})
    assert (passed_on.status, passed_on.headers.get("location")) == (404, None)
    assert (await visitor(rig).fetch("/")).status == 200  # the account app


async def test_the_password_opens_the_app_and_log_out_closes_it(rig: Rig) -> None:
    """WEB-51, WEB-52, WEB-60."""
    browser = visitor(rig)
    assert await browser.error("overview") == (401, "user:noAuth")
    token = await browser.call("login_prep")
    answer = await browser.post("login", {"login_token": token, "username": "", "password": ADMIN_PASSWORD})
    session = next(one for one in answer.cookies if one.startswith("adminsession="))
    assert {"Path=/admin/", "HttpOnly", "SameSite=Strict"} <= set(session.split("; "))
    browser.csrf = answer.json["result"]["csrf_token"]
    assert (await browser.call("overview"))["hostname"] == "mail.example.org"
    await browser.call("logout")
    assert await browser.error("overview") == (401, "user:noAuth")


async def test_a_wrong_password_is_refused_and_recorded(rig: Rig) -> None:
    """WEB-56, WEB-58, WEB-60."""
    browser = visitor(rig)
    token = await browser.call("login_prep")
    answer = await browser.post("login", {"login_token": token, "username": "", "password": "guess"})
    assert (answer.status, answer.json["error"]["message"]) == (401, "Wrong password.")
    assert await browser.error("login", login_token="other", username="", password=ADMIN_PASSWORD) == (
        400,
        "user:error",
    )
    await trio.testing.wait_all_tasks_blocked(0.1)
    found = await rig.auth.attempts.newest("(admin)")
    assert [(one.protocol, one.result) for one in found] == [("webadmin", "badpassword")]


async def test_without_a_password_file_the_form_names_the_command(rig: Rig, tmp_path: Path) -> None:
    """WEB-60."""
    (tmp_path / "config" / "adminpasswd").unlink()
    browser = visitor(rig)
    token = await browser.call("login_prep")
    answer = await browser.post("login", {"login_token": token, "username": "", "password": ADMIN_PASSWORD})
    assert "moxlite admin set-password" in answer.json["error"]["message"]


async def test_sessions_end_after_half_a_day_and_with_a_new_password(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-54, WEB-59: the texts say why."""
    browser = await owner(rig)
    clock = admin_sessions._now
    monkeypatch.setattr(admin_sessions, "_now", lambda: clock() + 11 * 3600 * 1_000_000)
    await browser.call("sessions")  # use extends it
    monkeypatch.setattr(admin_sessions, "_now", lambda: clock() + 22 * 3600 * 1_000_000)
    await browser.call("sessions")
    monkeypatch.setattr(admin_sessions, "_now", lambda: clock() + 35 * 3600 * 1_000_000)
    answer = await browser.post("sessions", {})
    assert (answer.status, answer.json["error"]["code"]) == (401, "user:badAuth")
    assert "after 12 hours of inactivity" in answer.json["error"]["message"]
    await browser.log_in("", ADMIN_PASSWORD)
    write_admin_password(tmp_path / "config" / "adminpasswd", "another password, much better")
    answer = await browser.post("sessions", {})
    assert answer.json["error"]["message"] == "The admin password was changed. Log in again."
    browser.cookies["adminsession"] = '"AAAAAAAAAAAAAAAAAAAAAA "'
    answer = await browser.post("sessions", {})
    assert "the server restarted, you have 10 newer sessions" in answer.json["error"]["message"]


async def test_ten_sessions_live_and_each_can_be_ended(rig: Rig) -> None:
    """WEB-54."""
    browsers = [await owner(rig) for _ in range(11)]
    assert await browsers[0].error("sessions") == (401, "user:badAuth")
    found = await browsers[10].call("sessions")
    assert (len(found), [one["own"] for one in found].count(True)) == (10, True)
    other = next(one for one in found if not one["own"])
    await browsers[10].call("session_end", session_id=other["id"])
    assert await browsers[10].error("session_end", session_id=other["id"]) == (404, "user:notFound")
    assert len(await browsers[10].call("sessions")) == 9


Break = Callable[[Rig, Browser], object]


async def _foreign_session(rig: Rig, browser: Browser) -> dict[str, str]:
    account = rig.browser(app="/")
    await account.log_in()
    value = account.cookies["accountsession"]
    browser.csrf = account.csrf
    return {"cookie": f"adminsession={value}"}


@pytest.mark.parametrize("case", ["session", "csrf", "nocsrf", "origin", "site", "host"])
async def test_every_call_refuses_what_is_not_the_owners(rig: Rig, case: str) -> None:
    """WEB-52, WEB-53, WEB-132: a session of another app, a wrong CSRF token, a page of elsewhere, a web handler's
    host.
    """
    browser = await owner(rig)
    headers: dict[str, str] = {}
    expected = {401}
    match case:
        case "session":
            headers = await _foreign_session(rig, browser)
        case "csrf":
            browser.csrf = "A" * 22
        case "nocsrf":
            browser.csrf = ""
        case "origin":
            headers, expected = {"origin": "https://elsewhere.example"}, {403}
        case "site":
            headers, expected = {"sec-fetch-site": "cross-site"}, {403}
        case "host":
            browser.host, expected = "www.example.org", {404}
    calls = calls_of(*API)
    assert len(calls) >= 6
    for name, entry in calls.items():
        if entry.public and case in ("session", "csrf", "nocsrf"):
            continue
        answer = await browser.post(name, {}, headers)
        assert answer.status in expected, name


def test_a_certificate_that_does_not_come_needs_attention_at_once() -> None:
    """ADMIN-70: the overview shows the server's own words, before any night; mail still flows."""
    order = Finding(grade="error", code="certificate-order", about="mx.example.org", text="no certificate")
    assert flow_of(Running("1", queue=QueueState(0, 0)), [order], examined=True) == "flowing"


@pytest.mark.parametrize(
    ("task", "flow"), [("smtpd.smtp 192.0.2.1 25", "none-in"), ("queue.scheduler", "none-out"), ("web.hsts", "flowing")]
)
def test_a_task_that_is_down_stops_mail(task: str, flow: str) -> None:
    """ADMIN-39a, ADMIN-70: the tasks without which none comes in, or goes out."""
    down = Finding(grade="error", code="task-down", about=task, text="down")
    assert flow_of(Running("1", queue=QueueState(0, 0)), [down], examined=True) == flow


@pytest.mark.parametrize(("grade", "flow"), [("error", "none-in"), ("warning", "flowing")])
def test_a_full_disk_stops_incoming_mail(grade: Grade, flow: str) -> None:
    """ADMIN-70: whatever the data directory is called."""
    full = Finding(grade=grade, code="disk-low", about="/var/lib/moxlite", text="not enough space")
    assert flow_of(Running("1", queue=QueueState(0, 0)), [full], examined=True) == flow


def test_mail_is_not_said_to_flow_before_the_first_examination() -> None:
    """ADMIN-70f: nothing known is not well; what is known to be wrong comes first."""
    running = Running("1", queue=QueueState(0, 0))
    assert flow_of(running, [], examined=False) == "unknown"
    full = Finding(grade="error", code="disk-low", about="/var/lib/moxlite", text="not enough space")
    assert flow_of(running, [full], examined=False) == "none-in"


def test_full_accounts_and_known_passwords_are_findings() -> None:
    """ADMIN-70, SMTP-57a, STORE-102a."""
    full, known = sources.nearly_full("me", 980 << 20, 1 << 30), sources.known_password("you", "192.0.2.9", 0)
    assert (full.grade, full.code, full.about) == ("warning", "quota-reached", "me")
    assert full.detail == "Storage used: 980 of 1024 MiB."
    assert (known.grade, known.code, known.about) == ("warning", "password-known", "you")
    assert "192.0.2.9" in known.text
    [weak] = sources.weak_passwords(["me", "you"])
    assert (weak.grade, weak.code, weak.commands[1]) == ("warning", "password-weak", "moxlite account set-password you")
    assert weak.text.startswith("2 accounts")


def test_a_refusal_for_lack_of_memory_is_a_finding() -> None:
    """STORE-198a, ADMIN-70."""
    assert {*sources.WORKS} == {*get_args(Kind)}
    one = sources.refused(Refusals("mia", "socket", 3, 0.0))
    assert (one.grade, one.code, one.about) == ("warning", "memory-short", "mia")
    assert one.text == "websocket messages rejected because of low memory: mia"
    assert "3" in one.detail


async def test_the_overview_says_what_is_wrong_and_where(rig: Rig, tmp_path: Path) -> None:
    """ADMIN-5, ADMIN-39a: certificates, disk, queue, and a mistake in the file with its line. ADMIN-70f: results of
    other addresses count as none.
    """
    browser = await owner(rig)
    found = await browser.call("overview")
    assert found["flow"] == "flowing"
    static = rig.holder.current.static
    for addresses, at in ((["192.0.2.99"], 0), (addresses_of(static), 1_700_000_000_000_000)):
        (static.data_dir / STATE).write_bytes(to_json(Night(1_700_000_000.0, [], addresses)))
        assert (await browser.call("overview"))["examined"] == at
    assert [one["names"] for one in found["certificates"]] == [["mail.example.org"]]
    assert found["certificates"][0]["own"] is True
    assert found["disk"]["size"] >= found["disk"]["free"] > 0
    assert (found["domains"], found["accounts"]) == (1, 2)
    assert found["config_problems"] == []
    assert [one["grade"] for one in found["findings"] if one["code"] == "backup-none"] == ["note"]
    path = tmp_path / "config" / "domains.toml"
    before = path.read_text()
    path.write_text(before + "\n[accounts.mia]\nnonsense = 1\n")
    await rig.holder.reload()
    problem = (await browser.call("overview"))["config_problems"][0]
    assert problem["file"].endswith("domains.toml")
    assert problem["line"] > before.count("\n")
    path.write_text(before.replace("[accounts.mia]\n", '[accounts.mia]\nforward_to = ["a@"]\n'))
    await rig.holder.reload()
    problem = (await browser.call("overview"))["config_problems"][0]
    assert (problem["about"], problem["text"]) == (
        "accounts.mia.forward_to[0]",
        "isn't a valid email address: bad domain syntax",
    )
    os.utime(path)
