"""Where the dialogs of the settings, the account app and the admin app are, at five widths, each on a fresh page.

Each button of a page opens a dialog or is in `ACTS`: a new button belongs into one of the lists.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import count
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from moxlite.net.tls.certificates import self_signed
from moxlite.process.localserve import ADMIN_PASSWORD
from tests.geometry import WIDTHS, Box, fresh, hidden_saves, in_sight, ugly
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_account_pages_browser import PAGES
from tests.integration.test_web_admin_browser import PLACES, submit
from tests.integration.test_web_axe_browser import AXE, judge as judge_by_axe
from tests.integration.test_web_calendar_browser import Desk
from tests.keyproof import proof_of
from tests.running import LocalServer
from tests.tools import until
from tests.webcalls import Caller

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

EACH: Final = {**WIDTHS, 1280: 800}
"""Height of the window by its width."""

ACCOUNT: Final[dict[str, set[str]]] = {
    "security": {
        *("Change password", "Generate password", "Add authenticator app", "Add security key", "New app password"),
        *(
            "Edit Phone",
            "Remove Phone",
            "Remove card",
            "Remove App password, Phone",
            "Remove Client certificate, card.*",
        ),
        *("Remove Shared folder, Archive, ben", "Remove Browser.*", "This wasn't me"),
    },
    "masked": {"New address", "Edit shop.*", "Delete shop.*"},
    "scripts": {"Rename old", "Delete old"},
    "suppressed": {"Add address"},
    "links": {"Add account"},
    "shares": {"Add person", "Stop sharing Archive with ben"},
    "keys": {"Add certificate", "Change card", "Remove card"},
}
"""Pages of the account app, and what opens a dialog there."""

ONE: Final = {"Limits…", "New password", "Lock…", "Delete…"}
"""Above each page of an account."""

DOMAIN: Final = {"Delete…"}
"""Above each page of a domain."""

ADMIN: Final[dict[str, set[str]]] = {
    "accounts": {"Add account"},
    "accounts/ben?tab=addresses": ONE | {"Add address", "Remove ben@hill.example"},
    "accounts/ben?tab=security": ONE | {"Recovery link…", "Add certificate"},
    "accounts/moxlite?tab=security": ONE
    | {"Recovery link…", "Add certificate", "Remove card", "Remove Shared folder, Archive, ben"}
    | {"Remove App password, Phone", "Remove Client certificate, card.*", "Remove Browser.*"},
    "domains": {"Add domain"},
    "domains/hill.example?tab=dns": DOMAIN | {"Set DNS provider…"},
    "domains/hill.example?tab=addresses": DOMAIN | {"Forward…"},
    "domains/hill.example?tab=aliases": DOMAIN | {"Add alias", "Delete team@hill.example"},
    "domains/hill.example/aliases/team?tab=aliases": DOMAIN | {"Add members", "Delete alias…"},
    "domains/hill.example?tab=keys": DOMAIN | {"Create key", "Delete 2026.*"},
    "queue/rules": {"Add hold rule"},
    "queue/suppressions": {"Suppress an address"},
    "reports/own": {"Suppress an address"},
    "routes": {"Add route"},
    "web": {"Static site", "Redirect", "Proxy"},
    "backups": {"Back up now"},
    "two-step": {"Change password…", "Add authenticator app", "Add security key", "Create token…"},
}
"""Pages of the admin app, and what opens a dialog there."""

ACTS: Final = re.compile(
    "Save|Add|Remove|Delete|Filter|Show .*|Copy.*|Check .*|Try now|Share|Download|Disable|Enable|Export as CSV|as JSON"
    "|Set up a device|New rule|New script|Activate old|Apply .*|Choose folders|Send test|Look up"
    "|Log out .*|End session from .*|Revoke .*|Turn off .*|Remove (gone|ben)@.*"
    "|Delete rule|Attempts for .*|check now|Undo changes"
    "|Delete Thanks|Why\\? .*|Remove (unknown|Chrome on Linux)|(Add|Remove) condition"
    "|New template|Open email links from web pages here|(moxlite|Gmail) shortcuts"
    "|Test rules|Pause|All|Deliveries|Logins|Sends|Import another file|Cancel"
)
"""Names of buttons that act at once, show a part of their page or another page, or save their form."""

WEBMAIL: Final = (
    ("Calendar", "Calendars", ("New calendar", "Edit “Calendar”", "Deleted events…", "New event")),
    (
        "Contacts",
        "Address books",
        ("New contact", "New address book", "New group", "Edit “Contacts”", "Deleted contacts…", "Find duplicates…"),
    ),
)
"""Pages of the webmail, a button that shows the others below 1100 px, and what opens a dialog there."""

NAMES: Final = """(buttons) => buttons.filter((one) => one.checkVisibility() && !one.disabled)
  .map((one) => one.getAttribute("aria-label") || one.innerText.trim())"""
"""The names of the buttons that can be pressed."""

FAULTS: Final = """(dialog) => {
  const faults = dialog.scrollWidth > dialog.clientWidth ? ["it scrolls sideways"] : [];
  for (const one of dialog.querySelectorAll("button, input, select, textarea, summary, a[href]")) {
    if (!one.checkVisibility({ visibilityProperty: true })) continue;
    one.scrollIntoView({ block: "nearest" });
    const { left, top, right, bottom, width } = one.getBoundingClientRect();
    if (width < 2) continue;
    if (left < -0.5 || top < -0.5 || right > innerWidth + 0.5 || bottom > innerHeight + 0.5)
      faults.push(`outside: ${one.outerHTML.slice(0, 120)}`);
    const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (over === null || !(one.contains(over) || one.closest("label")?.contains(over)))
      faults.push(`${over?.outerHTML.slice(0, 120)} is over ${one.outerHTML.slice(0, 120)}`);
  }
  return faults;
}"""
"""What of a dialog cannot be reached: each of its controls is scrolled to, as the Tab key does."""

SCROLLED: Final = """(dialog) => [dialog, ...dialog.querySelectorAll("*")]
  .filter((one) => one.scrollTop !== 0)
  .map((one) => `${one.tagName} ${one.className} is scrolled by ${one.scrollTop} px`)"""
"""What of a dialog that has just opened isn't shown from its beginning."""

PLACES_OF_BUTTONS: Final = """(dialog) => {
  const faults = [];
  const shown = [...dialog.querySelectorAll(".dialog-buttons")].filter((one) => one.checkVisibility());
  const forms = new Set(shown.map((one) => one.closest("form")));
  const rows = shown.length;
  if (rows > 1 && (forms.has(null) || forms.size < rows)) faults.push(`${rows} rows of buttons`);
  for (const primary of dialog.querySelectorAll(".btn.primary"))
    if (primary.checkVisibility() && primary.closest(".dialog-buttons") === null)
      faults.push(`apart from the other buttons: ${primary.outerHTML.slice(0, 120)}`);
  for (const row of shown) {
    const buttons = [...row.children].filter((one) => one.checkVisibility());
    const acts = buttons.findIndex((one) => one.classList.contains("primary"));
    if (acts !== -1 && acts + 1 < buttons.length) faults.push(`not the last: ${buttons[acts].outerHTML.slice(0, 120)}`);
  }
  for (const one of dialog.querySelectorAll("button, select, input"))
    if (one.checkVisibility() && getComputedStyle(one).backgroundColor === "rgb(239, 239, 239)")
      faults.push(`as the browser draws it: ${one.outerHTML.slice(0, 120)}`);
  return faults;
}"""
"""Buttons of a dialog that are not in its one row, or drawn by the browser."""

SETTINGS: Final = """
[transports.relay.submission]
host = "relay.example.org"

[backup]
schedule = "24h"
target = "{target}"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server whose pages have a row of each kind; it must have counted no panic."""
    folder = tmp_path_factory.mktemp("dialogs")
    made = LocalServer(folder / "server")
    static = made.folder / "config" / "moxlite.toml"
    static.write_text(static.read_text() + SETTINGS.format(target=folder / "backups"))
    with made as found:
        found.cli("config", "domain", "add", "hill.example", "moxlite")
        found.cli("config", "account", "add", "ben", "ben@hill.example")
        found.cli("config", "alias", "add", "team@hill.example", "ben@hill.example")
        found.cli("queue", "holdrules", "add")
        submit(found)
        account = Caller(found.port(80), found.user, found.password, "/")
        account.log_in()
        pair = self_signed(["ann"])
        account.call(
            "config_tlspubkey_add",
            certificate=pair.certificate_pem().decode(),
            name="card",
            address=found.user,
            proof=proof_of(pair.key, account.call("config_tlspubkey_challenge")["command"]),
        )
        account.call("account_app_password_add", name="Phone", scopes=["imap"], read_only=False, expires=None)
        account.call("address_add", site="shop.example", word="shop", domain="localhost")
        account.call("queue_suppress_add", address="gone@far.example", reason="")
        account.call("account_sieve_put", script="old", old=None, text="keep;", activate=False)
        account.call("account_share_set", mailbox="Archive", guest="ben@hill.example", rights="lr", below=False)
        webmail = Caller(found.port(80), found.user, found.password)
        webmail.log_in()
        webmail.call(
            "template_save", template={"id": 0, "name": "Thanks", "subject": "", "text": "Thank you.", "html": ""}
        )
        yield found
        assert panics(found) == 0, found.log()


def judge(page: Page, button: str, *, opened: bool = True) -> None:
    """A dialog is inside the window and shows its beginning if it has just `opened`, nothing lies over it, and each of
    its controls can be reached; its buttons are in one place, the one that acts last. In the webmail nothing is cut,
    stretched or in colors of the browser. At the largest width axe judges it, too.
    """
    dialog = page.locator("dialog:modal").last
    expect(dialog, f"that “{button}” opens").to_be_visible()
    in_sight(dialog)
    assert not opened or dialog.evaluate(SCROLLED) == [], f"the dialog of “{button}”"
    assert dialog.evaluate(FAULTS) == [], f"the dialog of “{button}”"
    assert dialog.evaluate(PLACES_OF_BUTTONS) == [], f"the dialog of “{button}”"
    assert hidden_saves(dialog) == [], f"the dialog of “{button}”"
    assert "/webmail/" not in page.url or ugly(page, f"the dialog of “{button}”", schemes=["light"]) == []
    if page.evaluate("innerWidth") == max(WIDTHS) and AXE.exists():
        assert judge_by_axe(page, None) == [], f"the dialog of “{button}”"


_numbers = count()


def load(page: Page, app: str, place: str, opens: Iterable[str]) -> list[str]:
    """Load a page anew; the names of its buttons once it has those that open dialogs. Another query is another
    document, in the same process of the browser: with an empty page between it would be a new one.
    """
    page.goto(f"{app}?{next(_numbers)}#{place}")
    expect(page.locator("main h1")).to_be_visible()
    names: list[str] = []

    def complete() -> bool:
        names[:] = page.locator("main button").evaluate_all(NAMES)
        return all(any(re.fullmatch(one, name) for name in names) for one in opens)

    until(complete, what=f"{opens} on {place}")
    return names


@pytest.mark.landing("390-account")
@pytest.mark.parametrize("app", ["account", "admin"])
@pytest.mark.parametrize("width", EACH)
def test_the_dialogs_of_a_page_are_in_sight(chromium: Browser, server: LocalServer, app: str, width: int) -> None:
    """WEB-164c: each from a page that has just been loaded; every button of these pages is known. What saves a form of
    a page or dialog is in the window, whichever field one is in.
    """
    size = {"width": width, "height": EACH[width]}
    visitor = Visitor(chromium, server, viewport=size, has_touch=width < 700)
    page = visitor.page
    if app == "admin":
        visitor.enter("/admin/", ADMIN_PASSWORD)
    else:
        visitor.enter("/")
    expect(page.locator("main h1")).to_be_visible()
    address = page.url.partition("#")[0]
    pages = ADMIN if app == "admin" else ACCOUNT
    links = [name for names in PLACES.values() for name in names] if app == "admin" else PAGES
    # what the other pages have does not change with the width
    for place in dict.fromkeys([*pages, *links] if width in (390, 1280) else pages):
        opens = pages.get(place, set())
        names = load(page, address, place, opens)
        known = re.compile("|".join([*opens, ACTS.pattern]))
        assert [name for name in names if not known.fullmatch(name)] == [], f"on {place}: does it open a dialog?"
        assert hidden_saves(page.locator("main")) == [], f"on {place}"
        for at, button in enumerate(sorted(opens)):
            if at:
                names = load(page, address, place, opens)
            name = next(name for name in names if re.fullmatch(button, name))
            page.locator("main").get_by_role("button", name=name, exact=True).first.click()
            judge(page, name)
    visitor.close()


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", EACH)
def test_the_dialogs_of_the_webmails_pages_are_in_sight(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEB-164c: of the calendar and the contacts; each from a page that has just been loaded."""
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        for name, shows, buttons in WEBMAIL:
            for button in buttons:
                page.goto(f"{visitor.base}/webmail/?{next(_numbers)}")
                expect(page.locator(".list-title")).to_have_text("Inbox")
                page.get_by_role("link", name=name, exact=True).click()
                found = page.locator("#app.other-place")
                expect(found).to_be_visible()
                if not button.startswith("New ") or button in ("New calendar", "New address book", "New group"):
                    if width < 700:
                        found.get_by_role("button", name="Folders").click()
                    elif width < 1100:
                        found.get_by_role("button", name=shows, exact=True).click()
                found.get_by_role("button", name=button).locator("visible=true").first.click()
                judge(page, button)


@pytest.mark.landing("390", "1440")
@pytest.mark.parametrize("width", EACH)
def test_the_dialogs_of_an_event_are_in_sight(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEB-164c, WEBMAIL-175: what it says, its whole form with guests, colors and a rule of its own, and the question
    which of a series is meant.
    """
    with fresh(chromium, server, width) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        start = desk.today.replace(hour=9) + timedelta(days=1)
        guests = [{"name": "", "address": f"guest{number}.of.a.long.name@letters.example"} for number in range(3)]
        rule = "FREQ=MONTHLY;BYDAY=-1WE"
        more = {"rule": rule, "guests": guests, "alarms": [10, 60], "place": "https://meet.example.org/regatta"}
        desk.add(f"Regatta {width}", start, start + timedelta(hours=1), desk.call("calendars")[0]["id"], **more)
        calendar = desk.open()
        calendar.get_by_role("button", name="Agenda", exact=True).click()
        calendar.locator(".cal-event", has_text=f"Regatta {width}").first.click()
        judge(page, "an event")
        page.get_by_role("button", name="Edit", exact=True).click()
        form = page.get_by_role("dialog", name="Edit event")
        expect(form.get_by_role("listitem").first).to_be_visible()
        judge(page, "Edit")
        form.locator("select", has=page.locator("option[value=custom]")).select_option("custom")
        expect(form.get_by_role("group", name="Repeat", exact=True)).to_be_visible()
        judge(page, "Custom…", opened=False)
        form.get_by_label("Title").fill(f"Regatta of {width}")
        form.get_by_role("button", name="Save").click()
        expect(page.get_by_role("radio", name="Only this event")).to_be_visible()
        judge(page, "Save")


@pytest.mark.landing("1093", "390")
@pytest.mark.parametrize("width", WIDTHS)
def test_the_head_of_a_composer_stands_at_its_first_row(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-87: the label and the buttons of the recipients; the subject is on the screen once, a bar's too. The
    caret shows where one writes: no box is round the text.
    """
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".compose-round, .compose-new").locator("visible=true").click()
        composer = page.locator(".composer")
        to = composer.get_by_label("To", exact=True)
        for number in range(3):
            to.fill(f"Ada Lindqvist of the north {number} <ada{number}@nordlicht.example>")
            to.press("Enter")
        composer.get_by_label("Subject").fill("Minutes")
        row = in_sight(composer.locator(".chip").first)
        assert Box.of(composer.locator(".chip").last).top > row.bottom
        for beside in (composer.locator(".compose-to > label"), composer.get_by_role("button", name="Bcc")):
            place = in_sight(beside)
            assert abs(place.top + place.bottom - row.top - row.bottom) <= 6
        expect(composer.get_by_text("Minutes")).to_have_count(0)
        composer.get_by_label("Text", exact=True).click()
        expect(composer.locator(".compose-text:focus")).to_have_css("outline-style", "none")
        composer.get_by_role("button", name="Minimize").click()
        in_sight(composer.get_by_role("heading", name="Minutes"))
