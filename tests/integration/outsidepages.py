"""The three apps of the default server of `outside`, used by clicks in a browser of the other machine: each page of
their side bars, and its main action. No request fails, no page has errors, no link leads to the server's own loopback.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, ConsoleMessage, Response, expect

from tests.integration.browser import ARGUMENTS, PATIENCE, playing
from tests.tools import need

__all__ = ["Clicks", "browser_in"]

LOOPBACK: Final = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])", re.IGNORECASE)

EXPECTED: Final = re.compile(r" (?:401 \S+/api/\w+|403 \S+/api/\w*(?:app_password_add|device_start|api_token_add))$")
"""What is asked before the log-in, and what is asked again once the user has given the password again (WEB-63a)."""

DRAWN: Final = """() => [
  document.body.innerText,
  ...[...document.querySelectorAll("a, img, form, iframe, link")].map(
    (one) => one.getAttribute("href") ?? one.getAttribute("src") ?? one.getAttribute("action") ?? ""),
].join("\\n")"""
"""All texts and addresses of a page, as they are written."""

MBOX: Final = b"From a@far.example Thu Oct  1 00:00:00 2026\r\nFrom: a@far.example\r\nSubject: boats\r\n\r\nhello\r\n"


@contextmanager
def browser_in(namespace: str, folder: Path, own: str) -> Iterator[BrowserContext]:
    """A browser in a network namespace, which knows the server's names."""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\nexec nsenter --net={namespace} {need("chromium")} "$@"\n')
    script.chmod(0o755)
    expect.set_options(timeout=PATIENCE)
    with playing() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(script),
            # Playwright's own option says nothing to service workers
            args=[*ARGUMENTS, "--ignore-certificate-errors", f"--host-resolver-rules=MAP *.example.org {own}"],
        )
        yield browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
        browser.close()


class Clicks:
    """A user of the apps. `problems` has what must not be."""

    def __init__(self, context: BrowserContext, address: str, password: str, admin_password: str) -> None:
        context.set_default_timeout(PATIENCE)
        context.add_init_script("try { localStorage['moxlite-webmail-hints'] ??= '3' } catch { /* a frame */ }")
        context.on("response", self._answered)
        context.on("console", self._written)
        context.on("weberror", lambda found: self.problems.append(str(found.error)))
        self.page = context.new_page()
        self.context = context
        self.address, self.password, self.admin_password = address, password, admin_password
        self.problems: list[str] = []
        self._base = self._where = ""

    def _answered(self, response: Response) -> None:
        told = f"{self._where} {response.status} {response.url}"
        if response.status >= 400 and not EXPECTED.search(told):
            self.problems.append(told)

    def _written(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:  # its status is noted
            self.problems.append(f"{self._where} {message.text}")

    def walk(self, base: str, pages: Mapping[str, Callable[["Clicks"], None]]) -> None:
        """Log in, open each page, and do there what the table says. The table has all pages of all places."""
        self._log_in(base)
        page = self.page
        expect(page.locator("main h1")).to_be_visible()
        known, found = {f"#{name}" for name in pages}, self._pages(base)
        assert known == found, known ^ found
        for name, action in pages.items():
            self._where = f"{base}#{name}"
            page.goto("about:blank")
            page.goto(self._where)
            expect(page.locator("main h1")).to_be_visible()
            self.look()
            action(self)
            self.look()

    def _pages(self, base: str) -> set[str]:
        """The addresses of all pages: of the places in the side bar, and of their tabs."""
        read = "all => all.map(one => one.getAttribute('href'))"
        places = self.page.locator("a.nav").evaluate_all(read)
        found = set(places)
        for place in places:
            self.page.goto(f"{base}{place}")
            expect(self.page.locator(f'a.nav[href="{place}"]')).to_have_attribute("aria-current", "page")
            found |= set(self.page.locator(".place + .tabs a").evaluate_all(read))
        return found

    def read_mail(self, base: str) -> str:
        """The webmail: read, write, people, settings; the secret link of a calendar."""
        self._log_in(base)
        page = self.page
        self.see("boats")
        page.locator(".message", has_text="boats").click()
        expect(page.locator(".reader-subject")).to_be_visible()
        self.press("New message")
        composer = page.locator(".composer")
        composer.get_by_label("To", exact=True).fill("friend@far.example")
        composer.get_by_label("Subject").fill("Written over there")
        composer.get_by_label("Text").fill("hello")
        composer.get_by_role("button", name="Send", exact=True).click()
        expect(composer).to_have_count(0)
        self.look()
        page.get_by_role("link", name="Contacts", exact=True).click()
        self.press("New contact")
        form = page.get_by_role("dialog", name="New contact")
        form.get_by_label("Name", exact=True).fill("Zoe")
        form.get_by_role("button", name="Save").click()
        expect(page.locator("#app.other-place").get_by_role("listitem")).to_have_count(1)
        self._chosen("Settings")
        page.locator("a.nav").first.wait_for()  # the account app is there
        expect(page.locator("main h1")).to_be_visible()
        self.look()
        page.goto(base)
        expect(page.locator(".message").first).to_be_visible()
        page.keyboard.press("g")
        page.keyboard.press("c")
        calendar = page.locator("#app.other-place")
        calendar.get_by_role("button", name=re.compile("New event")).locator("visible=true").first.click()
        page.get_by_label("Title").fill("Dentist")
        self.press("Save")
        expect(calendar.locator(".cal-event", has_text="Dentist").first).to_be_visible()
        self.look()
        calendar.locator(".cal-choice button").first.click()
        self.press("Private links…", "Create link")
        link = page.get_by_role("dialog", name="Private links to").locator("code").inner_text()
        self.look()
        return link

    def _log_in(self, base: str) -> None:
        self._where = self._base = base
        page = self.page
        page.goto(base)
        admin = base.endswith("/admin/")
        if not admin:
            page.get_by_label("Email address").fill(self.address)
        page.get_by_label("Password", exact=True).fill(self.admin_password if admin else self.password)
        page.get_by_role("button", name="Log in").click()

    def _chosen(self, name: str) -> None:
        """Choose in the menu of the account."""
        self.page.get_by_role("button", name="Account and settings").click()
        self.page.get_by_role("menuitem", name=name).click()

    def look(self) -> None:
        """What is drawn has no address of the server's loopback."""
        for page in self.context.pages:
            drawn = page.evaluate(DRAWN).replace(self._base, "")  # the admin app itself is there, through the tunnel
            found = LOOPBACK.findall(drawn)
            self.problems += [f"{self._where} shows {one}" for one in found]

    def press(self, *names: str) -> None:
        """Press buttons, one after the other."""
        for name in names:
            self.page.get_by_role("button", name=name, exact=True).first.click()

    def fill(self, **fields: str) -> None:
        """Fill fields by their labels: `_` stands for a blank."""
        for label, text in fields.items():
            named = self.page.get_by_label(label.replace("_", " "), exact=True)
            field = self.page.locator("input, textarea").and_(named).first
            field.fill(text)
            if field.input_value() != text:  # the answer to a click before has taken the focus meanwhile
                field.fill(text)

    def see(self, text: str) -> None:
        """Wait for a text."""
        expect(self.page.get_by_text(re.compile(text)).first).to_be_visible()

    def confirm(self) -> None:
        """Give the password again."""
        box = self.page.get_by_role("dialog", name="Confirm it's you")
        box.get_by_label("Password").fill(self.password)
        box.get_by_role("button", name="Continue").click()


def set_up_device(user: Clicks) -> None:
    """The link on another device, the question, the yes, the profile."""
    page = user.page
    user.fill(Device_name="Phone")
    user.press("Show code")
    link = page.locator(".steps code").inner_text()
    phone = user.context.new_page()
    phone.goto(link)
    phone.get_by_role("button", name="Set up mail").click()
    user.press("Set up")
    with phone.expect_download():
        phone.get_by_role("button", name="Download profile").click()
    user.look()
    phone.close()


def app_password(user: Clicks) -> None:
    user.press("New app password")
    user.page.get_by_role("dialog").get_by_role("textbox").first.fill("Laptop")
    user.press("Create app password", "Done")
    user.see("Laptop")


def own_name(user: Clicks) -> None:
    user.fill(Your_name="You")
    user.press("Save")
    user.see("Saved")


def choose(label: str) -> Callable[[Clicks], None]:
    """Make the second choice of a list, which is saved at once."""

    def choose_second(user: Clicks) -> None:
        user.page.get_by_label(label).select_option(index=1)
        user.see("Saved")

    return choose_second


def signature(user: Clicks) -> None:
    user.fill(Signature="You, over there")
    user.press("Save")
    user.see("Saved")


def template(user: Clicks) -> None:
    user.press("New template")
    user.fill(Name="Thanks", Subject="Thank you", Message="Many thanks.")
    user.press("Save")
    expect(user.page.get_by_role("link", name="Thanks")).to_be_visible()


def shortcuts(user: Clicks) -> None:
    letters = user.page.get_by_label("Single-letter shortcuts")
    for change in (letters.uncheck, letters.check):  # the webmail is walked by them
        with user.page.expect_response(lambda answer: "/api/" in answer.url):
            change()


def masked(user: Clicks) -> None:
    user.press("New address")
    user.fill(Website="shop.example")
    user.press("Create address", "Done")
    user.see("shop.example")


def rules(user: Clicks) -> None:
    user.press("New rule")
    user.fill(From="news@")
    user.page.get_by_label("Move to").select_option(label="Archive")
    user.press("Save")
    user.see("Rules saved")


def away(user: Clicks) -> None:
    user.page.get_by_label("Send vacation reply").check()
    user.fill(Reply="Back on Monday.")
    user.press("Save")
    user.see("Saved")


def forwarding(user: Clicks) -> None:
    user.fill(Address="third@far.example")
    user.press("Add")
    user.see("not confirmed")


def script(user: Clicks) -> None:
    user.press("New script")
    user.page.get_by_role("textbox", name="Script").fill("keep;\n")
    user.page.get_by_label("Name", exact=True).first.fill("mine")
    user.press("Save")
    user.see("Script saved")


def junk(user: Clicks) -> None:
    user.press("Train with Archive and Junk")
    user.fill(Reject_if_score_is_above="0.98")
    user.press("Save")
    user.see("Saved")


def suppression(user: Clicks) -> None:
    user.press("Add address")
    user.page.get_by_role("dialog").get_by_role("textbox").first.fill("gone@far.example")
    user.page.get_by_role("dialog").get_by_role("button", name="Add").click()
    user.see("gone@far.example")


def transfer(user: Clicks) -> None:
    page = user.page
    page.locator("main input[type=file]").first.set_input_files(
        {"name": "old.mbox", "mimeType": "application/mbox", "buffer": MBOX}
    )
    user.fill(Import_into_folder="Inbox")
    page.get_by_role("button", name="Import", exact=True).last.click()
    user.see("1 message")
    with page.expect_download():
        user.press("Download")


def share(user: Clicks) -> None:
    user.fill(Shared_with="ann")
    user.press("Share")
    user.see("Shared by you")


def webhooks(user: Clicks) -> None:
    user.page.get_by_label("URL").first.fill("https://hooks.far.example/sent")
    user.press("Save")
    user.see("Saved")


def search(user: Clicks) -> None:
    user.page.get_by_role("searchbox").fill("generate password")
    user.page.get_by_role("link", name="Generate password").click()
    expect(user.page.get_by_role("button", name="Generate password")).to_be_visible()


ACCOUNT: Final[Mapping[str, Callable[[Clicks], None]]] = {
    "search": search,
    "device": set_up_device,
    "security": app_password,
    "addresses": own_name,
    "appearance": choose("List density"),
    "writing": signature,
    "templates": template,
    "reading": choose("Mark as read"),
    "notifications": lambda user: user.see("Notify me about new mail on this device"),
    "shortcuts": shortcuts,
    "masked": masked,
    "rules": rules,
    "away": away,
    "forwarding": forwarding,
    "scripts": script,
    "junk": junk,
    "suppressed": suppression,
    "transfer": transfer,
    "links": lambda user: user.press("Add account"),
    "shares": share,
    "keys": webhooks,
}
"""The pages of the account app, and what is done there."""


def add_account(user: Clicks) -> None:
    user.press("Add account")
    user.fill(Name="ann")
    user.page.get_by_label("Name", exact=True).press("Tab")
    user.page.get_by_role("dialog").get_by_role("button", name="Add account").click()
    user.press("Done")
    expect(user.page.get_by_role("heading", name="ann", level=1)).to_be_visible()


def add_domain(user: Clicks) -> None:
    user.press("Add domain")
    user.page.get_by_role("dialog").get_by_role("textbox").first.fill("club.example")
    user.page.get_by_role("dialog").get_by_role("button", name="Add domain").click()
    expect(user.page.get_by_role("heading", name="club.example", level=1)).to_be_visible()


def tabs(*paths: str) -> Callable[[Clicks], None]:
    """Open the tabs of a page."""

    def open_all(user: Clicks) -> None:
        for path in paths:
            user.page.locator(f"main a[href='#{path}']").first.click()
            expect(user.page).to_have_url(re.compile(re.escape(f"#{path}") + "$"))
            expect(user.page.locator("main h1")).to_be_visible()
            user.look()

    return open_all


def hold(user: Clicks) -> None:
    tabs("queue/finished", "queue/webhooks", "queue/suppressions", "queue/rules")(user)
    user.press("Add hold rule")
    user.fill(Sender="noise.example")
    user.press("Add rule")
    user.see("noise.example")
    remove = user.page.get_by_role("button", name="Delete rule")
    for left in reversed(range(remove.count())):  # also the rule of `used`, which holds everything
        remove.first.click()
        expect(remove).to_have_count(left)


def reverse(user: Clicks) -> None:
    user.fill(Look_up_another_address="5.45.100.20")
    user.press("Look up")
    user.see("points back|doesn't point back|no reverse DNS")


def redirect(user: Clicks) -> None:
    user.press("Redirect")
    user.fill(Host="old.example.org", Path="/", To="https://example.com")
    user.page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(user.page.locator("summary", has_text="old.example.org")).to_be_visible()


def export(user: Clicks) -> None:
    with user.page.expect_download():
        user.press("Export as CSV")


def metrics(user: Clicks) -> None:
    user.page.get_by_label("Name or description").fill("disk free_bytes")
    user.see("1 metric")


def token(user: Clicks) -> None:
    user.press("Create token…")
    user.fill(API_client_name="billing")
    user.page.get_by_role("dialog").get_by_label("Accounts").check()
    user.press("Create token", "Done")
    user.see("billing")


ADMIN: Final[Mapping[str, Callable[[Clicks], None]]] = {
    "overview": lambda user: user.see("Accepting and sending mail"),
    "accounts": add_account,
    "domains": add_domain,
    "queue": hold,
    "live": lambda user: user.press("Pause"),
    "trends": tabs("trends?days=90", "trends/limits"),
    "reports": tabs("reports/sources", "reports/tls", "reports/own", "reports/mta-sts"),
    "network": reverse,
    "routes": lambda user: user.press("Add"),
    "web": redirect,
    "log": tabs("log/connection", "log/levels"),
    "audit": export,
    "metrics": metrics,
    "backups": lambda user: user.press("Copy"),
    "standby": lambda user: user.see("Standby server"),
    "config": tabs("config/moxlite.toml?as=effective", "config/domains.toml", "config/domains.toml?as=effective"),
    "two-step": token,
    "provider": lambda user: user.see("Check a provider"),
    "sessions": lambda user: user.see("this session"),
}
"""The pages of the admin app, and what is done there."""
