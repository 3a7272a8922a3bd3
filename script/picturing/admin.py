"""Take the pictures of the admin app in docs/images, of a server with played data: `script/pictures admin [FOLDER]`.

FOLDER gets a picture of every page at 1280 x 900 and 360 x 740 in place of the few in docs/images. Needs Chromium and
the packages of `requirements/dev.lock`.
"""

import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.integration.browser import ARGUMENTS, Visitor, save_picture
from tests.integration.test_web_admin_browser import PAGES, log_in, submit
from tests.playedmonth import write_history
from tests.reportdata import write_reports
from tests.running import LocalServer
from tests.strangersrows import write_rows
from tests.tools import need

TOP = Path(__file__).resolve().parents[2]

DESK = (1280, 900)
PHONE = (360, 740)

CHOSEN = (
    ("admin-overview", "overview", DESK, "light"),
    ("admin-queue", "queue", DESK, "light"),
    ("admin-trends", "trends", DESK, "dark"),
    ("admin-sources", "reports/sources", DESK, "light"),
    ("admin-trends-phone", "trends", PHONE, "dark"),
    ("admin-login-provider", "provider", DESK, "light"),
)
"""Name, page, size and colours of the pictures in docs/images."""

PROVIDER = """
[oidc]
issuer = "https://login.hill.example/realms/home"
client_id = "moxlite"
name = "Keycloak"
admin_group = "mail-admins"
"""

REPLIES = (
    "4.7.1 Greylisted, please try again in 5 minutes",
    "4.2.2 Mailbox full, try again later",
    "4.7.28 Too many messages from your network, slow down",
    "4.4.1 No answer from host",
    "4.3.2 System not accepting network messages",
)


def populate(folder: Path) -> LocalServer:
    """A server that runs, with accounts, mail that waits, a month of figures and reports."""
    server = LocalServer(folder / "server")
    with (server.config_folder / "moxlite.toml").open("a") as file:
        file.write(PROVIDER)
    write_reports(server.folder / "data")
    write_history(server.folder / "data")
    server.start()
    server.stop()
    now = time.time_ns() // 1000
    write_rows(server.folder / "data", REPLIES, now)
    with sqlite3.connect(server.folder / "data" / "queue.db") as queue:
        for table in ("msg", "msg_retired"):
            queue.execute(f"UPDATE {table} SET rcpt_localpart = 'user' || (id % 1000), subject = 'Minutes'")
        queue.execute("UPDATE msg SET hold = 0, next_attempt = ? + id * 1000000", (now + 3_600_000_000,))
        queue.execute("UPDATE suppression SET original_address = 'gone' || id || '@far.example'")
        queue.execute("UPDATE hook SET url = 'https://hooks.far.example/mail'")
    with sqlite3.connect(server.folder / "data" / "reports.db") as reports:
        for table in ("dmarc_report", "tls_report"):
            reports.execute(f"DELETE FROM {table} WHERE CAST(report_id AS INTEGER) >= 99")
    server.start()
    server.cli("config", "domain", "add", "hill.example", "moxlite")
    for name in ("ben", "margaret"):
        server.cli("config", "account", "add", name, f"{name}@hill.example")
    server.cli("config", "alias", "add", "family@hill.example", "ben@hill.example", "margaret@hill.example")
    submit(server)
    return server


def take(browser: Browser, server: LocalServer, place: str, size: tuple[int, int], scheme: str, to: Path) -> None:
    """Take one picture of a page."""
    width, height = size
    visitor = Visitor(browser, server, viewport={"width": width, "height": height}, color_scheme=scheme)
    log_in(visitor)
    visitor.page.goto("about:blank")
    visitor.page.goto(f"{visitor.base}/admin/#{place}")
    visitor.page.locator("main h1").wait_for()
    visitor.page.wait_for_load_state("networkidle")
    save_picture(visitor.page, to)
    visitor.context.close()


def take_login(browser: Browser, server: LocalServer, to: Path) -> None:
    """Take the picture of the webmail's login form, with the button of the provider."""
    visitor = Visitor(browser, server, viewport={"width": 900, "height": 640})
    visitor.page.goto(f"{visitor.base}/webmail/")
    visitor.page.get_by_role("button", name="Log in with Keycloak").wait_for()
    save_picture(visitor.page, to)
    visitor.context.close()


def main() -> None:
    """Take the pictures."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        server = populate(Path(name))
        try:
            if len(sys.argv) == 1:
                for title, place, size, scheme in CHOSEN:
                    take(browser, server, place, size, scheme, TOP / "docs" / "images" / f"{title}.webp")
                take_login(browser, server, TOP / "docs" / "images" / "login-provider.webp")
                return
            folder = Path(sys.argv[1])
            folder.mkdir(parents=True, exist_ok=True)
            for number, place in enumerate(PAGES):
                for size, title in ((DESK, "desk"), (PHONE, "phone")):
                    safe = "".join(sign if sign.isalnum() else "-" for sign in place)
                    take(browser, server, place, size, "light", folder / f"{number:02}-{safe}-{title}.webp")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
