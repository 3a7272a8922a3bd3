"""Take the pictures of linked mailboxes in docs/images: `script/pictures account [FOLDER]`.

They go to docs/images, or to FOLDER. Needs Chromium and the packages of `requirements/dev.lock`. The page runs on a
server of its own; what it says of links is played, as no provider is there.
"""

import datetime as dt
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright

from tests.integration.browser import ARGUMENTS, Visitor, save_picture
from tests.running import LocalServer
from tests.tools import need

TOP = Path(__file__).resolve().parents[2]

DESK: dict[str, Any] = {"viewport": {"width": 1100, "height": 640}}

SILENT: dict[str, Any] = {"message": "", "words": None}


def link(name: str, address: str, host: str, state: str, **more: Any) -> dict[str, Any]:
    """A link as `link_list` tells of it."""
    server = {"host": host, "port": 993, "tls": "implicit", "user": address, "created": "2026-11-01T10:00:00Z"}
    progress = {"mailbox": "", "done": 0, "total": 0, "said": SILENT, "next_try": None, "refused": None}
    provider = {"provider": "", "wants": "", "page": "", "problems": []}
    smtp = {"smtp_host": host.replace("imap", "smtp", 1), "smtp_port": 0, "smtp_tls": "implicit", "smtp_user": ""}
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


def take(browser: Browser, server: LocalServer, folder: Path) -> None:
    """Take both pictures."""
    visitor = Visitor(browser, server, **DESK)
    page = visitor.page
    page.route("**/api/link_list", lambda route: route.fulfill(json=played()))
    visitor.fill_in("/#links")
    expect(page.get_by_role("row").filter(has_text="iCloud")).to_contain_text("password refused")
    page.mouse.move(0, 0)
    save_picture(page, folder / "account-links.webp")
    page.get_by_role("button", name="Add a mailbox").click()
    page.get_by_label("Address", exact=True).fill("marit.berg@gmail.com")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_label("Password there")).to_be_focused()
    save_picture(page, folder / "account-links-add.webp")
    visitor.context.close()


def main() -> None:
    """Take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TOP / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        with LocalServer(Path(place) / "server") as server:
            take(browser, server, folder)
        browser.close()


if __name__ == "__main__":
    main()
