"""A shared mailbox in a real browser, while its owner works by IMAP."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.integration.browser import PATIENCE, chromium, expect_search
from tests.integration.mail import message
from tests.running import ServedServer
from tests.tools import free_port, until

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(smoke="tests/integration/test_web_day_browser.py::test_a_day_without_a_mouse"),
]


@pytest.fixture
def port() -> int:
    """Of the webmail."""
    return free_port()


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[ServedServer]:
    """A server with bob, the owner, and eve, the guest."""
    webmail = f"webmail_http = {{ enabled = true, port = {port} }}"
    with ServedServer(tmp_path / "server", static=webmail) as server:
        yield server
    assert "panic" not in server.log()


def by_imap(served: ServedServer, name: str) -> imaplib.IMAP4:
    """A session of an account."""
    session = imaplib.IMAP4_SSL("127.0.0.1", served.ports["imaps"], ssl_context=ssl._create_unverified_context())
    session.login(f"{name}@example.org", served.password)
    return session


@pytest.fixture
def bob(served: ServedServer) -> Iterator[imaplib.IMAP4]:
    """Bob by IMAP, with two messages in Sales."""
    session = by_imap(served, "bob")
    session.create("Sales")
    for number in (1, 2):
        session.append("Sales", "", "", message(number))
    yield session
    session.logout()


@contextmanager
def page_of(chromium: Browser, served: ServedServer, port: int, name: str) -> Iterator[Page]:
    """The page of an account, with its Inbox open."""
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"http://localhost:{port}/webmail/")
    page.get_by_label("Email address").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def eve(chromium: Browser, served: ServedServer, port: int) -> Iterator[Page]:
    with page_of(chromium, served, port, "eve") as page:
        yield page


def test_a_shared_mailbox_is_read_and_worked_in(bob: imaplib.IMAP4, eve: Page, tmp_path: Path) -> None:
    """WEBMAIL-62: it appears below its owner while the page is open, offers what the rights allow and no more, follows
    what the owner does, and is gone with the rights.
    """
    rows = eve.locator(".message")
    toolbar = eve.locator(".toolbar-buttons")
    owner = eve.locator(".mailbox-owner")
    expect(owner).to_have_count(0)
    assert bob.setacl("Sales", "eve", "lr")[0] == "OK"
    expect(owner).to_have_text("bob")
    sales = eve.locator(".mailbox", has_text="Sales")
    expect(sales.locator(".mailbox-unread")).to_have_text("2")
    sales.locator(".mailbox-open").click()
    expect(rows).to_have_count(2)
    rows.first.click()
    expect(eve.locator(".reader-subject")).to_be_visible()
    expect(toolbar.get_by_role("button", name="Reply", exact=True)).to_be_visible()
    for name in ("Archive", "Trash", "Move", "Labels"):
        expect(toolbar.get_by_role("button", name=name, exact=True)).to_have_count(0)
    eve.screenshot(path=tmp_path / "read-only.png")

    bob.append("Sales", "", "", message(3))
    expect(rows).to_have_count(3)
    for name in ("Sales", "Archive"):
        assert bob.setacl(name, "eve", "lrswite")[0] == "OK"
    expect(owner).to_have_count(1)
    expect(eve.locator(".mailbox", has_text="Archive")).to_have_count(2)
    rows.first.click()
    toolbar.get_by_role("button", name="Archive", exact=True).click()
    expect(rows).to_have_count(2)
    expect(eve.locator(".toast")).to_contain_text("Moved to Other Users/bob/Archive")
    # what is shown at once is done a little later
    until(lambda: bob.status("Archive", "(MESSAGES)")[1][0] == b"Archive (MESSAGES 1)")
    eve.keyboard.press("Control+z")
    expect(rows).to_have_count(3)
    rows.first.click()
    eve.keyboard.press("w")
    eve.get_by_role("dialog").get_by_role("option", name="Archive", exact=True).click()
    expect(rows).to_have_count(2)
    eve.screenshot(path=tmp_path / "worked-in.png")
    eve.locator(".mailbox", has_text="Archive").first.locator(".mailbox-open").click()
    expect(rows).to_have_count(1)

    sales.locator(".mailbox-open").click()
    expect(rows).to_have_count(2)
    for name in ("Sales", "Archive"):
        assert bob.deleteacl(name, "eve")[0] == "OK"
    expect(eve.locator(".list-title")).to_have_text("Inbox")
    expect(owner).to_have_count(0)


def test_a_member_creates_renames_and_deletes_folders(bob: imaplib.IMAP4, served: ServedServer, eve: Page) -> None:
    """SMTP-189a, WEBMAIL-62: by the menu of a shared folder, on a narrow page and in the dark, too; its owner
    sees it at once, and what a folder had is in Trash. Folders with a role can't be deleted.
    """
    served.cli("account", "delegate", "set", "bob", "eve", "as", "--whole")
    dialog = eve.get_by_role("dialog")

    def menu(name: str) -> Locator:
        return eve.get_by_role("button", name=f"Actions for Other Users/bob/{name}", exact=True)

    menu("Inbox").click()
    expect(dialog.get_by_role("button", name="Delete…")).to_be_disabled()
    dialog.get_by_role("button", name="New folder…").click()
    dialog.get_by_role("textbox").fill("Cases")
    dialog.get_by_role("button", name="Create").click()
    menu("Cases").click()
    dialog.get_by_role("button", name="Rename…").click()
    expect(dialog.get_by_role("textbox")).to_have_value("Cases")
    dialog.get_by_role("textbox").fill("Done")
    dialog.get_by_role("button", name="Rename", exact=True).click()
    expect(menu("Done")).to_be_attached()
    assert any(b"Done" in line for line in bob.list()[1] if isinstance(line, bytes))
    menu("Sent").click()
    expect(dialog.get_by_role("button", name="Rename…")).to_be_enabled()
    expect(dialog.get_by_role("button", name="Delete…")).to_be_disabled()
    eve.keyboard.press("Escape")
    menu("Sales").click()
    eve.emulate_media(color_scheme="dark")
    eve.set_viewport_size({"width": 360, "height": 740})
    dialog.get_by_role("button", name="Delete…").click()
    expect(dialog).to_contain_text("“Sales” will be deleted, and its 2 messages will move to Trash.")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    until(lambda: bob.status("Trash", "(MESSAGES)")[1][0] == b"Trash (MESSAGES 2)")


def test_a_search_over_all_mailboxes_shows_those_of_others(
    bob: imaplib.IMAP4, eve: Page, served: ServedServer, tmp_path: Path
) -> None:
    """WEBMAIL-38, WEBMAIL-62, WEBMAIL-63, WEBMAIL-72: rows of both accounts in one list, commands as the rights of each
    allow, Archive for each at its owner's, and the same search again with the address.
    """
    own = by_imap(served, "eve")
    own.append("INBOX", "", "", message(7, body="plans of eve\r\n"))
    bob.append("Sales", "", "", message(8, body="plans of bob\r\n"))
    assert bob.setacl("Sales", "eve", "lr")[0] == "OK"
    expect(eve.locator(".mailbox-owner")).to_have_text("bob")
    rows = eve.locator(".message")
    toolbar = eve.locator(".toolbar-buttons")
    archive = toolbar.get_by_role("button", name="Archive", exact=True)
    eve.get_by_label("Search mail").fill("plans")
    eve.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    expect(eve.locator(".search-said")).to_have_text("2 found")
    shared, home = rows.filter(has_text="number 8"), rows.filter(has_text="number 7")
    expect(shared.locator(".other-mailbox")).to_have_text("Other Users/bob/Sales")
    expect(home.locator(".other-mailbox")).to_have_text("Inbox")
    eve.screenshot(path=tmp_path / "found.png")

    home.click()
    expect(archive).to_be_visible()
    shared.click()
    expect(eve.locator(".reader-subject")).to_contain_text("number 8")
    expect(archive).to_have_count(0)
    eve.get_by_role("button", name="More actions").click()
    eve.get_by_role("menuitem", name="Details").click()
    details = eve.get_by_role("dialog")
    expect(details).to_contain_text("Record")
    expect(details).not_to_contain_text("Delivery")
    eve.keyboard.press("Escape")
    expect(details).to_have_count(0)
    expect_search(eve, "plans", r"#search:{},\d{{10,}}")
    eve.reload()
    expect(rows).to_have_count(2)
    expect(eve.locator(".reader-subject")).to_contain_text("number 8")

    eve.locator(".messages").focus()
    eve.keyboard.press("Control+a")
    expect(eve.locator(".chosen-count")).to_contain_text("2 selected")
    expect(archive).to_have_count(0)
    for name in ("Sales", "Archive"):
        assert bob.setacl(name, "eve", "lrswite")[0] == "OK"
    archive.click()
    for session in (bob, own):
        done = lambda session=session: session.select("Archive", readonly=True)[1] == [b"1"]  # noqa: E731
        until(done, what="the message in the archive of its owner")
    expect(rows).to_have_count(2)
    expect(shared.locator(".other-mailbox")).to_have_text("Other Users/bob/Archive")
    expect(home.locator(".other-mailbox")).to_have_text("Archive")
    own.logout()


def test_a_team_answers_from_its_address(bob: imaplib.IMAP4, served: ServedServer, eve: Page, tmp_path: Path) -> None:
    """WEBMAIL-90, SMTP-189: an answer in a shared mailbox begins with its address, which the From menu names; what was
    sent is in the owner's Sent alone. Of a guest who loses the right while writing, the message is refused in words,
    and stays as a draft.
    """
    assert bob.setacl("Sales", "eve", "lr")[0] == "OK"
    served.cli("account", "delegate", "set", "bob", "eve", "behalf")
    eve.locator(".mailbox", has_text="Sales").locator(".mailbox-open").click()
    composer = eve.locator(".composer")

    def answer(text: str) -> None:
        eve.locator(".message").first.click()
        expect(eve.locator(".reader-subject")).to_be_visible()
        eve.locator(".toolbar-buttons").get_by_role("button", name="Reply", exact=True).click()
        composer.get_by_role("button", name="More fields").last.click()
        eve.get_by_role("menuitem", name="From").click()
        sender = composer.get_by_label("From", exact=True)
        expect(sender.locator("option:checked")).to_have_text(re.compile(r"^On behalf of .*bob@example\.org"))
        expect(sender.locator("option")).to_contain_text(["bob@example.org", "eve@example.org", "New masked address"])
        composer.get_by_label("To", exact=True).fill("bob@example.org")
        composer.locator(".compose-text:visible").press_sequentially(text)

    answer("Blue.")
    eve.screenshot(path=tmp_path / "answer.png")
    composer.get_by_role("button", name="Send", exact=True).click()
    expect(eve.locator(".toast")).to_contain_text("Message sent")
    until(lambda: bob.status("Sent", "(MESSAGES)")[1][0] == b"Sent (MESSAGES 1)")
    bob.select("Sent", readonly=True)
    header = str(bob.fetch("1", "(BODY.PEEK[HEADER.FIELDS (FROM SENDER)])")[1])
    assert re.search(r"From: [^:]*bob@example\.org", header)
    assert re.search(r"Sender: [^:]*eve@example\.org", header)

    answer("Green.")
    served.cli("account", "delegate", "rm", "bob", "eve")
    composer.get_by_role("button", name="Send", exact=True).click()
    refusal = eve.get_by_role("dialog").filter(has_text="Couldn't send")
    expect(refusal).to_contain_text("you can't send from bob@example.org")
    refusal.get_by_role("button").last.click()
    composer.locator(".compose-text:visible").press("Escape")
    session = by_imap(served, "eve")
    until(lambda: session.status("Drafts", "(MESSAGES)")[1][0] == b"Drafts (MESSAGES 1)")
    session.logout()
    assert bob.status("Sent", "(MESSAGES)")[1][0] == b"Sent (MESSAGES 1)"


def test_two_who_answer_for_one_address_see_each_other(
    bob: imaplib.IMAP4, served: ServedServer, eve: Page, chromium: Browser, port: int, tmp_path: Path
) -> None:
    """WEBMAIL-88b, WEBMAIL-90a, WEBMAIL-123: while eve writes, bob's row says so; he goes on with her draft, and her
    older state is refused. What she sends can be taken back, and the row tells who replied.
    """
    served.cli("account", "delegate", "set", "bob", "eve", "as", "--whole")
    own = by_imap(served, "eve")

    def drafts() -> list[bytes]:
        return [session.status("Drafts", "(MESSAGES)")[1][0] for session in (bob, own)]

    sales = eve.locator(".mailbox", has_text="Sales")
    composer = eve.locator(".composer")
    with page_of(chromium, served, port, "bob") as his:
        his.locator(".mailbox", has_text="Sales").locator(".mailbox-open").click()
        row = his.locator(".message").first
        told = row.locator(".mark.word", has_text=re.compile("replied|replying"))
        expect(row.locator(".message-preview")).not_to_be_empty()
        sales.locator(".mailbox-open").click()
        eve.locator(".message").first.click()
        eve.locator(".toolbar-buttons").get_by_role("button", name="Reply", exact=True).click()
        composer.get_by_label("To", exact=True).fill("bob@example.org")
        composer.locator(".compose-text:visible").press_sequentially("Blue.")
        expect(composer.locator(".compose-state")).to_have_text("Draft saved")
        expect(told).to_have_text(["eve is replying…"])
        assert drafts() == [b"Drafts (MESSAGES 1)", b"Drafts (MESSAGES 0)"]
        row.click()
        expect(his.locator(".answer-bar").last).to_contain_text("eve is replying…")
        his.screenshot(path=tmp_path / "replying.png")

        his.locator(".mailbox", has_text="Drafts").locator(".mailbox-open").click()
        his.locator(".message").first.click()
        his.locator(".toolbar-buttons").get_by_role("button", name="Edit", exact=True).click()
        text = his.locator(".composer .compose-text:visible")
        expect(text).to_have_value(re.compile("Blue"))
        text.press("Control+Home")
        text.press_sequentially("Green. ")
        expect(his.locator(".compose-state")).to_have_text("Draft saved")
        composer.locator(".compose-text:visible").press_sequentially(" Red.")
        expect(composer.locator(".compose-state")).to_contain_text("This draft was changed elsewhere.")
        eve.screenshot(path=tmp_path / "changed.png")
        composer.get_by_role("button", name="Save as new").click()
        expect(composer.locator(".compose-state")).to_have_text("Draft saved")
        assert drafts() == [b"Drafts (MESSAGES 2)", b"Drafts (MESSAGES 0)"]

        his.locator(".mailbox", has_text="Sales").locator(".mailbox-open").click()
        composer.get_by_role("button", name="Send", exact=True).click()
        expect(told).to_have_text(["eve replied", "bob is replying…"])
        eve.locator(".toast", has_text="Message sent").get_by_role("button", name="Undo").click()
        expect(composer.locator(".compose-text:visible")).to_have_value(re.compile("Red"))
        expect(told.filter(has_text="replied")).to_have_count(0)
        assert drafts() == [b"Drafts (MESSAGES 2)", b"Drafts (MESSAGES 0)"]
        composer.get_by_role("button", name="Send", exact=True).click()
        expect(told.first).to_have_text("eve replied")
        his.screenshot(path=tmp_path / "replied.png")
        assert drafts() == [b"Drafts (MESSAGES 1)", b"Drafts (MESSAGES 0)"]
    own.logout()
