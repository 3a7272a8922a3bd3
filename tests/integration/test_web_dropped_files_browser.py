"""Files from the desktop that are dropped on a mailbox of the webmail, in a real browser: what is taken, how far it is,
how it is stopped and taken back, and what a server that is killed leaves.
"""

import imaplib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer
from tests.store_imports import mbox
from tests.store_mail import mail

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(
        smoke="tests/integration/test_web_webmail_browser.py::test_a_message_arrives_without_reload_and_is_read"
    ),
]

DROP = """(element, files) => {
  const data = new DataTransfer();
  for (const [name, text] of files) {
    if (name === "") data.setData("text/plain", text);
    else data.items.add(new File([text], name));
  }
  const fire = (kind) => element.dispatchEvent(
    new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true, composed: true }),
  );
  const taken = !fire("dragover");
  const marked = document.querySelector(".drop") !== null;
  if (taken) fire("drop");
  return [taken, marked];
}"""
"""Drags files over an element and drops them, if it takes them; whether it took them, and whether it was marked."""

LARGE = 3_000
"""Messages of an import that takes some seconds, even on a fast machine."""


@pytest.fixture(autouse=True)
def empty(server: LocalServer) -> None:
    """Mailboxes are empty."""
    imap = imaplib.IMAP4("127.0.0.1", server.port(143))
    imap.login(server.user, server.password)
    for name in ("INBOX", "Archive"):
        if imap.select(name)[0] == "OK" and imap.search(None, "ALL")[1] != [b""]:
            imap.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
            imap.expunge()
    imap.logout()


class Importer(Visitor):
    """A page of the webmail on which files are dropped."""

    def log_in(self) -> None:
        self.fill_in("/webmail/")
        self.ready()

    def ready(self) -> None:
        """The page is there, with the part that takes files."""
        expect(self.page.locator(".list-title")).to_have_text("Inbox")
        self.page.evaluate("navigator.serviceWorker?.ready.then(() => true)")
        self.page.wait_for_function("performance.getEntriesByType('resource').some((one) => /dropping/.test(one.name))")

    def box(self, name: str) -> Locator:
        return self.page.locator(".mailbox", has_text=name).first

    def toast(self, words: str | re.Pattern[str]) -> Locator:
        return self.page.locator(".toast", has_text=words)

    def drop(self, at: Locator, files: dict[str, bytes]) -> list[bool]:
        """Drop files; "" is the name of a text."""
        found: list[bool] = at.evaluate(DROP, [[name, data.decode()] for name, data in files.items()])
        return found


@pytest.fixture
def importer(chromium: Browser, server: LocalServer) -> Iterator[Importer]:
    """A reader who has logged in."""
    found = Importer(chromium, server)
    found.log_in()
    yield found
    found.close()


def large(tmp_path: Path) -> Path:
    """An mbox whose import takes some seconds."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        for number in range(0, LARGE, 100):
            file.write(mbox([mail(one, body="some words\r\n" * 2_000) for one in range(number, number + 100)]))
    return path


def begin_large(importer: Importer, path: Path, mailbox: str = "Archive") -> None:
    """Begin an import by the menu of a mailbox."""
    importer.box(mailbox).hover()
    importer.box(mailbox).locator(".mailbox-menu").click()
    importer.page.get_by_role("button", name="Import files…").click()
    importer.page.locator("dialog input[type=file]").set_input_files(path)


def test_files_that_are_dropped_on_a_mailbox_are_imported_and_taken_back(importer: Importer) -> None:
    """WEBMAIL-141: on a mailbox of the side bar, and on the list; the mailbox is marked; Undo removes them."""
    page = importer.page
    assert importer.drop(importer.box("Archive"), {"a.eml": mail(1), "old.mbox": mbox([mail(2), mail(3)])}) == [
        True,
        True,
    ]
    done = importer.toast("3 messages imported into Archive")
    expect(done).to_be_visible()
    expect(page.locator(".drop")).to_have_count(0)
    assert importer.drop(page.locator(".messages"), {"b.eml": mail(4)})[0]
    expect(importer.toast("1 message imported into Inbox")).to_be_visible()
    expect(page.locator(".message")).to_have_count(1)
    importer.toast("1 message imported into Inbox").get_by_role("button", name="Undo").click()
    expect(page.locator(".message")).to_have_count(0)
    expect(importer.toast("Action undone")).to_be_visible()
    importer.box("Archive").locator(".mailbox-open").click()
    expect(page.locator(".message")).to_have_count(3)


def test_what_is_no_mail_is_refused_with_words(importer: Importer) -> None:
    """WEBMAIL-141: other files, by their names without what deceives; text; a place that takes nothing."""
    page = importer.page
    archive = importer.box("Archive")
    importer.drop(archive, {"pho\u202eto.pdf": b"%PDF-1.7", "a.eml": mail(1)})
    expect(importer.toast("Not mail files: pho_to.pdf. You can import messages (.eml), mbox files")).to_be_visible()
    expect(importer.toast("1 message imported into Archive")).to_be_visible()
    importer.drop(archive, {"": b"hello"})
    expect(importer.toast(re.compile("^You can import messages"))).to_be_visible()
    assert importer.drop(page.locator(".list-title"), {"a.eml": mail(1)}) == [True, False], "or the browser opens it"
    expect(importer.toast("imported")).to_have_count(1)


def test_a_composer_keeps_the_files_that_are_dropped_on_it(importer: Importer) -> None:
    """WEBMAIL-141, WEBMAIL-97: they are attached, and not imported."""
    page = importer.page
    page.keyboard.press("c")
    expect(page.locator(".composer")).to_be_visible()
    importer.drop(page.locator(".composer .compose-head"), {"notes.eml": mail(1)})
    expect(page.locator(".composer")).to_contain_text("notes.eml")
    expect(importer.toast("imported")).to_have_count(0)
    importer.drop(importer.box("Archive"), {"a.eml": mail(1)})
    expect(importer.toast("1 message imported into Archive")).to_be_visible()
    page.locator(".composer").get_by_role("button", name="Discard").click()


def test_files_are_chosen_by_a_command_also_on_a_phone(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-141: in the palette, and in the menu of a mailbox."""
    path = tmp_path / "one.eml"
    path.write_bytes(mail(1))
    phone = Importer(chromium, server, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    phone.log_in()
    page = phone.page
    page.keyboard.press("Control+k")
    page.keyboard.type("import files")
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_contain_text("Import into “Inbox”")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("dialog input[type=file]").set_input_files(path)
    expect(phone.toast("1 message imported into Inbox")).to_be_visible()
    expect(page.locator(".message")).to_have_count(1)
    phone.close()


def test_an_import_is_seen_in_each_tab_and_stopped_in_any(importer: Importer, tmp_path: Path) -> None:
    """WEBMAIL-141: and after the page was loaded again."""
    page = importer.page
    second: Page = importer.context.new_page()
    second.goto(page.url)
    expect(second.locator(".list-title")).to_have_text("Inbox")
    begin_large(importer, large(tmp_path))
    counted = re.compile(r"Importing [\d,]+ of about [\d,]+ messages into Archive…")
    expect(importer.toast(counted)).to_be_visible()
    page.reload()
    expect(importer.toast(re.compile("Importing .*into Archive"))).to_be_visible()
    other = second.locator(".toast", has_text=re.compile("Importing .*into Archive"))
    expect(other).to_be_visible()
    other.get_by_role("button", name="Stop").click()
    for shown in (importer.page, second):
        expect(shown.locator(".toast", has_text="Import stopped. No messages imported")).to_be_visible()
    importer.box("Archive").locator(".mailbox-open").click()
    expect(page.locator(".message")).to_have_count(0)


def test_an_import_that_was_cut_off_is_tried_again(importer: Importer) -> None:
    """WEBMAIL-141: at a press, and by itself when the page is connected again."""
    page = importer.page
    attempts: list[str] = []

    def cut(route: Route) -> None:
        attempts.append(route.request.url)
        if len(attempts) < 3:
            route.abort()
        else:
            route.continue_()

    page.route("**/import?mailbox_id=*", cut)
    importer.drop(importer.box("Archive"), {"cut.eml": mail(7)})
    failed = importer.toast("No messages imported: upload interrupted")
    with page.expect_request("**/import?mailbox_id=*"):
        failed.get_by_role("button", name="Try again").click()
    expect(failed).to_be_visible()
    page.evaluate("dispatchEvent(new Event('connected'))")
    expect(importer.toast("1 message imported into Archive")).to_be_visible()
    expect(failed).to_have_count(0)
    assert len(attempts) == 3


def test_an_upload_is_stopped(importer: Importer, tmp_path: Path) -> None:
    """WEBMAIL-141."""
    held = threading.Event()
    importer.page.route("**/import?mailbox_id=*", lambda route: held.set())
    begin_large(importer, large(tmp_path))
    importer.toast(re.compile("Uploading .* of")).get_by_role("button", name="Stop").click()
    expect(importer.toast("Import stopped. No messages imported")).to_be_visible()


def test_a_server_that_is_killed_takes_the_import_back_and_the_page_says_so(importer: Importer, tmp_path: Path) -> None:
    """WEBMAIL-141, STORE-131: without a connection nothing can be imported; later it can, again."""
    page = importer.page
    importer.expect_problem("Failed to load resource")
    begin_large(importer, large(tmp_path))
    expect(importer.toast(re.compile("Importing .*into Archive"))).to_be_visible()
    importer.server.kill()
    expect(page.locator(".offline")).to_contain_text("Not connected")
    importer.drop(importer.box("Archive"), {"a.eml": mail(1)})
    expect(importer.toast("You can't import while offline.")).to_be_visible()
    importer.server.start()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(importer.toast("Couldn't get the status of the import into Archive")).to_be_visible()
    expect(importer.toast("Importing ")).to_have_count(0)
    importer.drop(importer.box("Archive"), {"a.eml": mail(1)})
    expect(importer.toast("1 message imported into Archive")).to_be_visible()
    importer.box("Archive").locator(".mailbox-open").click()
    expect(page.locator(".message")).to_have_count(1)
