"""Mail that a browser keeps, where something goes wrong: the administrator forbids it, the disk is full, the session
ends, another user logs in, or the server is newer than the page (WEBMAIL-22a, WEBMAIL-120, WEBMAIL-121).
"""

import base64
import json
import os
import re
import shutil
import sqlite3
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from moxlite.web.document import part_tag
from tests.integration.browser import PATIENCE, chromium, settings_beside
from tests.integration.test_web_webmail_browser import append, flags, has_one
from tests.integration.test_web_webmail_device import imap, kept, local, log_in, page, row
from tests.running import LocalServer
from tests.session.test_web_calendars import form
from tests.tools import top, until
from tests.webcalls import Caller

__all__ = ["chromium", "local", "page"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_device.py::test_what_is_done_without_a_connection_is_done_once_later"
    ),
]

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""

WAITS = re.compile("changes? will be sent when you're online")


def write(page: Page, subject: str) -> None:
    """Write a message and send it."""
    page.keyboard.press("c")
    page.get_by_label("To", exact=True).fill("moxlite@localhost")
    page.get_by_label("Subject").fill(subject)
    page.locator(".composer textarea").last.fill("Hello")
    page.keyboard.press("Control+Enter")


def write_away(page: Page, subject: str) -> None:
    """Send a message without a connection."""
    page.context.set_offline(True)
    expect(page.get_by_text("Not connected")).to_be_visible()
    write(page, subject)
    expect(page.get_by_text("Saved on this device")).to_be_visible()
    expect(page.get_by_text(WAITS)).to_be_visible()


def end_sessions(local: LocalServer) -> None:
    """All sessions end, as if they had expired."""
    database = sqlite3.connect(local.folder / "data/auth.db")
    with database:
        assert database.execute("UPDATE session SET expires = 1").rowcount > 0
    database.close()


def worker_is_there(page: Page) -> bool:
    found: bool = page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one !== undefined)")
    return found


def leaves_with_question(page: Page) -> bool:
    """Whether the page asks before it is left."""
    asked = page.evaluate(
        "() => { const event = new Event('beforeunload', { cancelable: true }); dispatchEvent(event);"
        " return event.defaultPrevented; }"
    )
    return bool(asked)


def test_what_waits_is_sent_before_a_forbidden_store_is_removed(page: Page, local: LocalServer) -> None:
    """WEBMAIL-120, WEBMAIL-121: `webmail_offline = false` removes mail, worker and choice; no message is lost."""
    write_away(page, "before the end")
    local.stop()
    config = local.folder / "config/moxlite.toml"
    config.write_text(f"webmail_offline = false\n{config.read_text()}")
    local.start()
    page.context.set_offline(False)
    session = imap(local)
    until(lambda: has_one(session, "Sent"), what="the message in Sent")
    expect(page.get_by_text(WAITS)).to_be_hidden()
    page.reload()  # a stream that goes on does not tell what has changed at the server
    until(lambda: not worker_is_there(page), what="a page without a service worker")
    until(lambda: page.evaluate("caches.keys()") == [], what="no cache")
    assert kept(page, "messages") == 0
    page.reload()
    expect(page.locator(".message-subject", has_text="before the end")).to_be_visible()
    with settings_beside(page, "reading") as settings:
        expect(settings.get_by_label("Mark as read")).to_be_visible()
        expect(settings.get_by_label("Save mail for offline use")).to_have_count(0)
    assert not worker_is_there(page)


def test_the_settings_say_that_they_need_the_server(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: opened by their address, in place of the browser's page about a lost connection."""
    settings = page.context.new_page()
    place = f"http://localhost:{local.port(80)}/"
    worker = "async () => (await navigator.serviceWorker.getRegistration('/'))?.active?.state"
    until(lambda: page.evaluate(worker) == "activated", what="the worker of the settings")
    page.context.set_offline(True)
    settings.goto(f"{place}#reading")
    expect(settings.get_by_role("heading", name="Couldn't open settings")).to_be_visible()
    expect(settings.get_by_text("Can't reach the server.")).to_be_visible()
    page.context.set_offline(False)
    settings.reload()
    settings.get_by_label("Save mail for offline use").uncheck()
    until(lambda: page.evaluate(worker) is None, what="settings without a worker")
    assert worker_is_there(page)


def test_what_the_server_fails_at_holds_up_nothing_else(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: told and set aside, with later changes of the same message; tried again at the next connection."""
    session = imap(local)
    failing = json.dumps({"error": {"code": "server:error", "message": "The disk is on fire."}})
    page.context.set_offline(True)
    expect(page.get_by_text("Not connected")).to_be_visible()
    for key in ("s", "a"):  # flagged, then moved
        page.locator(".message", has_text="plain").click()
        page.keyboard.press(key)
    write(page, "goes on")
    expect(page.get_by_text("Saved on this device").first).to_be_visible()
    page.route("**/api/flags_add", lambda route: route.fulfill(status=500, body=failing))
    page.context.set_offline(False)
    # first, as the route answers only while the browser is waited for
    expect(page.locator(".toast", has_text="The disk is on fire. We'll try again").first).to_be_visible()
    # on a slow machine the page connects again, and tries it again: the route answers meanwhile
    until(lambda: page.evaluate("0") == 0 and has_one(session, "Sent"), what="the message in Sent")
    expect(page.get_by_text(WAITS)).to_be_visible()
    assert not has_one(session, "Archive")
    page.unroute("**/api/flags_add")
    page.reload()
    until(lambda: has_one(session, "Archive"), what="the message in Archive")
    expect(page.get_by_text(WAITS)).to_have_count(0)
    session.select("Archive")
    assert "Flagged" in flags(session, "1")


def test_what_a_proxy_answers_with_a_page_holds_up_nothing_else(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: while it answers so to all, as at the log-in of a train, everything waits; a call that alone has no
    answer in three connections is told and set aside, and costs no further connection.
    """
    session = imap(local)
    page.context.set_offline(True)
    expect(page.get_by_text("Not connected")).to_be_visible()
    page.locator(".message", has_text="plain").click()
    page.keyboard.press("s")
    write(page, "goes on")
    expect(page.get_by_text("Saved on this device").first).to_be_visible()
    made: list[str] = []

    def refuse(route: Route) -> None:
        made.append(route.request.url.rpartition("/")[2])
        route.fulfill(status=200, content_type="text/html", body="<title>Welcome aboard</title>")

    page.route("**/api/*", refuse)
    page.context.set_offline(False)
    until(lambda: page.evaluate("0") == 0 and "token" in made, what="an attempt to connect")
    assert set(made) == {"token"}
    expect(page.get_by_text(WAITS)).to_be_visible()
    page.unroute("**/api/*")
    page.route(
        "**/api/flags_add",
        lambda route: refuse(route) if "flagged" in str(route.request.post_data).lower() else route.continue_(),
    )
    page.get_by_role("button", name="Try now").click()
    told = "Unexpected server response (200). We'll try again"
    expect(page.locator(".toast", has_text=told).first).to_be_visible(timeout=90_000)
    until(lambda: page.evaluate("0") == 0 and has_one(session, "Sent"), what="the message in Sent")
    assert made.count("flags_add") == 3
    page.locator(".message", has_text="framed").first.click()
    page.keyboard.press("a")
    until(lambda: page.evaluate("0") == 0 and has_one(session, "Archive"), what="a later change")
    assert made.count("flags_add") == 3
    page.unroute("**/api/flags_add")
    page.reload()
    expect(page.get_by_text(WAITS)).to_have_count(0)


def test_a_message_at_which_the_server_fails_again_becomes_a_draft(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: its words are where its author can do something with them."""
    session = imap(local)
    failing = json.dumps({"error": {"code": "server:error", "message": "The disk is on fire."}})
    write_away(page, "fails")
    page.route("**/api/message_submit", lambda route: route.fulfill(status=500, body=failing))
    page.context.set_offline(False)
    expect(page.locator(".toast", has_text="is waiting on this device: The disk is on fire.")).to_be_visible()
    page.reload()
    expect(page.locator(".toast", has_text="find it in Drafts: The disk is on fire.")).to_be_visible()
    until(lambda: has_one(session, "Drafts"), what="the draft")
    expect(page.get_by_text(WAITS)).to_have_count(0)


def test_a_browser_without_room_says_so_and_loses_no_message(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: said once; the page goes on, and a message that cannot wait stays in its composer."""
    tools = page.context.new_cdp_session(page)
    origin = f"http://localhost:{local.port(80)}"
    tools.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1})
    # the browser's tools leave out its databases
    page.evaluate(
        "() => { IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    session = imap(local)
    append(session, "no room", "Words without room\n")
    expect(page.locator(".message")).to_have_count(3)
    row(page, "no room")
    expect(page.locator(".text-part")).to_contain_text("Words without room")
    expect(page.locator(".toast", has_text="Browser storage is full")).to_have_count(1)
    page.context.set_offline(True)
    expect(page.get_by_text("Not connected")).to_be_visible()
    write(page, "cannot wait")
    expect(page.get_by_text("Can't reach the server. Retrying")).to_be_visible()
    expect(page.get_by_text(WAITS)).to_have_count(0)
    page.context.set_offline(False)
    until(lambda: has_one(session, "Sent"), what="the message in Sent")
    expect(page.locator(".toast", has_text="Browser storage is full")).to_have_count(1)


def test_what_waits_when_the_session_ends_is_told_and_sent(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121, WEBMAIL-22a: the log-in form says what waits; the same user's log-in sends it, once."""
    write_away(page, "outlives its session")
    # the page is opened anew: all it knows of the message is in the browser, which the end of the session removes
    page.reload()
    expect(page.get_by_text(WAITS)).to_be_visible()
    end_sessions(local)
    page.context.set_offline(False)
    expect(page.get_by_text("To send 1 offline change")).to_contain_text(local.user)
    until(lambda: kept(page, "outbox") == 0, what="a browser that forgets")
    assert leaves_with_question(page)
    session = imap(local)
    assert not has_one(session, "Sent")
    page.get_by_label("Password").fill(local.password)
    page.get_by_role("button", name="Log in").click()
    until(lambda: has_one(session, "Sent"), what="the message in Sent")
    expect(page.get_by_text(WAITS)).to_be_hidden()
    assert not leaves_with_question(page)


def test_a_page_that_begins_after_the_end_of_its_session_tells_what_waits(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: what waits is read before the answer that makes the browser forget it."""
    write_away(page, "outlives its page")
    address = page.url
    page.goto("about:blank")
    end_sessions(local)
    page.context.set_offline(False)
    page.goto(address)
    expect(page.get_by_text("To send 1 offline change")).to_contain_text(local.user)
    page.get_by_label("Email address").fill(local.user)
    page.get_by_label("Password").fill(local.password)
    page.get_by_role("button", name="Log in").click()
    session = imap(local)
    until(lambda: has_one(session, "Sent"), what="the message in Sent")


def add_user(local: LocalServer) -> tuple[str, str]:
    """Another user of the server: address and password."""
    domains = local.folder / "config/domains.toml"
    added = '[accounts.eve]\ndomain = "localhost"\n[accounts.eve.destinations."eve@localhost"]\n'
    local.stop()
    domains.write_text(f"{domains.read_text()}\n{added}")
    local.start()
    local.cli("account", "set-password", "eve", stdin="a word for eve\n")
    return "eve@localhost", "a word for eve"


def parts_of(page: Page) -> set[str]:
    """The hash of a part of the page."""
    return set(re.findall(r'offline: "([0-9a-f]+)"', page.content()))


@pytest.mark.parametrize("reopened", [False, True])
def test_another_user_of_the_browser_sees_and_sends_nothing(page: Page, local: LocalServer, reopened: bool) -> None:
    """WEBMAIL-121: the first user's mail is removed, and what waits is never sent by the other."""
    address, password = add_user(local)
    write_away(page, "not by eve")
    url = page.url
    if reopened:
        page.goto("about:blank")
    end_sessions(local)
    page.context.set_offline(False)
    if reopened:
        page.goto(url)
    expect(page.get_by_text("If another user logs in, it will be lost.")).to_be_visible()
    page.get_by_label("Email address").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Your inbox is empty")).to_be_visible()
    expect(page.get_by_text(WAITS)).to_have_count(0)
    until(lambda: kept(page, "messages") + kept(page, "outbox") + kept(page, "lists") == 0, what="an empty store")
    until(lambda: not page.evaluate("caches.has('moxlite-webmail-mail')"), what="no mail in the cache")
    append(imap(local), "still the first's")
    page.reload()
    expect(page.get_by_text("Your inbox is empty")).to_be_visible()
    assert not has_one(imap(local), "Sent")
    # without a server, too, nothing of the first user is shown; the end of the session removed the worker with its page
    shell = "caches.match('/webmail/').then((one) => one !== undefined && navigator.serviceWorker.controller !== null)"
    until(lambda: page.evaluate(shell), what="a new worker that has the page")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("Not connected")).to_be_visible()
    expect(page.locator(".message")).to_have_count(0)


def test_an_old_worker_beside_a_newer_server_offers_the_new_page(
    page: Page, local: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-12, WEBMAIL-120: the old page goes on until its user loads the new one; no word and no call is lost."""
    old = parts_of(page)
    assert old
    newer = tmp_path / "newer"
    shutil.copytree(top() / "moxlite", newer / "moxlite")
    static = newer / "moxlite/web/static"
    for path in static.glob("webmail-*.js"):
        tag = part_tag(path.read_text())
        path.write_text(f"{path.read_text()}\n// newer\n")
        for other in ("webmail.js", "webmail.worker.js"):
            content = (static / other).read_text()
            (static / other).write_text(content.replace(f'"{tag}"', f'"{part_tag(path.read_text())}"'))
    write_away(page, "across the versions")
    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_label("Subject").fill("half")
    composer.locator("textarea").last.fill("Half a sentence")
    local.stop()
    local.environment |= {"PYTHONPATH": str(newer), "PYTHONSAFEPATH": "1"}
    local.start()
    page.context.set_offline(False)
    notice = page.locator(".toast", has_text="A new version is available.")
    expect(notice).to_be_visible()
    session = imap(local)
    until(lambda: has_one(session, "Sent"), what="the message in Sent")
    # the parts of the old page are there, though the server has no more of them
    composer.get_by_role("button", name="Templates").click()
    expect(page.get_by_role("menuitem", name="Save as template…")).to_be_visible()
    page.keyboard.press("Escape")  # before the menu is there, it would close the message
    with page.expect_event("load"):
        notice.get_by_role("button", name="Reload").click()
    expect(composer.locator("textarea").last).to_have_value("Half a sentence")
    assert not old & parts_of(page)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator(".message", has_text="plain")).to_be_visible()
    assert not old & parts_of(page)


def test_a_second_page_goes_on_when_the_first_removes_what_is_kept(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: without an error, and without words about room."""
    context: BrowserContext = page.context
    second = context.new_page()
    second.goto(page.url)
    expect(second.locator(".message")).to_have_count(2)
    problems: list[str] = []
    second.on("pageerror", lambda error: problems.append(str(error)))
    with settings_beside(page, "reading") as settings:
        settings.get_by_label("Save mail for offline use").uncheck()
        until(lambda: kept(page, "messages") == 0, what="an empty store")
    append(imap(local), "third")
    expect(second.locator(".message")).to_have_count(3)
    row(second, "third")
    second.wait_for_timeout(1_500)  # the list is kept a second after a change
    expect(second.get_by_role("dialog")).to_have_count(0)
    expect(second.locator(".toast", has_text="Browser storage is full")).to_have_count(0)
    assert problems == []


def answer_away(page: Page, key: str, words: str) -> None:
    """Answer or forward the message that is shown, without a connection."""
    page.keyboard.press(key)
    page.locator(".composer").wait_for()
    if key == "f":
        page.get_by_label("To", exact=True).fill("moxlite@localhost")
    page.locator(".composer textarea").last.fill(words)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".composer")).to_have_count(0)


def test_kept_messages_are_answered_forwarded_found_and_sent_later(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: with the quoted text, the original's HTML and the thread; what was begun away is completed later."""
    page.context.set_offline(True)
    page.reload()
    row(page, "plain")
    answer_away(page, "r", "An answer from afar")
    row(page, "framed")
    answer_away(page, "f", "Forwarded from afar")
    expect(page.get_by_text(WAITS)).to_be_visible()
    page.get_by_role("searchbox").fill("first")
    page.keyboard.press("Enter")
    expect(page.locator(".message-subject")).to_have_text(["plain"])
    page.reload()
    page.context.set_offline(False)
    expect(page.get_by_text(WAITS)).to_be_hidden()
    session = imap(local)
    until(lambda: session.status("Sent", "(MESSAGES)")[1] == [b"Sent (MESSAGES 2)"], what="both in Sent")
    session.select("Sent")
    _, found = session.fetch("1:2", "(BODY[])")
    answer, forwarded = (part[1].decode() for part in found if isinstance(part, tuple))
    assert "An answer from afar" in answer
    assert "> Words of the first" in answer
    assert "Subject: Re: plain" in answer
    assert re.search(r"(?m)^In-Reply-To: <\d+@nordlicht\.example>", answer)
    assert "Subject: Fwd: framed" in forwarded
    assert "text/html" in forwarded
    assert "noon</b>" in forwarded
    assert "<script" not in forwarded
    session.select("INBOX")
    assert session.search(None, "ANSWERED", "SUBJECT", "plain")[1] != [b""]


def test_calendar_contacts_and_searches_show_what_is_kept(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: weeks around today and people are there without a dialog; a search says where it looked."""
    caller = Caller(local.port(80), local.user, local.password)
    caller.log_in()
    today = time.strftime("%Y-%m-%d")
    event = form(f"{today}T12:00", f"{today}T13:00", title="Walk by the sea")
    caller.call("event_save", calendar_id=caller.call("calendars")[0]["id"], event=event)
    contact = {"name": "Ada Byron", "emails": [], "phones": [], "organization": "", "note": "", "groups": []}
    caller.call("contact_save", contact=contact)
    page.reload()
    facts = """() => new Promise((resolve) => {
      indexedDB.open("moxlite-webmail").onsuccess = ({ target }) => {
        const all = target.result.transaction("facts").objectStore("facts").getAll();
        all.onsuccess = () => { target.result.close(); resolve(JSON.stringify(all.result)); };
      };
    })"""
    until(lambda: "Walk by the sea" in page.evaluate(facts), what="the event in the browser")
    until(lambda: "Ada Byron" in page.evaluate(facts), what="the contact in the browser")
    page.context.set_offline(True)
    page.reload()
    page.get_by_role("searchbox").fill("first")
    page.keyboard.press("Enter")
    expect(page.get_by_text("In mail saved on this device")).to_be_visible()
    expect(page.get_by_text("Searching…")).to_have_count(0)
    page.get_by_role("link", name="Calendar", exact=True).first.click()
    expect(page.get_by_text("Walk by the sea").first).to_be_visible()
    page.get_by_role("link", name="Contacts", exact=True).first.click()
    expect(page.get_by_text("Ada Byron").first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.context.set_offline(False)


def test_small_files_of_kept_messages_open_without_a_connection(page: Page, local: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-120, WEBMAIL-121: a picture with the policy that the server gave it, a text, a download by its name; of a
    file that is too large the page says that it is not here, and stays. Log-out removes the files.
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ann@nordlicht.example", "moxlite@localhost", "with files"
    mail.set_content("Here they are.\n")
    mail.add_attachment(
        b"M\xf6we", maintype="text", subtype="plain", filename="birds.txt", params={"charset": "latin-1"}
    )
    mail.add_attachment(PICTURE, maintype="image", subtype="png", filename="dot.png")
    mail.add_attachment(b"table" * 1000, maintype="application", subtype="zip", filename="two words(1).zip")
    mail.add_attachment(os.urandom(1_100_000), maintype="application", subtype="zip", filename="large.zip")
    imap(local).append("INBOX", "", "", mail.as_bytes(policy=SMTP))
    expect(page.locator(".message")).to_have_count(3)
    until(lambda: len(kept_files(page)) == 3, what="files that are kept")
    assert [one for one in kept_files(page) if "sandbox" not in one] == []
    page.context.set_offline(True)
    page.reload()
    row(page, "with files")
    picture = page.locator(".attachment-face img").first
    picture.scroll_into_view_if_needed()
    until(lambda: picture.evaluate("(one) => one.naturalWidth") == 1, what="the picture")
    files = page.locator(".attachments .attachment")
    expect(files).to_have_count(4)
    files.filter(has_text="birds.txt").locator("a").first.click()
    expect(page.locator(".viewer-text")).to_have_text("Möwe")
    page.get_by_role("button", name="Close").click()
    with page.expect_download() as download:
        files.filter(has_text="two words").get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "two words(1).zip"
    download.value.save_as(tmp_path / "saved.zip")
    assert (tmp_path / "saved.zip").read_bytes() == b"table" * 1000
    files.filter(has_text="large.zip").get_by_role("link", name="Download").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("This file isn't saved on this device.")
    dialog.get_by_role("button").first.click()
    expect(page.locator(".reader-subject")).to_have_text("with files")
    page.context.set_offline(False)
    expect(page.get_by_text("Not connected")).to_be_hidden()
    expect(page.get_by_text(WAITS)).to_be_hidden()
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    until(lambda: kept_files(page) == [], what="that no files are kept")


def kept_files(page: Page) -> list[str]:
    """The policies of the files that the browser has kept."""
    found: list[str] = page.evaluate(
        """async () => {
          if (!(await caches.has("moxlite-webmail-files"))) return [];
          const all = await (await caches.open("moxlite-webmail-files")).matchAll();
          return all.filter((one) => one.ok).map((one) => one.headers.get("content-security-policy"));
        }"""
    )
    return found


def test_a_kept_draft_is_edited_without_a_connection(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: the draft is sent later in its new form, and is a draft no more."""
    page.keyboard.press("c")
    page.get_by_label("To", exact=True).fill("moxlite@localhost")
    page.get_by_label("Subject").fill("a draft")
    page.locator(".composer textarea").last.fill("Half of it")
    page.locator(".composer").get_by_role("button", name="Close").click()
    expect(page.locator(".composer")).to_have_count(0)
    page.locator(".mailbox", has_text="Drafts").click()
    expect(page.locator(".message-subject")).to_have_text(["a draft"])
    until(lambda: page.evaluate(LISTED, "a draft"), what="a list that is kept")
    page.context.set_offline(True)
    page.reload()
    page.locator(".mailbox", has_text="Drafts").click()
    row(page, "a draft")
    page.keyboard.press("e")
    expect(page.locator(".composer textarea").last).to_have_value("Half of it")
    page.locator(".composer textarea").last.fill("All of it")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Saved on this device")).to_be_visible()
    page.context.set_offline(False)
    session = imap(local)
    until(lambda: has_one(session, "Sent"), what="the message in Sent")
    session.select("Sent")
    assert "All of it" in str(session.fetch("1", "(BODY[])")[1])
    assert session.status("Drafts", "(MESSAGES)")[1] == [b"Drafts (MESSAGES 0)"]


LISTED = """(subject) => new Promise((resolve) => {
  const request = indexedDB.open("moxlite-webmail");
  request.onsuccess = () => {
    const all = request.result.transaction("lists").objectStore("lists").getAll();
    all.onsuccess = () => {
      request.result.close();
      resolve(all.result.some((list) => list.threads.flat().some((item) => item.subject === subject)));
    };
  };
})"""
"""Whether a message with this subject is in a list that is kept."""


PEOPLE: Final = """() => new Promise((resolve) => {
  const request = indexedDB.open("moxlite-webmail");
  request.onsuccess = () => {
    const database = request.result;
    if (!database.objectStoreNames.contains("facts")) return resolve(0);
    const entry = database.transaction("facts").objectStore("facts").get("people");
    entry.onsuccess = () => { database.close(); resolve(entry.result?.parties.length ?? 0); };
  };
})"""
"""The number of people that a browser keeps to complete names."""

WATCH: Final = """() => {
  let last = performance.now();
  window.longest = 0;
  const look = () => {
    const now = performance.now();
    window.longest = Math.max(window.longest, now - last);
    last = now;
    setTimeout(look, 5);
  };
  look();
}"""
"""Note in `longest` the ms for which nothing else could run."""


def test_thirty_thousand_people_are_completed_without_a_connection(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-93, WEBMAIL-121: as many as the server tells, kept once, and found as one types."""
    parties = [{"name": f"Person {at:05}", "address": f"person-{at}@nordlicht.example"} for at in range(30_000)]
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    answer = {"result": {"parties": parties, "complete": False, "groups": []}}
    page.route("**/api/complete_recipient", lambda route: route.fulfill(json=answer))
    log_in(page, local)
    with settings_beside(page, "reading") as settings:
        settings.get_by_label("Save mail for offline use").check()
    until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), what="the service worker")
    until(lambda: page.evaluate(PEOPLE) == 30_000, what="people that are kept")
    page.unroute("**/api/complete_recipient")
    context.set_offline(True)
    expect(page.get_by_text("Not connected")).to_be_visible()
    page.keyboard.press("c")
    field = page.get_by_label("To", exact=True)
    page.evaluate(WATCH)
    field.press_sequentially("son 2999")
    options = page.get_by_role("listbox", name="Addresses").get_by_role("option")
    expect(options).to_have_count(10)
    expect(options.last).to_contain_text("Person 29999")
    field.press("Enter")
    expect(page.locator("[data-field=to] .chip-name")).to_have_text("Person 29990")
    # none of the eight keys, nor what draws the suggestions, keeps the page from its next frame for long
    assert page.evaluate("window.longest") < 1_000
    context.close()
