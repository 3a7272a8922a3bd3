"""Setting up a device by a one-time link (WEB-126a)."""

import base64
import logging
import plistlib
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import trio

from moxlite.operations.access import SetPassword
from moxlite.operations.accounts import AddAccount, RemoveAccount
from moxlite.store.auth.apppasswords import app_passwords
from moxlite.web.account import devices
from tests.browsing import ADDRESS, Browser
from tests.certs import Authority
from tests.tools import need
from tests.web_rig import PASSWORD, STATIC, Rig, open_rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/")]


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
    """WEB-126a, DAV-21: link, button, question, yes, profile, mail, DAVx5; no secret in the log."""
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
    login = f"{quote(ADDRESS, safe='')}:{quote(found['password'], safe='')}"
    assert found["davx5"] == f"davx5://{login}@imap.example.org/dav/"
    answer = await profile(device, claim)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    payload, *_ = plistlib.loads(answer.body)["PayloadContent"]
    assert payload["IncomingPassword"] == found["password"]
    assert payload["EmailAddress"] == ADDRESS
    (item,) = await browser.call("account_app_password_list")
    assert (item["name"], item["scopes"]) == ("phone", ["imap", "submission", "dav", "jmap"])
    mailboxes = await browser.call("mailboxes")
    assert next(one["total"] for one in mailboxes if one["name"] == "Inbox") == 1
    logged = str([(record.getMessage(), getattr(record, "kv", "")) for record in caplog.records])
    assert secret not in logged
    assert claim not in logged
    assert found["password"] not in logged


@pytest.mark.auth_here
@pytest.mark.rig(app="/", static=STATIC.replace('postmaster = { account = "mia"', 'postmaster = { account = "tom"'))
@pytest.mark.parametrize("when", ["the link is made", "the device asks", "the password is there"])
async def test_a_later_account_of_the_name_is_asked_nothing(rig: Rig, browser: Browser, when: str) -> None:
    """WEB-126a, ADMIN-15: the account is removed, and added again at once."""
    secret = await link(browser)
    device = rig.browser(app="/", remote="198.51.100.7")
    claim = "" if when == "the link is made" else await device.call("device_open", link=secret)
    if when == "the password is there":
        await browser.call("device_answer", yes=True)
    async with rig.running.ctl() as ctl:
        await ctl.call("config account rm", RemoveAccount("mia"), type(None))
        await ctl.call("config account add", AddAccount("mia", ADDRESS), type(None))
        await ctl.call("account set-password", SetPassword("mia", PASSWORD), type(None))
    again = rig.browser(app="/")
    await again.log_in()
    assert (await device.post("device_open", {"link": secret})).status == 410
    assert (await device.post("device_look", {"claim": claim or "x"})).status == 410
    assert (await again.call("device_state"))["state"] == "gone"
    assert (await again.post("device_answer", {"yes": True})).status == 410
    assert await again.call("account_app_password_list") == []


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
    assert await browser.call("account_app_password_list") == []


async def test_a_link_ends_after_its_time_and_by_a_newer_one(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-126a."""
    first, second = await link(browser), await link(browser)
    assert await browser.error("device_open", link=first) == (410, "user:gone")
    assert await browser.call("device_open", link=second)
    monkeypatch.setattr(devices, "LIFETIME", 0.0)
    late = await link(browser)
    assert await browser.error("device_open", link=late) == (410, "user:gone")
    assert (await browser.call("device_state"))["state"] == "gone"
    assert await browser.error("device_answer", yes=True) == (410, "user:gone")
    assert (await profile(browser, "x")).status == 410


async def test_a_device_needs_a_name_of_its_own(browser: Browser) -> None:
    """WEB-126a, WEB-64a."""
    await browser.call("account_app_password_add", name="phone", scopes=["imap"], read_only=False, expires=None)
    for name in ("", " ", "x" * 65, "a\x07b", "phone"):
        answer = await browser.post("device_start", {"name": name})
        assert (answer.status, answer.json["error"]["fields"][0]["field"]) == (400, "name")


MAIL = """
[listeners.local]
imaps = { enabled = true, port = 993 }
submissions = { enabled = true, port = 465 }
"""


async def said(stream: trio.abc.Stream, line: str, until: bytes) -> bytes:
    """Send a line, "" for none; the answer up to a line that begins so."""
    if line:
        await stream.send_all(f"{line}\r\n".encode())
    found = b""
    with trio.fail_after(60):
        while not any(one.startswith(until) for one in found.split(b"\r\n")[:-1]):
            found += await stream.receive_some()
    return found


async def test_a_profile_is_signed_and_its_password_opens_imap_and_smtp(tmp_path: Path, nursery: trio.Nursery) -> None:
    """WEB-126, WEB-126a: openssl verifies it by the root of a CA; host, port and password in it are the ones to use."""
    authority = Authority()
    pair = authority.issue("mail.example.org")
    static = STATIC.replace("[listeners.local]\n", MAIL.lstrip("\n"))
    rig = await open_rig(tmp_path / "rig", nursery, static=static, certificate=pair)
    browser = rig.browser(app="/")
    await browser.log_in()
    secret = await link(browser)
    device = rig.browser(app="/", remote="198.51.100.7", port=443, tls=True)
    claim = await device.call("device_open", link=secret)
    await browser.call("device_answer", yes=True)
    signed, root = tmp_path / "mail.mobileconfig", tmp_path / "root.pem"
    signed.write_bytes((await profile(device, claim)).body)
    root.write_bytes(authority.pem)
    command = [need("openssl"), "cms", "-verify", "-inform", "DER", "-in", str(signed)]
    trusting = [*command, "-CAfile", str(root), "-purpose", "any"]
    done = await trio.run_process(trusting, capture_stdout=True, capture_stderr=True)
    stranger = [*command, "-CAfile", str(_other_root(tmp_path)), "-purpose", "any"]
    assert (await trio.run_process(stranger, capture_stdout=True, capture_stderr=True, check=False)).returncode
    payload, *_ = plistlib.loads(done.stdout)["PayloadContent"]
    user, password = payload["IncomingMailServerUsername"], payload["IncomingPassword"]
    assert payload["IncomingMailServerUseSSL"]
    assert payload["OutgoingMailServerUseSSL"]
    assert payload.get("OutgoingPasswordSameAsIncomingPassword", True)
    async with rig.connect(port=payload["IncomingMailServerPortNumber"], tls=True) as imap:
        await said(imap, "", b"* OK")
        assert b"a OK" in await said(imap, f'a LOGIN "{user}" "{password}"', b"a ")
    plain = base64.b64encode(f"\0{payload['OutgoingMailServerUsername']}\0{password}".encode()).decode()
    async with rig.connect(port=payload["OutgoingMailServerPortNumber"], tls=True) as smtp:
        await said(smtp, "", b"220 ")
        await said(smtp, "EHLO phone.example", b"250 ")
        assert b"235 " in await said(smtp, f"AUTH PLAIN {plain}", b"235 ")


def _other_root(folder: Path) -> Path:
    file = folder / "other.pem"
    file.write_bytes(Authority("Another root").pem)
    return file
