"""How the pages of settings and of the admin app look at the widths at which people use them: words stay whole, columns
and cards keep their distance, and what each page has doesn't jump between pages.
"""

from collections.abc import Iterator
from typing import Final

import pytest
from picturing.account import given_away, played
from playwright.sync_api import Browser, Page, Route, expect

from moxlite.net.tls.certificates import self_signed
from tests.geometry import Box
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics, sound_server
from tests.integration.test_web_account_pages_browser import PAGES as ACCOUNT
from tests.integration.test_web_admin_browser import log_in, submit
from tests.keyproof import proof_of
from tests.playedadmin import play
from tests.playedmonth import write_history
from tests.reportdata import write_reports
from tests.running import LocalServer
from tests.webcalls import Caller

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

SIZES: Final = {1440: 900, 1280: 800, 1024: 768, 768: 1024, 390: 844}
"""Height of the window by its width."""

ADMIN: Final = (
    *("overview", "accounts", "accounts/moxlite?tab=security", "domains", "domains/hill.example?tab=addresses"),
    *("domains/hill.example?tab=aliases", "queue", "queue/rules", "queue/finished", "queue/webhooks"),
    *("queue/suppressions", "trends", "reports", "reports/sources", "reports/tls", "reports/own", "reports/mta-sts"),
    *("log", "log/connection", "log/levels", "audit", "two-step", "sessions", "backups"),
    *("accounts/moxlite", "accounts/moxlite?tab=logins", "move", "domains/hill.example", "live", "routes", "network"),
    *("domains/hill.example?tab=keys", "domains/hill.example?tab=setup&step=mailboxes", "web", "standby", "metrics"),
    *("domains/hill.example?tab=setup&step=certificates", "config", "provider", "reports/dmarc/30", "reports/tls/30"),
    "reports/own/remote.example",
)
"""Pages of the admin app, with rows."""

EMPTY: Final = (
    *("overview", "accounts", "accounts/moxlite?tab=members", "accounts/moxlite?tab=security", "move"),
    *("accounts/moxlite?tab=logins", "domains/localhost?tab=setup&step=mailboxes", "domains/localhost"),
    *("domains/localhost?tab=setup&step=certificates", "domains/localhost?tab=addresses", "queue", "queue/rules"),
    *("domains/localhost?tab=aliases", "domains/localhost?tab=keys", "queue/finished", "queue/webhooks"),
    *("queue/suppressions", "trends", "trends/day/20000", "trends/limits", "trends/logins?network=203.0.113.0/26"),
    *("reports", "reports/sources", "reports/sources/localhost?ip=203.0.113.9", "reports/tls", "reports/own"),
    *("reports/mta-sts", "routes", "network", "web", "backups", "standby", "two-step", "provider", "audit"),
)
"""Pages of the admin app that say why they have no rows."""

QUESTIONS: Final = (
    ("domains/hill.example", ("Publish records…", "Review changes")),
    ("domains/hill.example", ("Delete…",)),
    ("accounts/ben", ("Delete…",)),
)
"""Pages and the buttons that lead to a dialog with more than a sentence."""

OWN_TABS: Final = (
    ("queue", "queue/rules", "queue/finished", "queue/webhooks", "queue/suppressions"),
    ("reports", "reports/sources", "reports/tls", "reports/own", "reports/mta-sts"),
    ("log", "log/connection", "log/levels"),
)
"""Pages that have the same tabs below the tabs of their place."""

FAULTS: Final = """() => {
  const faults = [];
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().width > 1;
  const said = (one) => one.textContent.trim().slice(0, 60);
  const range = document.createRange();
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const on = text.parentElement;
    if (!shown(on) || on.closest("pre, svg, .sr, .scroll, .tabs") !== null) continue;
    for (const { 0: word, index } of text.data.matchAll(/\\S+/g)) {
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      const whole = word.length <= 20 && (!/[-/]/.test(word) || /^[\\d-]+$/.test(word));
      if (whole && lines.size > 1) faults.push(`broken: ${word} in ${said(on)}`);
    }
    range.selectNodeContents(text);
    const card = on.closest(".card")?.getBoundingClientRect();
    for (const { left, right } of card === undefined ? [] : range.getClientRects())
      if (left < card.left - 1 || right > card.right + 1) faults.push(`beyond its card: ${said(on)}`);
  }
  for (const value of document.querySelectorAll("main .records td[data-label]")) {
    const bare = value.innerText.trim() === "" && value.querySelector("input, select, svg") === null;
    if (bare && getComputedStyle(value).display === "grid")
      faults.push(`a label without a value: ${value.dataset.label}`);
  }
  for (const row of document.querySelectorAll("main thead tr")) {
    const named = [...row.cells].filter((cell) => cell.querySelector(".sr") === null);
    const titles = named.map((cell) => cell.textContent);
    if (new Set(titles).size < titles.length) faults.push(`two columns of one name: ${titles}`);
  }
  for (const row of document.querySelectorAll("main header:has(> :is(h1, h2))")) {
    const title = row.querySelector("h1, h2").getBoundingClientRect();
    const buttons = [...row.querySelectorAll(":scope > .btn, :scope > .actions > .btn")].filter(shown);
    const [first, ...others] = buttons.map((one) => one.getBoundingClientRect());
    if (first?.top < title.bottom && others.some(({ top }) => top >= first.bottom))
      faults.push(`torn apart: ${said(row)}`);
  }
  for (const line of document.querySelectorAll("main li:has(> .grow)")) {
    const { width } = line.querySelector(":scope > .grow").getBoundingClientRect();
    if (shown(line) && width < 0.45 * line.clientWidth) faults.push(`a narrow column: ${said(line)}`);
  }
  for (const part of document.querySelectorAll("main .card :is(.pair, .meter, .flex, .notice, form, pre)")) {
    const above = part.previousElementSibling;
    if (above === null || !shown(part) || !shown(above) || above.className === part.className) continue;
    const air = parseFloat(getComputedStyle(above).paddingBottom) + parseFloat(getComputedStyle(part).paddingTop);
    const gap = part.getBoundingClientRect().top - above.getBoundingClientRect().bottom;
    if (gap > -1 && gap + air < 4) faults.push(`${said(part)} is at ${said(above)}`);
  }
  for (const card of document.querySelectorAll("main .card")) {
    const parts = [...card.children].filter((one) => one.tagName !== "HEADER" && one.innerText.trim() !== "");
    const hint = card.querySelector(":scope > header > .hint");
    if (shown(card) && parts.length === 0 && (hint === null || card.childElementCount > 1))
      faults.push(`nothing in the card: ${said(card)}`);
  }
  for (const form of document.querySelectorAll("main form.filter:has(> .field:nth-child(4))")) {
    const lefts = [...form.children].map((one) => Math.round(one.getBoundingClientRect().left));
    const columns = new Set(lefts.slice(0, lefts.indexOf(lefts[0], 1)));
    if (innerWidth > 700 && shown(form) && lefts.some((left) => !columns.has(left)))
      faults.push("fields out of line");
  }
  const hero = document.querySelector("main .hero");
  const sign = hero?.querySelector(".i").getBoundingClientRect();
  if (sign?.bottom <= hero?.querySelector("h1").getBoundingClientRect().top)
    faults.push("the sign is above its words");
  // the other apps have longer lines there, in many languages
  if (location.pathname.endsWith("/admin/"))
    for (const line of document.querySelectorAll(".side .nav small"))
      if (shown(line) && line.getBoundingClientRect().height > 18) faults.push(`wrapped: ${said(line)}`);
  for (const card of document.querySelectorAll("main .card")) {
    const place = card.getBoundingClientRect();
    if (!shown(card)) continue;
    for (const one of card.querySelectorAll("button, td, a, input, select")) {
      const { left, right } = one.getBoundingClientRect();
      if (shown(one) && one.closest(".scroll, .tabs") === null && (left < place.left - 1 || right > place.right + 1))
        faults.push(`beyond its card: ${one.outerHTML.slice(0, 120)}`);
    }
    for (const row of card.querySelectorAll("td.num > .flex")) {
      const last = row.lastElementChild?.getBoundingClientRect().right;
      if (getComputedStyle(row.parentElement).display === "table-cell" && last < place.right - 24)
        faults.push(`not at the end of its row: ${said(row)}`);
    }
    for (const other of document.querySelectorAll("main .card")) {
      const { top, left, right } = other.getBoundingClientRect();
      if (other !== card && shown(other) && left < place.right && right > place.left
        && top >= place.bottom - 1 && top < place.bottom + 12)
        faults.push(`${said(other)} touches ${said(card)}`);
    }
  }
  const pen = document.createElement("canvas").getContext("2d");
  for (const one of document.querySelectorAll("main input[placeholder]")) {
    const style = getComputedStyle(one);
    pen.font = style.font;
    const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (shown(one) && pen.measureText(one.placeholder).width > room + 1) faults.push(`cut: ${one.placeholder}`);
  }
  for (const text of document.querySelectorAll("main .plot text"))
    if (shown(text) && text.getBoundingClientRect().height < 9) faults.push(`too small to be read: ${said(text)}`);
  for (const button of document.querySelectorAll("main .empty > .btn")) {
    const above = button.previousElementSibling?.getBoundingClientRect().bottom ?? -Infinity;
    if (shown(button) && button.getBoundingClientRect().top < above + 12) faults.push(`too near: ${said(button)}`);
  }
  const brand = document.querySelector(".side .brand > span");
  if (shown(brand) && (brand.scrollWidth > brand.clientWidth || brand.getBoundingClientRect().height > 30))
    faults.push("the name of the app doesn't fit");
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page scrolls sideways");
  return faults;
}"""
"""What of a page is broken, cut, too small, empty, or touches another thing."""

CUT: Final = """(dialog) => {
  const faults = [];
  const said = (one) => one.textContent.trim().slice(0, 60);
  for (const one of dialog.querySelectorAll("pre"))
    if (one.scrollWidth > one.clientWidth) faults.push(`cut: ${said(one)}`);
  for (const one of dialog.querySelectorAll(".dialog-text > *, .dialog-text + *")) {
    const above = one.previousElementSibling?.getBoundingClientRect().bottom ?? -Infinity;
    if (one.getBoundingClientRect().top < above + 6) faults.push(`too near: ${said(one)}`);
  }
  for (const one of dialog.querySelectorAll(".dialog-text li"))
    if (getComputedStyle(one).listStyleType === "none") faults.push(`no mark: ${said(one)}`);
  return faults;
}"""
"""What of a dialog is cut, or touches another thing."""


UNEVEN: Final = """() => {
  const faults = [];
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().width > 1;
  const place = (one) => one.getBoundingClientRect();
  const titles = [...document.querySelectorAll("main .card > header > h2")].filter(shown);
  const edges = new Set(titles.map((one) => Math.round(place(one).left - place(one.closest(".card")).left)));
  if (edges.size > 1) faults.push(`titles of cards are ${[...edges].join(", ")} px from their edge`);
  for (const row of document.querySelectorAll("main td.num > .flex")) {
    const middles = [...row.children].filter(shown).map((one) => (place(one).top + place(one).bottom) / 2);
    if (innerWidth >= 1024 && Math.max(...middles) - Math.min(...middles) > 4)
      faults.push(`in two lines: ${row.textContent}`);
  }
  const fields = "input:not([type=checkbox], [type=radio], [type=file], [type=time]), textarea";
  for (const one of document.querySelectorAll(`main :is(${fields})`)) {
    const { left, top, right, bottom, width } = place(one);
    if (!shown(one)) continue;
    if (width < 100) faults.push(`${Math.round(width)} px wide: ${one.outerHTML.slice(0, 120)}`);
    const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (document.querySelector("main .transfer") && over?.closest(".flex:has(> [type=submit])"))
      faults.push(`${over.outerHTML.slice(0, 120)} is over ${one.outerHTML.slice(0, 120)}`);
  }
  for (const one of document.querySelectorAll("button, summary, main select")) {
    const { appearance, borderTopStyle, display } = getComputedStyle(one);
    if (shown(one) && (borderTopStyle === "outset" || display === "list-item" || appearance === "menulist"))
      faults.push(`drawn by the browser: ${one.outerHTML.slice(0, 120)}`);
  }
  const pen = document.createElement("canvas").getContext("2d");
  for (const one of document.querySelectorAll("main .condition select")) {
    const { font, paddingLeft, paddingRight } = getComputedStyle(one);
    pen.font = font;
    const { width } = pen.measureText(one.selectedOptions[0].text);
    if (shown(one) && width > one.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) + 1)
      faults.push(`cut: ${one.selectedOptions[0].text}`);
  }
  for (const cell of document.querySelectorAll("main td[data-label]:empty"))
    if (getComputedStyle(cell).display !== "table-cell" && shown(cell))
      faults.push(`a label without a value: ${cell.dataset.label}`);
  for (const links of document.querySelectorAll("main .place-pages")) {
    const lefts = [...links.querySelectorAll("a")].map((one) => place(one).left);
    const title = place(links.querySelector("b"));
    if (innerWidth > 700 && Math.min(...lefts) < title.right) faults.push(`links below ${links.textContent}`);
  }
  return faults;
}"""
"""What of a page of settings is not in line, too narrow, covered, or drawn as the browser does by itself."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with rows of each kind; it must have counted no panic."""
    made = LocalServer(tmp_path_factory.mktemp("tables") / "server")
    write_reports(made.folder / "data")
    write_history(made.folder / "data")
    with made as found:
        found.cli("config", "domain", "add", "hill.example", "moxlite")
        for name in ("ben", "margaret"):
            found.cli("config", "account", "add", name, f"{name}@hill.example")
        found.cli("config", "alias", "add", "family@hill.example", "ben@hill.example")
        submit(found)
        account = Caller(found.port(80), found.user, found.password, "/")
        account.log_in()
        pair = self_signed(["ann"])
        certificate = pair.certificate_pem().decode()
        proof = proof_of(pair.key, account.call("config_tlspubkey_challenge")["command"])
        account.call("config_tlspubkey_add", certificate=certificate, name="card", address=found.user, proof=proof)
        for name in ("Phone", "Old laptop"):
            account.call("account_app_password_add", name=name, scopes=["imap"], read_only=False, expires=None)
        for name in ("invoices", "lists"):
            account.call("account_sieve_put", script=name, old=None, text="keep;", activate=False)
        account.call("queue_suppress_add", address="gone@far.example", reason="550 5.1.1 no such user here")
        account.call("account_share_set", mailbox="Archive", guest="ben@hill.example", rights="lr", below=False)
        account.call("account_delegate_set", guest="ben@hill.example", sends="as", ends=0, whole=True)
        forwards = {"forward_to": ["friend@far.example"], "keep_copy": True}
        account.call("account_forward_set", old={"forward_to": [], "keep_copy": True}, changed=forwards)
        yield found
        assert panics(found) == 0, found.log()


def go(page: Page, address: str) -> None:
    """Load a page anew, with what it asks for."""
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator("main h1").first).to_be_attached()
    page.wait_for_load_state("networkidle")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server on its first day."""
    with sound_server(tmp_path_factory.mktemp("bare") / "server") as found:
        yield found


@pytest.mark.landing("768-account", "1024-admin")
@pytest.mark.parametrize("app", ["account", "admin"])
@pytest.mark.parametrize("width", SIZES)
def test_words_stay_whole_and_things_keep_their_distance(
    chromium: Browser, server: LocalServer, app: str, width: int
) -> None:
    """WEB-164d: on each page, with rows: no word of up to 20 signs is broken in a list, and nothing leaves its card;
    buttons are at the end of their row, cards don't touch; hints of fields and the app's name are whole, and the
    names in plots can be read.
    """
    visitor = Visitor(chromium, server, viewport={"width": width, "height": SIZES[width]})
    page = visitor.page
    if app == "admin":
        log_in(visitor)
        play(page)
    else:
        page.route("**/api/link_list", lambda route: route.fulfill(json=played()))
        page.route("**/api/masked_list", lambda route: route.fulfill(json=given_away()))
        visitor.fill_in("/")
        expect(page.locator("main h1")).to_be_visible()
    wrong: list[str] = []
    for name in ADMIN if app == "admin" else ACCOUNT:
        go(page, f"{visitor.base}/{'admin/' if app == 'admin' else ''}#{name}")
        wrong += [f"{name}: {fault}" for fault in page.evaluate(FAULTS)]
    assert wrong == [], "\n".join(wrong)
    visitor.close()


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", SIZES)
def test_pages_without_rows_say_so(chromium: Browser, bare: LocalServer, width: int) -> None:
    """WEB-164d: on the server's first day no card of the admin app is empty, and its pages are as tidy as with rows."""
    visitor = Visitor(chromium, bare, viewport={"width": width, "height": SIZES[width]})
    log_in(visitor)
    wrong: list[str] = []
    for name in EMPTY:
        go(visitor.page, f"{visitor.base}/admin/#{name}")
        wrong += [f"{name}: {fault}" for fault in visitor.page.evaluate(FAULTS)]
    assert wrong == [], "\n".join(wrong)
    visitor.close()


@pytest.mark.landing("1024")
@pytest.mark.parametrize("width", SIZES)
def test_settings_are_in_line_and_have_room(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEB-164d: on each page, and with what opens on it: titles of cards have one edge, the buttons of a row one line,
    fields have room, nothing that saves lies over a field of a form that nobody writes in, and controls are our own.
    """
    visitor = Visitor(chromium, server, viewport={"width": width, "height": SIZES[width]})
    page = visitor.page
    page.route("**/api/link_list", lambda route: route.fulfill(json=played()))
    page.route("**/api/masked_list", lambda route: route.fulfill(json=given_away()))
    visitor.fill_in("/")
    expect(page.locator("main h1")).to_be_visible()
    wrong: list[str] = []

    def judge(name: str) -> None:
        wrong.extend(f"{name}: {fault}" for fault in page.evaluate(UNEVEN) + page.evaluate(FAULTS))

    for name in ACCOUNT:
        go(page, f"{visitor.base}/#{name}")
        page.evaluate("document.querySelectorAll('main details').forEach((one) => one.open = true)")
        judge(name)
        if name == "rules":
            page.get_by_role("button", name="New rule").click()
            expect(page.locator(".condition")).to_be_visible()
            judge("a new rule")
        elif name == "writing":
            page.get_by_label("Use formatting").check()
            expect(page.locator("main [contenteditable=true]")).to_be_visible()
            judge("a signature with formatting")
        elif name == "scripts":
            page.get_by_role("button", name="Apply invoices to existing mail").click()
            expect(page.get_by_role("region", name="Apply to existing mail").locator(".notice")).to_be_visible()
            judge("a script that is applied")
    assert wrong == [], "\n".join(wrong)
    visitor.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_question_shows_all_that_it_is_about(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEB-164d: what a dialog lists isn't cut, and keeps its distance from the text above and the field below."""
    visitor = Visitor(chromium, server, viewport={"width": width, "height": SIZES[width]})
    log_in(visitor)
    page = visitor.page
    play(page)
    for name, buttons in QUESTIONS:
        go(page, f"{visitor.base}/admin/#{name}")
        for button in buttons:
            page.get_by_role("button", name=button, exact=True).last.click()
        dialog = page.locator("dialog:modal")
        expect(dialog.locator(".zone, .dialog-text")).to_be_visible()
        assert dialog.evaluate(CUT) == [], name
    visitor.close()


def test_what_is_told_covers_nothing_that_saves(chromium: Browser, server: LocalServer) -> None:
    """WEB-164d: "Saved" is at the other side of the window than the places and what saves a page."""
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    visitor.fill_in("/#appearance")
    page = visitor.page
    page.get_by_label("List density").select_option(index=1)
    toast = Box.of(page.locator(".toast"))
    assert toast.right <= 1280
    assert toast.left > 640
    visitor.close()


def test_setting_up_a_second_step_can_be_given_up(chromium: Browser, server: LocalServer) -> None:
    """WEB-164c: by a button, at each of its steps, beside the one that acts."""
    visitor = Visitor(chromium, server)
    visitor.fill_in("/#security")
    page = visitor.page
    for steps in (1, 2):
        page.get_by_role("button", name="Add authenticator app").click()
        dialog = page.get_by_role("dialog")
        if steps == 2:
            dialog.get_by_role("button", name="Continue").click()
            expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
        expect(dialog.locator(".dialog-buttons button")).to_have_text(
            ["Cancel", "Turn on" if steps == 2 else "Continue"]
        )
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Add authenticator app")).to_be_visible()
    visitor.close()


def test_the_tabs_of_a_page_stay_where_they_are(chromium: Browser, server: LocalServer) -> None:
    """WEB-164d: below the tabs of the place, whatever buttons and words the head of the page has."""
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    log_in(visitor)
    for pages in OWN_TABS:
        places: set[float] = set()
        for name in pages:
            go(visitor.page, f"{visitor.base}/admin/#{name}")
            places.add(Box.of(visitor.page.locator(".tabs").nth(1)).top)
        assert len(places) == 1, (pages, places)
    visitor.close()


def test_a_certificate_tells_when_it_was_used(chromium: Browser, server: LocalServer) -> None:
    """WEB-81a: in the list of an account's certificates in the admin app, as its owner sees it."""
    visitor = Visitor(chromium, server)
    log_in(visitor)
    page = visitor.page
    path = "**/admin/api/account_security"
    used = {"last_used": "2026-11-20T08:00:00Z", "last_protocol": "imap", "last_ip": "192.0.2.7"}
    go(page, f"{visitor.base}/admin/#accounts/moxlite?tab=security")
    row = page.get_by_role("table", name="Client certificates").get_by_role("row").last
    expect(row).to_contain_text("not in the last 30 days")

    def answer(route: Route) -> None:
        told = route.fetch().json()
        told["result"]["certificates"][0] |= used
        route.fulfill(json=told)

    page.route(path, answer)
    go(page, f"{visitor.base}/admin/#accounts/moxlite?tab=security")
    expect(row).to_contain_text("20 Nov")
    expect(row).to_contain_text("imap, 192.0.2.7")
    visitor.close()
