"""Several accounts of this server in one browser: each has a folder, cookies and tokens of its own (WEBMAIL-179)."""

import pytest

from moxlite.store.auth.credentials import change_password
from tests.browsing import Answer
from tests.store_mail import put
from tests.web_rig import ADDRESS, PASSWORD, Browser, Rig

pytestmark = pytest.mark.served

TOM = "tom@example.org"


def beside(rig: Rig, browser: Browser, number: int, app: str = "/webmail/") -> Browser:
    """A page of a further account in the same browser. Its cookies are all that the browser has: more than it sends."""
    other = rig.browser(port=443, tls=True, app=f"{app}u/{number}/" if number else app)
    other.cookies = browser.cookies
    return other


async def log_in(browser: Browser, username: str, *, stay: bool = False) -> Answer:
    token = await browser.call("login_prep")
    answer = await browser.post(
        "login", {"login_token": token, "username": username, "password": PASSWORD, "stay": stay}
    )
    assert answer.status == 200, answer.body
    browser.csrf = answer.json["result"]["csrf_token"]
    return answer


async def both(rig: Rig, *, stay: bool = False) -> tuple[Browser, Browser]:
    """Pages of mia, and of tom as the second account of the same browser."""
    async with rig.account("tom") as account:
        await change_password(account, PASSWORD)
    mia = rig.browser(port=443, tls=True)
    await log_in(mia, ADDRESS, stay=stay)
    tom = beside(rig, mia, 1)
    await log_in(tom, TOM, stay=stay)
    return mia, tom


async def address_of(page: Browser) -> str:
    events = await page.events()
    return str((await events.next())["login_address"])


async def test_a_further_account_has_its_own_session(rig: Rig) -> None:
    """WEBMAIL-179: a cookie for its folder alone, with a name of its own, as strict as the first one's."""
    mia, tom = await both(rig)
    prepared = await tom.post("login_prep", {})
    assert [one for one in prepared.cookies if one.startswith("webmaillogin1=")]
    answer = await log_in(tom, TOM)
    [cookie] = [one for one in answer.cookies if one.startswith("webmailsession1=")]
    assert {"Path=/webmail/u/1/", "HttpOnly", "SameSite=Strict", "Secure"} <= set(cookie.split("; "))
    assert (await address_of(mia), await address_of(tom)) == (ADDRESS, TOM)
    assert mia.csrf != tom.csrf


async def test_neither_account_gets_at_the_other(rig: Rig) -> None:
    """WEBMAIL-179: the first one's cookie comes to the folders, too, and counts nothing there; nor does its token."""
    mia, tom = await both(rig)
    stranger = beside(rig, mia, 2)
    stranger.csrf = mia.csrf
    assert await stranger.error("token") == (401, "user:noAuth")
    tom.csrf, mia.csrf = mia.csrf, tom.csrf
    assert await tom.error("token") == (401, "user:badAuth")
    assert await mia.error("token") == (401, "user:badAuth")


async def test_what_is_unread_is_counted_for_each(rig: Rig) -> None:
    """WEBMAIL-179"""
    mia, tom = await both(rig)
    assert (await mia.call("inbox_unread"), await tom.call("inbox_unread")) == (0, 0)
    async with rig.account("tom") as account:
        await put(account, 1)
    assert (await mia.call("inbox_unread"), await tom.call("inbox_unread")) == (0, 1)


@pytest.mark.parametrize("folder", ["u/0/", "u/8/", "u/11/", "u/1/u/2/", "u/1", "u//", "u/%31x/"])
async def test_there_are_eight_accounts_and_no_others(rig: Rig, folder: str) -> None:
    """WEBMAIL-179"""
    browser = rig.browser(port=443, tls=True)
    assert (await browser.fetch(f"/webmail/{folder}")).status == 404


async def test_the_page_of_a_further_account_is_the_same(rig: Rig) -> None:
    """WEBMAIL-179: document, parts, manifest and service worker, relative to its folder."""
    browser = rig.browser(port=443, tls=True)
    first, further = await browser.fetch("/webmail/"), await browser.fetch("/webmail/u/7/")
    assert (further.status, further.body) == (200, first.body)
    for name in ("sw.js", "manifest.webmanifest"):
        assert (await browser.fetch(f"/webmail/u/7/{name}")).status == 200


async def test_log_out_of_one_leaves_the_others(rig: Rig) -> None:
    """WEBMAIL-179, WEBMAIL-22: a browser is told to forget everything only while it has had one account."""
    mia, tom = await both(rig, stay=True)
    assert mia.cookies["moxlite-several"] == "1"
    answer = await tom.post("logout", {})
    assert "clear-site-data" not in answer.headers
    assert "webmailsession1" not in mia.cookies
    await mia.call("token")
    assert "clear-site-data" not in (await mia.post("logout", {})).headers
    single = rig.browser(port=443, tls=True)
    await log_in(single, ADDRESS, stay=True)
    assert "clear-site-data" in (await single.post("logout", {})).headers


async def test_the_account_app_follows_the_account(rig: Rig) -> None:
    """WEBMAIL-179, WEB-51a: the session of a further account is handed on to the same folder of the account app."""
    mia, tom = await both(rig)
    events = await tom.events()
    assert (await events.next())["account_path"] == "/u/1/"
    answer = await tom.post("hand_on", {})
    [cookie] = answer.cookies
    assert cookie.startswith("accounthanded1=")
    assert "Path=/u/1/" in cookie.split("; ")
    token = answer.json["result"]
    first = beside(rig, mia, 0, app="/")
    origin = {"origin": "https://mail.example.org"}
    refused = await first.post("login_handed", {"token": token}, origin)
    assert refused.status == 401
    token = await tom.call("hand_on")
    account = beside(rig, mia, 1, app="/")
    answer = await account.post("login_handed", {"token": token}, origin)
    account.csrf = answer.json["result"]["csrf_token"]
    assert (await account.call("overview"))["login_address"] == TOM
    assert (await account.call("apps"))["webmail"] == "/webmail/u/1/"
    answer = await account.post("logout", {})
    assert any(one.startswith("webmailsession1=;") and "Path=/webmail/u/1/" in one for one in answer.cookies)
    assert (await tom.post("token", {})).status == 401
    await mia.call("token")


async def test_the_admin_app_has_one_user(rig: Rig) -> None:
    """WEBMAIL-179: it has one user."""
    browser = rig.browser(port=443, tls=True)
    assert (await browser.fetch("/admin/u/1/")).status == 404
