"""All pages of the account app full of data: as axe-core judges them, with strangers' texts, and in Firefox."""

import base64
import http.client
import http.server
import imaplib
import json
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from tests.firefox import Firefox, firefox
from tests.hostiletexts import HOSTILE
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_account_pages_browser import PAGES
from tests.integration.test_web_axe_browser import AXE, faults
from tests.openings import Opener
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(
        smoke="tests/integration/test_web_account_browser.py::test_mail_goes_in_and_comes_out_as_it_was"
    ),
]

SIZES: Final = {"desk": (1280, 900), "phone": (360, 740)}

STRANGE: Final = "main img:not([alt]), main script, main iframe, main a[href^=javascript]"
"""Elements that no page has."""

LEFT_RAW: Final = """() => {
  const controls = /[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]/;
  return [...document.querySelector("main").innerText].filter((sign) => controls.test(sign));
}"""
"""Controls in the text of a page; `isolated` puts a pair around a text, which is not shown."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with data on each page; it must have counted no panic."""
    if not AXE.exists():
        pytest.skip("npm packages of the frontend are not installed")
    with LocalServer(tmp_path_factory.mktemp("views") / "server") as found:
        populate(found)
        yield found
        assert panics(found) == 0, found.log()


def populate(server: LocalServer) -> None:
    """Put strangers' texts in each place of the account that takes one."""
    opener = Opener(server, server.user, server.password, "/")
    opener.log_in()
    with smtplib.SMTP("127.0.0.1", server.port(25)) as smtp:
        for number, text in enumerate(HOSTILE):
            words = encoded(text)
            octets = f"From: {words} <a{number}@far.example>\r\nSubject: {words}\r\n\r\nx\r\n"
            smtp.sendmail(f"a{number}@far.example", [server.user], octets.encode())
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as imap:
        imap.login(server.user, server.password)
        imap.enable("UTF8=ACCEPT")
        for text in HOSTILE:  # some are refused as names
            name = text.replace("\\", "\\\\").replace('"', '\\"')
            imap._command("CREATE", f'"{name}"'.encode())
            imap.readline()
    for number, text in enumerate(HOSTILE):
        if number < 18:  # an account has 20
            opener.call("account_app_password_add", name=text[:60], scopes=["imap"], read_only=False, expires=None)
        opener.call("account_sieve_put", script=text[:60], old=None, text="keep;", activate=False)
        opener.call("address_add", note=text[:300])
        opener.call("queue_suppress_add", address=f"gone{number}@far.example", reason=text[:300])
        log_in_with(server, text)
    [first, *_] = opener.call("account_rule_list")
    rules = [rule(text, number) for number, text in enumerate(HOSTILE)]
    opener.call(
        "account_rule_set", address=first["address"], old=first["form"], changed=first["form"] | {"rulesets": rules}
    )
    opener.call("account_share_set", mailbox="Inbox", guest="anyone", rights="lr", below=False)
    forwards = {"forward_to": ["friend@far.example"], "keep_copy": True}
    opener.call("account_forward_set", old={"forward_to": [], "keep_copy": True}, changed=forwards)


def encoded(text: str) -> str:
    """The text as encoded words (RFC 2047 §2), one on each line."""
    parts = (base64.b64encode(text[at : at + 12].encode()).decode() for at in range(0, len(text), 12))
    return "\r\n ".join(f"=?utf-8?b?{part}?=" for part in parts)


def rule(text: str, number: int) -> dict[str, Any]:
    """A rule with a stranger's text as its comment."""
    made = {"mailbox": "Lists", "smtp_mail_from_regexp": f"^a{number}@", "msg_from_regexp": "", "verified_domain": ""}
    made |= {
        "list_allow_domain": "",
        "accept_rejects_to_mailbox": "",
        "comment": "".join(one for one in text if one.isprintable()),
    }
    return made | {"headers_regexp": [], "is_forward": False}


def log_in_with(server: LocalServer, agent: str) -> None:
    """Begin a session with this User-Agent; one that is refused is no session."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port(80), timeout=60)
    octets = "".join(one for one in agent if one >= " " and one != "\x7f").encode("utf-8", "replace")
    headers: dict[str, Any] = {"Content-Type": "application/json", "User-Agent": octets.strip() or b"-"}
    connection.request("POST", "/api/login_prep", b"{}", headers)
    answer = connection.getresponse()
    token = json.loads(answer.read()).get("result")
    headers["Cookie"] = (answer.headers.get("set-cookie") or "").partition(";")[0]
    body = {"login_token": token, "username": server.user, "password": server.password}
    connection.request("POST", "/api/login", json.dumps(body).encode(), headers)
    connection.getresponse().read()
    connection.close()


SAVED_OTHERWISE: Final = """() => {
  const seen = (root, kinds) => [...root.querySelectorAll(kinds)].filter((one) => !one.closest("dialog"));
  const text = "textarea, [contenteditable], input:not([type=checkbox], [type=radio], [type=file], [type=hidden])";
  const saves = (root) => seen(root, "button.primary").some((one) => one.textContent === "Save");
  const main = document.querySelector("main");
  return [
    ...seen(main, ":is([data-kept] :is(textarea, input), [data-kept]:is(textarea, input))")
      .filter((one) => !["checkbox", "time"].includes(one.type))
      .map((one) => `text that is saved as it is typed: ${one.outerHTML}`),
    ...seen(main, "form").filter((one) => saves(one) && one.querySelector(text) === null)
      .map((one) => `a button for switches alone: ${one.innerText}`),
    ...seen(main, "section.card").filter((one) => saves(one) && one.querySelector("[data-kept]") !== null)
      .map((one) => `a card that is saved in two ways: ${one.innerText}`),
  ];
}"""
"""Settings of a page that are saved in another way than the one rule has it."""


def test_settings_are_saved_in_one_way(chromium: Browser, server: LocalServer) -> None:
    """WEB-62d: on every page with its data, that of an address too; a switch is saved by itself."""
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    visitor.fill_in("/")
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_be_visible()  # logged in: another address before would ask again
    for name, title in {**PAGES, f"addresses/{server.user}": server.user}.items():
        page.goto(f"{visitor.base}/#{name}")
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        assert page.evaluate(SAVED_OTHERWISE) == [], name
    page.goto(f"{visitor.base}/#forwarding")
    copies = page.get_by_role("region", name="Copies")
    for _ in range(2):
        on = copies.get_by_label("Keep a copy here").is_checked()
        with page.expect_response("**/api/account_forward_set") as saved:
            copies.get_by_label("Keep a copy here").set_checked(not on)
        assert saved.value.ok
        expect(page.get_by_text("Saved", exact=True).first).to_be_visible()
    page.goto(f"{visitor.base}/#reading")
    form = page.locator("form", has=page.get_by_label("Additional header fields, one per line"))
    form.get_by_role("textbox").fill("List-Id:")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True).first).to_be_visible()
    page.reload()
    expect(page.get_by_label("Additional header fields, one per line")).to_have_value("List-Id")
    page.evaluate("document.querySelector('section.card').append(document.querySelector('form:has(textarea)'))")
    assert ["in two ways" in one for one in page.evaluate(SAVED_OTHERWISE)] == [True]
    page.evaluate("document.querySelector('[data-kept]').append(document.querySelector('form textarea'))")
    found = page.evaluate(SAVED_OTHERWISE)
    assert ["as it is typed" in found[0], "switches alone" in found[1], len(found)] == [True, True, 3]
    visitor.close()


@pytest.mark.axe
@pytest.mark.parametrize("size", SIZES)
def test_no_page_has_what_axe_objects_to_and_strangers_texts_are_texts(
    chromium: Browser, server: LocalServer, size: str
) -> None:
    """WEB-164, WEB-164a, WEB-70: 50 texts in each place: names, subjects, browsers, mailboxes, scripts."""
    width, height = SIZES[size]
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    visitor.expect_problem("403")
    visitor.fill_in("/")
    page = visitor.page
    expect(page.get_by_role("heading", name="Addresses", level=1)).to_be_visible()
    wrong: list[tuple[str, str]] = []
    for name, title in PAGES.items():
        page.goto(f"{visitor.base}/#{name}")
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        if name == "rules":
            page.get_by_role("button", name="Test rules").first.click()
            expect(page.get_by_text("onerror").first).to_be_visible()
        wrong += faults(visitor, name)
        assert page.evaluate("window.hacked ?? 0") == 0, name
        assert page.locator(STRANGE).count() == 0, name
        raw = page.evaluate(LEFT_RAW)
        assert raw == [], (name, raw)
    assert [one for one in visitor.requests if not one.startswith((visitor.base, "data:", "blob:"))] == []
    visitor.close()
    assert wrong == [], "\n".join(f"{place}: {one}" for place, one in wrong)


@contextmanager
def receiver(status: int, body: bytes) -> Iterator[str]:
    """The URL of a web server that answers each POST so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library names it
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_address[1]}/hook"
        found.shutdown()


def test_a_webhook_is_tried_and_its_answer_shown(chromium: Browser, server: LocalServer) -> None:
    """WEB-68: code, time and the answer as text, for a right and a wrong one, and for nothing there."""
    visitor = Visitor(chromium, server)
    visitor.fill_in("/#keys")
    page = visitor.page
    url = page.get_by_label("URL").first
    run = page.get_by_role("button", name="Send test").first
    with receiver(200, b"thank you") as good:
        url.fill(good)
        run.click()
        expect(page.locator(".notice.ok")).to_contain_text("Status 200 after")
        expect(page.locator(".notice.ok pre")).to_have_text("thank you")
    with receiver(302, HOSTILE[0].encode()) as bad:
        url.fill(bad)
        run.click()
        expect(page.locator(".notice.danger")).to_contain_text("Status 302 after")
        expect(page.locator(".notice.danger pre")).to_contain_text("onerror")
    url.fill(bad)
    run.click()
    expect(page.locator(".notice.danger")).to_contain_text("after")
    expect(page.locator(".notice.danger pre")).to_have_count(0)
    assert page.evaluate("window.hacked ?? 0") == 0
    visitor.close()


HEADING: Final = "document.querySelector('main h1')?.textContent ?? ''"


def press(browser: Firefox, name: str) -> None:
    """Press the first button of this name."""
    wanted = f"(one) => one.checkVisibility() && one.textContent.trim() === {json.dumps(name)}"
    found = f"[...document.querySelectorAll('button')].find({wanted})"
    browser.wait(found)
    browser.run(f"() => {found}.click()")


def test_the_main_walk_in_firefox(server: LocalServer, tmp_path: Path) -> None:
    """WEB-62..71, WEB-150: log-in, each page, an app password made and used by IMAP, log-out."""
    with firefox(tmp_path / "profile", width=360, height=740, dark=True) as browser:
        base = f"http://localhost:{server.port(80)}"
        browser.open(f"{base}/")
        browser.fill("input[name=username], input[inputmode=email]", server.user)
        browser.fill("input[name=password]", server.password)
        browser.press("Enter")
        browser.wait(f"{HEADING}.includes('Addresses')")
        for name, title in PAGES.items():
            browser.open(f"{base}/#{name}")
            browser.wait(f"{HEADING}.includes({json.dumps(title)})")
            browser.wait("document.documentElement.scrollWidth <= 360")
        browser.open(f"{base}/#security")
        press(browser, "New app password")
        browser.fill("dialog input[type=text], dialog input:not([type])", "Firefox walk")
        press(browser, "Create app password")
        browser.wait("document.querySelector('dialog .secret code')")
        password = browser.run("() => document.querySelector('dialog .secret code').textContent")
        press(browser, "Done")
        with imaplib.IMAP4("127.0.0.1", server.port(143)) as imap:
            imap.login(server.user, password)
        browser.wait("document.body.textContent.includes('Firefox walk')")
        browser.run("() => document.querySelector('[aria-label=\"Log out\"]').click()")
        browser.wait("document.querySelector('input[name=password]')")
        assert browser.prompts() == 0
        errors = [one["params"] for one in browser.events if one["method"] == "log.entryAdded"]
        assert [one for one in errors if one["level"] == "error" and "401" not in str(one.get("text"))] == []
