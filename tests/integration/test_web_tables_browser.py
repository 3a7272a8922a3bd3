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
from tests.integration.conftest import panics
from tests.integration.test_web_account_pages_browser import PAGES as ACCOUNT
from tests.integration.test_web_admin_browser import log_in, submit
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
)
"""Pages of the admin app with lists, tabs of their own, filters or plots."""

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
  for (const cell of document.querySelectorAll("main td")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (!shown(text.parentElement)) continue;
      for (const { 0: word, index } of text.data.matchAll(/\\S+/g)) {
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
        if (word.length <= 20 && !/[-/]/.test(word) && lines.size > 1) faults.push(`broken: ${word} in ${said(cell)}`);
      }
    }
  }
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
"""What of a page is broken, cut, too small, or touches another thing."""


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
        account.call("config_tlspubkey_add", certificate=certificate, name="card", address=found.user)
        for name in ("Phone", "Old laptop"):
            account.call("account_app_password_add", name=name, scopes=["imap"], read_only=False, expires=None)
        for name in ("invoices", "lists"):
            account.call("account_sieve_put", script=name, old=None, text="keep;", activate=False)
        account.call("queue_suppress_add", address="gone@far.example", reason="550 5.1.1 no such user here")
        account.call("account_share_set", mailbox="Archive", guest="ben@hill.example", rights="lr", below=False)
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
