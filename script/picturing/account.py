"""Take pictures of the account app, and of where mail lands: `script/pictures account [FOLDER]`.

They go to docs/images, or to FOLDER. Needs Chromium and the packages of `requirements/dev.lock`. The pages run on a
server of its own; what they say is played, as no provider is there.
"""

import datetime as dt
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Route, expect, sync_playwright

from tests.integration.browser import ARGUMENTS, Visitor, save_picture
from tests.running import LocalServer
from tests.tools import need
from tests.webcalls import Caller

TOP = Path(__file__).resolve().parents[2]

DESK: dict[str, Any] = {"viewport": {"width": 1100, "height": 640}}

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 Version/26.1 Mobile Safari/604.1"

SILENT: dict[str, Any] = {"message": "", "words": None}


def link(name: str, address: str, host: str, state: str, **more: Any) -> dict[str, Any]:
    """A link as `link_list` tells of it."""
    server = {"host": host, "port": 993, "tls": "implicit", "user": address, "created": "2026-11-01T10:00:00Z"}
    server |= {"protocol": "imap", "keep_days": None}
    progress = {"mailbox": "", "done": 0, "total": 0, "said": SILENT, "next_try": None, "refused": None}
    provider = {"provider": "", "wants": "", "page": "", "problems": []}
    smtp = {"smtp_host": host.replace("imap", "smtp", 1), "smtp_port": 0, "smtp_tls": "implicit", "smtp_user": ""}
    smtp |= {"sorts": False}
    return {"name": name, "address": address, "state": state, **server, **progress, **provider, **smtp, **more}


def played() -> dict[str, Any]:
    """Three links: one is well, one is copied, one was refused an hour ago."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    refused = {
        "said": {"message": "log-in failed: [AUTHENTICATIONFAILED] Authentication failed", "words": None},
        "refused": (now - dt.timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
        "next_try": (now + dt.timedelta(hours=3)).isoformat().replace("+00:00", "Z"),
        "provider": "iCloud",
        "wants": "app",
        "page": "https://account.apple.com",
    }
    copied = {"mailbox": "Inbox", "done": 12_000, "total": 50_000}
    items = [
        link("Gmail", "marit.berg@gmail.com", "imap.gmail.com", "current"),
        link("GMX", "m.berg@gmx.de", "imap.gmx.net", "copying", **copied),
        link("iCloud", "maritberg@icloud.com", "imap.mail.me.com", "refused", **refused),
    ]
    return {"result": {"items": items, "insecure": False}}


def given(address: str, site: str, note: str, messages: int, state: str = "on", **more: Any) -> dict[str, Any]:
    """An address to give away, as `masked_list` tells of it."""
    wrote = [{"domain": site, "first": "2026-09-02T08:00:00Z", "messages": messages}]
    found = {"senders": [site], "wrote": wrote, "strangers": 0, "strangers_since": "", "leak": ""}
    times = {"created": "2026-09-01T10:00:00Z", "last_mail": "2026-11-20T08:00:00Z", "expires": ""}
    return {
        "id": messages,
        "address": address,
        "state": state,
        "site": site,
        "note": note,
        "messages": messages,
        "only_from": [],
        **times,
        **found,
        **more,
    }


def given_away() -> dict[str, Any]:
    """Three addresses: one is well, one has leaked, one is off."""
    leaked: dict[str, Any] = {"strangers": 3, "strangers_since": "2026-10-03T07:00:00Z", "leak": "shop.example"}
    items = [
        given("trains.k4w9t@hill.example", "trains.example", "season ticket", 14),
        given("shop.x7k2p@hill.example", "shop.example", "", 31, **leaked),
        given("club.m3r8v@hill.example", "club.example", "trial month", 6, "off"),
    ]
    return {"result": {"items": items, "total": len(items), "domains": ["hill.example"]}}


def landed() -> list[dict[str, Any]]:
    """Four weeks of messages to mailboxes at providers: one fell when the address of the server changed."""
    now = int(time.time())
    day = 86_400

    def provider(name: str, address: str, text: str, falls: int = 0) -> dict[str, Any]:
        at = [now - number * day for number in range(28, 0, -1)]
        bad = set(at[len(at) - falls :])
        days = [{"at": one, "landing": "junk" if one in bad else "inbox", "seconds": 4} for one in at]
        landing = {
            "landing": days[-1]["landing"],
            "mailbox": "",
            "seconds": 4,
            "since": at[len(at) - falls - 1],
            "changed": "",
        }
        return {"name": name, "address": address, "text": text, "days": days, **landing}

    return [
        provider("Gmail", "marit.berg@gmail.com", "inbox in 4 s"),
        provider("GMX", "m.berg@gmx.de", "junk since Tuesday, 24 November: the address of the server changed", 3),
        provider("iCloud", "maritberg@icloud.com", "inbox in 9 s"),
    ]


def take_landings(browser: Browser, server: LocalServer, folder: Path) -> None:
    """Take the picture of where mail lands, of the admin app."""
    visitor = Visitor(browser, server, **DESK)
    page = visitor.page

    def answer(route: Route) -> None:
        told = route.fetch().json()
        told["result"]["placement"] = landed()
        route.fulfill(json=told)

    page.route("**/api/overview", answer)
    page.goto(f"{visitor.base}/admin/")
    page.get_by_label("Password", exact=True).fill("moxadmin")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".placement li")).to_have_count(3)
    page.locator(".placement").scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    save_picture(page, folder / "admin-placement.webp")
    visitor.context.close()


def take(browser: Browser, server: LocalServer, folder: Path) -> None:
    """Take the pictures of the account app."""
    visitor = Visitor(browser, server, **DESK)
    page = visitor.page
    page.route("**/api/link_list", lambda route: route.fulfill(json=played()))
    visitor.fill_in("/#links")
    expect(page.get_by_role("row").filter(has_text="iCloud")).to_contain_text("password rejected")
    page.mouse.move(0, 0)
    save_picture(page, folder / "account-links.webp")
    page.get_by_role("button", name="Add account").click()
    page.get_by_label("Address", exact=True).fill("marit.berg@gmail.com")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    save_picture(page, folder / "account-links-add.webp")
    page.get_by_role("button", name="Cancel").click()
    page.route("**/api/masked_list", lambda route: route.fulfill(json=given_away()))
    page.evaluate("location.hash = 'masked'")
    expect(page.get_by_text("shop.x7k2p@hill.example")).to_be_visible()
    page.mouse.move(0, 0)
    save_picture(page, folder / "account-masked.webp")
    visitor.context.close()


def take_device(browser: Browser, server: LocalServer, folder: Path) -> None:
    """Take the pictures of a phone that is set up: the code, the page on the phone, and the question."""
    desk = Visitor(browser, server, viewport={"width": 1100, "height": 760})
    desk.fill_in("/#device")
    page = desk.page
    page.get_by_label("Device name").fill("Phone")
    page.get_by_role("button", name="Show code").click()
    expect(page.get_by_role("img", name="QR code for the link")).to_be_visible()
    page.mouse.move(0, 0)
    save_picture(page, folder / "account-device.webp")
    phone = Visitor(browser, server, viewport={"width": 360, "height": 640}, device_scale_factor=2, user_agent=IPHONE)
    phone.page.goto(page.locator(".steps code").inner_text())
    button = phone.page.get_by_role("button", name="Set up mail")
    expect(button).to_be_visible()
    save_picture(phone.page, folder / "account-device-phone.webp")
    button.click()
    question = page.get_by_role("button", name="Set up", exact=True)
    expect(question).to_be_visible()
    question.scroll_into_view_if_needed()
    save_picture(page, folder / "account-device-ask.webp")
    for visitor in (phone, desk):
        visitor.context.close()


def take_settings(browser: Browser, server: LocalServer, folder: Path) -> None:
    """Take the pictures of rules, vacation reply, scripts and security."""
    caller = Caller(server.port(80), server.user, server.password, "/")
    caller.log_in()
    caller.call("account_app_password_add", name="Phone", scopes=["imap"], read_only=False, expires=None)
    visitor = Visitor(browser, server, viewport={"width": 1100, "height": 760})
    page = visitor.page

    def show(name: str, title: str) -> None:
        page.evaluate(f"location.hash = '{name}'")
        expect(page.locator("main h1")).to_have_text(title)

    def save(name: str) -> None:
        page.mouse.move(0, 0)
        page.wait_for_load_state("networkidle")
        save_picture(page, folder / f"account-{name}.webp")

    visitor.fill_in("/#rules")
    page.get_by_role("button", name="New rule").click()
    page.get_by_label("Comparison").select_option("ends")
    page.get_by_label("From", exact=True).last.fill("@nordlicht.example")
    page.get_by_label("Move to", exact=True).fill("Lists")
    save("rules")
    show("away", "Vacation reply")
    page.get_by_label("Send vacation reply").check()
    page.get_by_label("Subject", exact=True).fill("Away until Monday")
    words = "Hello,\n\nI’m at the lake, and will read your mail on Monday.\n\nMarit"
    page.get_by_role("textbox", name="Reply", exact=True).fill(words)
    save("away")
    show("scripts", "Sieve scripts")
    page.get_by_role("button", name="New script").first.click()
    page.get_by_label("Name", exact=True).fill("invoices")
    save("sieve")
    show("security", "Security")
    expect(page.get_by_text("Phone", exact=True)).to_be_visible()
    save("security")
    visitor.context.close()


def main() -> None:
    """Take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TOP / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        with LocalServer(Path(place) / "server") as server:
            take(browser, server, folder)
            take_device(browser, server, folder)
            take_settings(browser, server, folder)
            take_landings(browser, server, folder)
        browser.close()


if __name__ == "__main__":
    main()
