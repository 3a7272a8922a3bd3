"""All pages of the admin app with strangers' texts in each place."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from moxlite.admin.dns.check import CHECKS
from moxlite.web.admin.app import API
from moxlite.web.calls import Call, calls_of
from tests.hostiletexts import HOSTILE
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_account_views_browser import SIZES, STRANGE
from tests.integration.test_web_admin_browser import PAGES, log_in
from tests.integration.test_web_axe_browser import AXE, faults
from tests.playedmonth import write_history
from tests.reportdata import write_reports
from tests.running import LocalServer
from tests.strangersrows import write_rows
from tests.webanswers import Answers

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(smoke="tests/integration/test_web_admin_browser.py::test_strangers_words_are_shown_as_text"),
]

PUBLIC: Final = {"login_prep", "login", "login_factor", "confirm_options", "confirm", "logout"}
"""Calls of the log-in, which the server answers itself."""

FIXED: Final[dict[str, dict[str, Any]]] = {
    "history": {"today": 20_000},
    "second_factors": {"server_time": 1_795_000_000_000_000},
}
"""Values of fields that are no texts of strangers and have a meaning, by call."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with strangers' texts in each of its lists; it must have counted no panic."""
    if not AXE.exists():
        pytest.skip("npm packages of the frontend are not installed")
    made = LocalServer(tmp_path_factory.mktemp("adminviews") / "server")
    write_reports(made.folder / "data")
    write_history(made.folder / "data")
    with made as found:
        found.stop()
        write_rows(found.folder / "data", HOSTILE, time.time_ns() // 1000)
        found.start()
        found.cli("config", "domain", "add", "hill.example", "moxlite")
        found.cli("config", "account", "add", "ben", "ben@hill.example")
        found.cli("config", "alias", "add", "family@hill.example", "ben@hill.example")
        yield found
        assert panics(found) == 0, found.log()


class Poison:
    """Answers each call of a page with strangers' texts in each place that has a text."""

    def __init__(self, page: Page) -> None:
        self.answers = Answers(HOSTILE)
        self.calls: dict[str, Call] = dict(calls_of(*API))
        self.answered: set[str] = set()
        page.route("**/admin/api/*", self._answer)

    def _answer(self, route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        given = json.loads(route.request.post_data or "{}")
        if name in PUBLIC:
            route.continue_()
            return
        self.answered.add(name)
        if name == "settings":  # the fields are the program's, the values people's
            found = json.loads(route.fetch().text())
            if "result" in found:
                for field in found["result"]["fields"]:
                    if field["type"] == "text" and field["kind"] == "text":
                        found["result"]["values"][field["name"]] = HOSTILE[len(field["name"]) % len(HOSTILE)]
            route.fulfill(json=found)
            return
        result = self.answers.of(self.calls[name].result, FIXED.get(name))
        if name == "account_uses":  # of the accounts that were asked for, in their order
            result = [one | {"name": asked} for one, asked in zip(result, given["names"], strict=False)]
        elif name == "dns_reports":  # one for each topic, which the program names
            result = [one | {"topic": topic} for one, topic in zip(result, CHECKS, strict=False)]
        elif name == "dns_check":
            result["topic"] = given["topic"]
        elif name == "domain":
            result["aliases"][0]["localpart"] = "family"
        elif name in ("queue_list", "queue_retired_list", "queue_webhook_list", "queue_webhook_retired_list"):
            for number, one in enumerate(result):
                one["id"] = number + 1
        route.fulfill(body=msgspec.json.encode({"result": result}), content_type="application/json")


def show(visitor: Visitor, place: str) -> None:
    """Show a page, with all that can be unfolded in it."""
    page = visitor.page
    page.evaluate("() => document.querySelector('main').replaceChildren()")
    page.goto(f"{visitor.base}/admin/#{place}")
    expect(page.locator("main h1, main .notice.danger").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    page.evaluate(
        """() => {
          for (const one of document.querySelectorAll("main details")) one.open = true;
          for (const one of document.querySelectorAll("main button[aria-expanded=false]")) one.click();
          for (const one of document.querySelectorAll("main button.text.small"))
            if (one.textContent === "Show all") one.click();
        }"""
    )
    page.wait_for_load_state("networkidle")


def broken(visitor: Visitor, place: str) -> list[str]:
    """What strangers' texts have done to a page."""
    page = visitor.page
    wrong = []
    if page.evaluate("window.hacked ?? 0") != 0:
        wrong.append("a script ran")
    if (count := page.locator(STRANGE).count()) > 0:
        wrong.append(f"{count} strange elements")
    if raw := page.evaluate(RAW_AT):
        wrong.append(f"raw controls in {raw}")
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > page.evaluate("innerWidth"):
        wrong.append(f"{wide} px wide: {page.evaluate(WIDE)}")
    return [f"{place}: {one}" for one in wrong]


RAW_AT: Final = """() => {
  const controls = /[\\u0000-\\u0008\\u000b\\u000e-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]/;
  const found = [];
  const look = (text, on) => {
    const up = (one) => `${one.tagName.toLowerCase()}.${one.className}`;
    const over = on.parentElement ?? on;
    if (!controls.test(text)) return;
    found.push(`${up(over.parentElement ?? over)} > ${up(over)} > ${up(on)} ${text.slice(0, 60)}`);
  };
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) look(walk.currentNode.data, walk.currentNode.parentElement);
  for (const one of document.querySelectorAll("[title], [aria-label], [placeholder]"))
    for (const name of ["title", "aria-label", "placeholder"]) look(one.getAttribute(name) ?? "", one);
  return [...new Set(found)].slice(0, 12);
}"""
"""Elements with raw controls in what people read or hear: texts and attributes; the tab's title is one of them."""

WIDE: Final = """() => [...document.querySelectorAll("main *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map((one) => `${one.tagName.toLowerCase()}.${one.className} ${one.textContent.slice(0, 40)}`)"""
"""Elements that reach over the window's edge."""


LISTS: Final = (
    "queue",
    "queue/finished",
    "queue/webhooks",
    "queue/webhooks?finished=true",
    "queue/suppressions",
    "reports",
    "reports/tls",
    "reports/own/remote.example",
    "audit",
    "trends/logins?network=203.0.113.64/26",
)
"""Pages with rows that strangers have left in the server's files: 50 each."""


@pytest.mark.axe
@pytest.mark.parametrize("size", SIZES)
def test_what_strangers_left_on_the_server_is_text(chromium: Browser, server: LocalServer, size: str) -> None:
    """WEB-164a, WEB-84..86: 50 rows in each list, as they come through the server; axe objects to none."""
    width, height = SIZES[size]
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    log_in(visitor)
    wrong: list[str] = []
    for place in LISTS:
        show(visitor, place)
        expect(visitor.page.locator("main tbody tr").nth(len(HOSTILE) - 1)).to_be_attached()
        wrong += broken(visitor, place)
        wrong += [f"{view}: {one}" for view, one in faults(visitor, place)]
    assert wrong == [], "\n".join(wrong)
    visitor.close()


@pytest.mark.parametrize("size", SIZES)
def test_strangers_texts_are_texts_in_every_place(chromium: Browser, server: LocalServer, size: str) -> None:
    """WEB-164a: 50 texts in each place of each page that shows a text, one by one in lists and all at once
    elsewhere: no script, no element, no raw control, nothing wider than the window, no fault of page or policy.
    """
    width, height = SIZES[size]
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    log_in(visitor)
    poison = Poison(visitor.page)
    wrong: list[str] = []
    for whole in (True, False):
        poison.answers = Answers(HOSTILE, turn=3, whole=whole)
        for place in PAGES:
            show(visitor, place)
            wrong += broken(visitor, place)
    assert [one for one in visitor.requests if not one.startswith((visitor.base, "data:", "blob:"))] == []
    assert wrong == [], "\n".join(wrong)
    assert {
        "queue_list",
        "dns_reports",
        "overview",
        "limits_list",
        "account_security",
        "mtasts_kept",
    } <= poison.answered
    visitor.close()
