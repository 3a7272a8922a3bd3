"""A device in a real browser: it stays logged in, opens without a server, and keeps mail and what is done meanwhile
(WEBMAIL-22a, WEBMAIL-120, WEBMAIL-121).
"""

import imaplib
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from mailbox import mbox
from pathlib import Path

import apsw
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from tests.htmlcorpus import all_vectors
from tests.integration.browser import ARGUMENTS, PATIENCE, chromium, settings_beside
from tests.integration.test_web_webmail_browser import append, flags, has_one
from tests.running import LocalServer
from tests.tools import need, until

pytestmark = pytest.mark.served

__all__ = ["chromium"]


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "server") as found:
        yield found


def imap(local: LocalServer) -> imaplib.IMAP4:
    session = imaplib.IMAP4("127.0.0.1", local.port(143))
    session.login(local.user, local.password)
    return session


def log_in(page: Page, local: LocalServer) -> None:
    """Log in and stay logged in."""
    page.goto(f"http://localhost:{local.port(80)}/webmail/")
    page.get_by_label("Email address").fill(local.user)
    page.get_by_label("Password").fill(local.password)
    page.get_by_label("Keep me logged in on this device").check()
    page.get_by_role("button", name="Log in").click()


def launch(chromium: Browser, folder: Path) -> BrowserContext:
    """A browser with its cookies and storage in a folder, like the browser of a user."""
    context = chromium.browser_type.launch_persistent_context(
        folder, executable_path=need("chromium"), args=ARGUMENTS, locale="en-GB"
    )
    context.set_default_timeout(PATIENCE)
    context.add_init_script("try { localStorage['moxlite-webmail-hints'] ??= '3' } catch { /* a sandboxed frame */ }")
    return context


@pytest.mark.nightly
def test_a_device_stays_logged_in_when_the_browser_starts_again(
    chromium: Browser, local: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-22a: without the box, the session ends with the browser."""
    append(imap(local), "kept")
    for stay in (True, False):
        context = launch(chromium, tmp_path / f"profile-{stay}")
        page = context.new_page()
        if stay:
            log_in(page, local)
        else:
            page.goto(f"http://localhost:{local.port(80)}/webmail/")
            page.get_by_label("Email address").fill(local.user)
            page.get_by_label("Password").fill(local.password)
            page.get_by_role("button", name="Log in").click()
        expect(page.locator(".message")).to_have_count(1)
        context.close()
        context = launch(chromium, tmp_path / f"profile-{stay}")
        page = context.new_page()
        page.goto(f"http://localhost:{local.port(80)}/webmail/")
        if stay:
            expect(page.locator(".message")).to_have_count(1)
        else:
            expect(page.get_by_label("Password")).to_be_visible()
        context.close()


PICTURE = '<p style="color: #123456">Ships at <b>noon</b></p><script>document.title = "run"</script>'


@pytest.fixture
def page(chromium: Browser, local: LocalServer) -> Iterator[Page]:
    """A device that keeps mail: one message of text, one of HTML, and a service worker that has all it needs."""
    session = imap(local)
    append(session, "plain", "Words of the first\n")
    append(session, "framed", "", html=PICTURE)
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE)
    context.add_init_script("try { localStorage['moxlite-webmail-hints'] ??= '3' } catch { /* a sandboxed frame */ }")
    page = context.new_page()
    log_in(page, local)
    expect(page.locator(".message")).to_have_count(2)
    with settings_beside(page, "reading") as settings:
        settings.get_by_label("Save mail for offline use").check()
    expect(page.locator(".message")).to_have_count(2)
    until(lambda: kept(page, "messages") >= 2 and kept(page, "lists") >= 1, what="messages that are kept")
    until(lambda: page.evaluate("caches.open('moxlite-webmail-mail').then((one) => one.keys()).then((l) => l.length)"))
    until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"))
    yield page
    context.close()


def kept(page: Page, store: str) -> int:
    """The number of entries of a store of the browser's database."""
    found: int = page.evaluate(
        """(name) => new Promise((resolve) => {
          const request = indexedDB.open("moxlite-webmail");
          request.onerror = () => resolve(0);
          request.onsuccess = () => {
            const database = request.result;
            if (!database.objectStoreNames.contains(name)) return resolve(0);
            const count = database.transaction(name).objectStore(name).count();
            count.onsuccess = () => { database.close(); resolve(count.result); };
          };
        })""",
        store,
    )
    return found


def row(page: Page, subject: str) -> None:
    """Open the message with this subject."""
    page.locator(".message", has_text=subject).click()
    expect(page.locator(".reader-subject")).to_have_text(subject)


@pytest.mark.landing("offline")
@pytest.mark.parametrize("how", ["offline", "killed"])
def test_kept_mail_is_read_without_a_server(page: Page, local: LocalServer, how: str) -> None:
    """WEBMAIL-120, WEBMAIL-121: the page starts anew, and the HTML has the policy that the server gave it."""
    if how == "offline":
        page.context.set_offline(True)
    else:
        local.kill()
    page.reload()
    expect(page.locator(".message")).to_have_count(2)
    expect(page.get_by_text("Not connected")).to_be_visible()
    row(page, "plain")
    expect(page.locator(".text-part")).to_contain_text("Words of the first")
    row(page, "framed")
    expect(page.frame_locator("iframe.html").locator("b")).to_have_text("noon")
    policy = page.evaluate(
        """async () => {
          const [answer] = await (await caches.open("moxlite-webmail-mail")).matchAll();
          return answer.headers.get("content-security-policy");
        }"""
    )
    assert "default-src 'none'" in policy
    assert "script" not in policy or "script-src 'none'" in policy
    if how == "offline":
        page.context.set_offline(False)
    else:
        local.start()
    append(imap(local), "news")
    expect(page.locator(".message")).to_have_count(3)
    expect(page.get_by_text("Not connected")).to_be_hidden()
    # opening the messages has marked them as read, which waited in a line of its own
    expect(page.get_by_text(re.compile("changes? will be sent when"))).to_be_hidden()


def test_hostile_html_runs_and_loads_nothing_without_a_server(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121, WEBMAIL-108, WEBMAIL-156: what the browser has kept is as harmless as what the server gave."""
    vectors = all_vectors()
    session = imap(local)
    messages = range(0, len(vectors), 400)
    for number in messages:
        append(session, f"vectors from {number}.", "", html="\n".join(vectors[number : number + 400]))
    kept_html = "caches.open('moxlite-webmail-mail').then((one) => one.keys()).then((found) => found.length)"
    until(lambda: page.evaluate(kept_html) > len(messages), what="pages that are kept")
    local.kill()
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    opened: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    page.context.on("dialog", dismiss)
    page.reload()
    for number in messages:
        row(page, f"vectors from {number}.")
        frame = page.frame_locator("iframe.html")
        expect(frame.locator("body")).not_to_be_empty()
        expect(frame.locator("script, iframe, object, embed, form")).to_have_count(0)
        expect(page).to_have_title(re.compile("Inbox"))
    assert opened == []
    assert [url for url in asked if url.startswith("http") and not url.startswith("http://localhost:")] == []
    assert len(page.context.pages) == 1


def test_what_is_done_without_a_connection_is_done_once_later(page: Page, local: LocalServer) -> None:
    """WEBMAIL-121: in its order, over a start of the page; the page says what waits."""
    page.context.set_offline(True)
    page.reload()
    row(page, "plain")
    page.keyboard.press("s")
    page.keyboard.press("a")
    expect(page.locator(".message")).to_have_count(1)
    page.keyboard.press("c")
    page.get_by_label("To", exact=True).fill("moxlite@localhost")
    page.get_by_label("Subject").fill("written far away")
    page.locator(".composer textarea").last.fill("Hello")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Saved on this device")).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("changes? will be sent when"))).to_be_visible()
    expect(page.locator(".message")).to_have_count(1)
    session = imap(local)
    assert has_one(session, "Sent") is False
    page.context.set_offline(False)
    expect(page.get_by_text(re.compile("changes? will be sent when"))).to_be_hidden()
    until(lambda: has_one(session, "Sent"), what="the message in Sent")
    until(lambda: has_one(session, "Archive"), what="the archived message")
    session.select("Archive")
    assert "\\Flagged" in flags(session, "1")
    expect(page.locator(".message", has_text="written far away")).to_have_count(1)
    page.reload()
    expect(page.locator(".message", has_text="written far away")).to_have_count(1)
    assert has_one(session, "Sent")


def test_log_out_leaves_nothing_in_the_browser(page: Page, local: LocalServer) -> None:
    """WEBMAIL-22, WEBMAIL-22a: neither mail nor the service worker."""
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.evaluate("caches.has('moxlite-webmail-mail')") is False
    assert kept(page, "messages") == 0
    assert set(page.evaluate("Object.keys(localStorage)")) <= {"moxlite-webmail-hints", "moxlite-webmail-scheme"}


def age_sessions(local: LocalServer) -> None:
    """Let eleven minutes pass since each log-in. The server is stopped meanwhile."""
    assert local.stop() == 0
    with closing(apsw.Connection(str(local.folder / "data/auth.db"))) as db:
        db.execute("UPDATE session SET proven = proven - ?", (11 * 60 * 1_000_000,))
    local.start()


def confirm(page: Page, reason: str) -> None:
    """Give a wrong password, and then the right one, to the question that gives this reason."""
    question = page.get_by_role("dialog", name="Confirm it's you")
    expect(question).to_contain_text(reason)
    for password, wrong in (("not the password", True), ("moxmoxmox", False)):
        question.get_by_label("Password").fill(password)
        question.get_by_role("button", name="Continue").click()
        if wrong:
            expect(question.get_by_role("alert")).to_contain_text("Wrong password")
    expect(question).to_have_count(0)


def downloaded(page: Page, press: Callable[[], None], *, asked: bool) -> Path:
    """The file that a press brings; where the password is `asked` for, nothing comes before it was given."""
    with page.expect_download() as waiting:
        press()
        if asked:
            confirm(page, "To export mail, enter your password")
    return Path(waiting.value.path())


@pytest.mark.nightly
def test_a_device_asks_for_the_password_before_mail_leaves_the_account(
    chromium: Browser, local: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-22a, WEBMAIL-85, WEBMAIL-128, WEB-63a: for an export of mail and of contacts, ten minutes after the
    log-in; a wrong password brings nothing; then ten minutes without a question; reading asks for nothing.
    """
    append(imap(local), "kept")
    context = launch(chromium, tmp_path / "profile")
    page = context.new_page()
    log_in(page, local)
    expect(page.locator(".message")).to_have_count(1)

    def export() -> None:
        page.get_by_role("link", name="Mail", exact=True).click()
        page.locator(".mailbox", has_text="Inbox").hover()
        page.get_by_label("Actions for Inbox").click()
        page.get_by_role("dialog", name="Inbox").get_by_role("button", name="Export…").click()
        page.get_by_role("button", name="Single mbox file").click()

    def people() -> None:
        page.get_by_role("link", name="Contacts", exact=True).click()
        page.locator("#app.other-place").get_by_role("link", name="Export as CSV").click()

    def subjects(path: Path) -> list[str]:
        return [str(message["Subject"]) for message in mbox(path)]

    # the password of the log-in counts
    assert subjects(downloaded(page, export, asked=False)) == ["kept"]
    for first, second in ((export, people), (people, export)):
        age_sessions(local)
        page.reload()
        page.get_by_role("link", name="Mail", exact=True).click()
        page.locator(".message").click()
        expect(page.locator(".text-part")).to_contain_text("Some text")
        assert downloaded(page, first, asked=True).stat().st_size > 0
        assert downloaded(page, second, asked=False).stat().st_size > 0
        page.reload()
    age_sessions(local)
    page.reload()
    gone: list[str] = []
    page.on("download", lambda download: gone.append(download.url))
    export()
    page.get_by_role("dialog", name="Confirm it's you").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_contain_text("To continue, enter your password or verify it's you again.")
    assert gone == []
    context.close()


@pytest.mark.nightly
def test_forwarding_is_turned_on_after_the_password_alone(chromium: Browser, local: LocalServer) -> None:
    """WEBMAIL-22a, WEB-158a, WEB-63a: the account app that the webmail of a device opens asks for the password before
    it forwards, a wrong one forwards nothing, and a second address needs no second question.
    """
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    log_in(page, local)
    expect(page.locator(".list-title")).to_have_text("Inbox")
    page.goto(f"http://localhost:{local.port(80)}/#forwarding")
    address = page.get_by_role("textbox", name="Address", exact=True)
    for number, asked in ((1, True), (2, False)):
        address.fill(f"friend{number}@far.example")
        page.get_by_role("button", name="Add", exact=True).click()
        if asked:
            question = page.get_by_role("dialog", name="Confirm it's you")
            expect(question).to_be_visible()
            expect(page.get_by_text("not confirmed")).to_have_count(0)
            confirm(page, "To confirm this change, enter your password again")
        expect(page.get_by_text("not confirmed")).to_have_count(number)
    context.close()
