"""Setting up a device by a one-time link (WEB-126a)."""

import logging
import plistlib
from typing import Any
from urllib.parse import urlencode

import pytest
import trio

from moxlite.store.auth.apppasswords import app_passwords
from moxlite.web.account import devices
from tests.browsing import ADDRESS, Browser
from tests.web_rig import Rig, rig

pytestmark = pytest.mark.served

__all__ = ["rig"]


@pytest.fixture
async def browser(rig: Rig) -> Browser:
    """A browser that is logged in to the account app."""
    found = rig.browser(app="/")
    await found.log_in()
    return found


async def link(browser: Browser, name: str = "phone") -> str:
    """The secret of a new link."""
    made = await browser.call("device_start", name=name)
    url, _, secret = made["url"].partition("#setup/")
    assert url.endswith("/")
    assert len(secret) == 22
    assert made["qr"]["size"] >= 21 + 8
    assert made["qr"]["path"].startswith("M4 4.5h7")
    return str(secret)


async def profile(device: Browser, claim: str) -> Any:
    """The answer to the download of the profile."""
    form = urlencode({"claim": claim}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await device.fetch("/device/profile", method="POST", headers=headers, body=form)


async def test_a_device_gets_its_password_after_a_yes_on_the_logged_in_page(
    rig: Rig, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """WEB-126a: link, button, question, yes, profile, mail; nothing of the secrets in the log."""
    caplog.set_level(logging.DEBUG)
    secret = await link(browser)
    device = rig.browser(app="/", remote="198.51.100.7")
    claim = await device.call("device_open", link=secret)
    assert (await device.call("device_look", claim=claim))["password"] == ""
    assert (await profile(device, claim)).status == 409
    asked = await browser.call("device_state")
    assert (asked["state"], asked["remote_ip"]) == ("asking", "198.51.100.7")
    await browser.call("device_answer", yes=True)
    found = await device.call("device_look", claim=claim)
    assert (found["state"], found["program"]["username"]) == ("ready", ADDRESS)
    answer = await profile(device, claim)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    (payload,) = plistlib.loads(answer.body)["PayloadContent"]
    assert payload["IncomingPassword"] == found["password"]
    assert payload["EmailAddress"] == ADDRESS
    (item,) = await browser.call("app_password_list")
    assert (item["name"], item["scopes"]) == ("phone", ["imap", "submission"])
    mailboxes = await browser.call("mailboxes")
    assert next(one["total"] for one in mailboxes if one["name"] == "Inbox") == 1
    logged = str([(record.getMessage(), getattr(record, "kv", "")) for record in caplog.records])
    assert secret not in logged
    assert claim not in logged
    assert found["password"] not in logged


async def test_a_link_serves_once_whoever_comes_first(rig: Rig, browser: Browser) -> None:
    """WEB-126a: of many parallel uses one succeeds; later ones are gone."""
    secret = await link(browser)
    statuses: list[int] = []

    async def use(number: int) -> None:
        device = rig.browser(app="/", remote=f"198.51.100.{number}")
        statuses.append((await device.post("device_open", {"link": secret})).status)

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(use, number)
    assert sorted(statuses) == [200] + [410] * 19


async def test_two_answers_make_one_password(rig: Rig, browser: Browser) -> None:
    """WEB-126a."""
    claim = await rig.browser(app="/").call("device_open", link=await link(browser))
    statuses: list[int] = []

    async def answer() -> None:
        statuses.append((await browser.post("device_answer", {"yes": True})).status)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(answer)
    assert sorted(statuses) == [200] + [410] * 4
    assert (await browser.call("device_look", claim=claim))["state"] == "ready"
    async with rig.account() as account:
        assert len(await account.read(app_passwords, op="test")) == 1


async def test_a_device_that_is_refused_gets_nothing(rig: Rig, browser: Browser) -> None:
    """WEB-126a."""
    device = rig.browser(app="/")
    claim = await device.call("device_open", link=await link(browser))
    await browser.call("device_answer", yes=False)
    found = await device.call("device_look", claim=claim)
    assert (found["state"], found["password"]) == ("refused", "")
    assert (await profile(device, claim)).status == 409
    assert await browser.call("app_password_list") == []


async def test_a_link_ends_after_its_time_by_a_newer_one_and_by_the_user(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-126a."""
    first, second = await link(browser), await link(browser)
    assert await browser.error("device_open", link=first) == (410, "user:gone")
    await browser.call("device_stop")
    assert await browser.error("device_open", link=second) == (410, "user:gone")
    monkeypatch.setattr(devices, "LIFETIME", 0.0)
    late = await link(browser)
    assert await browser.error("device_open", link=late) == (410, "user:gone")
    assert (await browser.call("device_state"))["state"] == "gone"
    assert await browser.error("device_answer", yes=True) == (410, "user:gone")
    assert (await profile(browser, "x")).status == 410


async def test_a_device_needs_a_name_of_its_own(browser: Browser) -> None:
    """WEB-126a, WEB-64a."""
    await browser.call("app_password_add", name="phone", scopes=["imap"], read_only=False, expires=None)
    for name in ("", " ", "x" * 65, "a\x07b", "phone"):
        answer = await browser.post("device_start", {"name": name})
        assert (answer.status, answer.json["error"]["fields"][0]["field"]) == (400, "name")
