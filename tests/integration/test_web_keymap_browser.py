"""Keys of commands that the user chose, in a real browser."""

import imaplib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.integration.browser import chromium
from tests.integration.test_web_webmail_browser import Reader, append, has_one, local, reader
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "local", "reader"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


@pytest.fixture
def settings(reader: Reader) -> Iterator[Page]:
    """The page of the keys, in another tab; they are moxlite's again afterwards."""
    with reader.settings("shortcuts") as found:
        found.get_by_text("Customize shortcuts").click()
        yield found
        whole = found.get_by_role("button", name="moxlite shortcuts")
        if whole.get_attribute("aria-pressed") == "false":
            with found.expect_response("**/api/preferences_save"):
                whole.click()


def key_of(settings: Page, title: str) -> Locator:
    """The button with the key of a command."""
    return settings.locator(".key-row").filter(has_text=re.compile(f"^{re.escape(title)}")).locator(".key-button").first


def saved(page: Page, key: str, button: Locator) -> None:
    """Press a key for a command, and wait until it is kept."""
    button.click()
    expect(button).to_have_text("Press a key…")
    with page.expect_response("**/api/preferences_save"):
        page.keyboard.press(key)


def test_a_command_gets_another_key_in_all_pages(
    reader: Reader, settings: Page, chromium: Browser, local: LocalServer, mailbox: imaplib.IMAP4, tmp_path: Path
) -> None:
    """WEBMAIL-162, WEBMAIL-105: also in a second page, after a reload, in the help, the palette and titles; Undo."""
    other = Reader(chromium, local)
    other.log_in()
    append(mailbox, "One")
    page = reader.page
    archive = key_of(settings, "Archive")
    expect(archive).to_have_accessible_name("Archive: a")
    saved(settings, "Z", archive)
    expect(archive).to_have_accessible_name("Archive: Z")
    expect(archive).to_be_focused()
    settings.screenshot(path=tmp_path / "keys.png")
    saved(settings, "Backspace", key_of(settings, "New message"))
    expect(key_of(settings, "New message")).to_have_accessible_name("New message: no shortcut")
    with settings.expect_response("**/api/preferences_save"):
        settings.get_by_role("button", name="Undo", exact=True).last.click()
    expect(key_of(settings, "New message")).to_have_accessible_name("New message: c")
    settings.get_by_text("Customize shortcuts").click()
    for one in (page, other.page):
        one.locator(".message").click()
        expect(one.locator(".toolbar").get_by_role("button", name="Archive")).to_have_attribute("title", "Archive (Z)")
    page.reload()
    page.locator(".message").click()
    expect(page.locator(".toolbar").get_by_role("button", name="Archive")).to_have_attribute("title", "Archive (Z)")
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Shortcuts")
    expect(help_.locator("dt", has=page.locator("xpath=following-sibling::dd[1][.='Archive']"))).to_have_text("Z")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("archive")
    expect(page.get_by_role("option", name="Archive").first).to_contain_text("Z")
    page.keyboard.press("Escape")
    other.page.keyboard.press("a")
    expect(other.page.locator(".message")).to_have_count(1)
    other.page.keyboard.press("Z")
    expect(page.locator(".message")).to_have_count(0)
    other.close()


@pytest.mark.nightly
def test_a_key_of_another_command_is_told_and_swapped(reader: Reader, settings: Page) -> None:
    """WEBMAIL-162: by words with a choice; Cancel, Escape and what the browser needs change nothing."""
    archive, flag = key_of(settings, "Archive"), key_of(settings, "Flag, Unflag")
    archive.click()
    settings.keyboard.press("s")
    question = settings.locator(".key-question")
    expect(question).to_contain_text("s is already used for “Flag, Unflag”.")
    question.get_by_role("button", name="Cancel").click()
    expect(archive).to_be_focused()
    expect(archive).to_have_accessible_name("Archive: a")
    settings.keyboard.press("Enter")
    settings.keyboard.press("s")
    settings.keyboard.press("Escape")
    expect(question).to_have_count(0)
    for key, name in (("Control+c", "ctrl c"), ("ArrowDown", "↓"), ("Alt+d", "alt d"), ("Tab", "Tab")):
        archive.click()
        settings.keyboard.press(key)
        expect(settings.get_by_text(f"{name} is reserved by the browser")).to_be_visible()
    expect(archive).not_to_be_focused()
    archive.click()
    settings.keyboard.press("Escape")
    expect(archive).to_have_accessible_name("Archive: a")
    archive.click()
    settings.keyboard.press("s")
    with settings.expect_response("**/api/preferences_save"):
        question.get_by_role("button", name="Swap shortcuts").click()
    expect(archive).to_have_accessible_name("Archive: s")
    expect(flag).to_have_accessible_name("Flag, Unflag: a")


@pytest.mark.nightly
def test_gmails_keys_do_what_they_do_there(
    reader: Reader, settings: Page, mailbox: imaplib.IMAP4, tmp_path: Path
) -> None:
    """WEBMAIL-162, WEBMAIL-71: the ready set, with no key for two commands; moxlite's set takes all back."""
    page = reader.page
    for subject in ("One", "Two", "Three"):
        append(mailbox, subject)
    with settings.expect_response("**/api/preferences_save"):
        settings.get_by_role("button", name="Gmail shortcuts").click()
    expect(settings.get_by_role("button", name="Gmail shortcuts")).to_have_attribute("aria-pressed", "true")
    settings.screenshot(path=tmp_path / "gmail.png")
    keys = [one for one in settings.locator(".key-button").all_inner_texts() if one != "–"]
    assert sorted(set(keys)) == sorted(keys)
    page.keyboard.press("Home")
    page.keyboard.press("o")
    expect(page.locator(".toolbar").get_by_role("button", name="Archive")).to_have_attribute("title", "Archive (e)")
    page.keyboard.press("e")
    reader.expect_subjects("Two", "One")
    page.keyboard.press("z")
    reader.expect_subjects("Three", "Two", "One")
    page.locator(".message", has_text="Two").click()
    page.keyboard.press("#")
    until(lambda: has_one(mailbox, "Trash"))
    mailbox.select("INBOX")
    reader.expect_subjects("Three", "One")
    page.keyboard.press("Control+z")
    reader.expect_subjects("Three", "Two", "One")
    page.locator(".message", has_text="Three").click()
    page.keyboard.press("v")
    page.keyboard.type("arch")
    expect(page.get_by_role("dialog", name="Move to").get_by_role("option")).to_have_text("Archive")
    page.keyboard.press("Enter")
    reader.expect_subjects("Two", "One")
    page.locator(".message", has_text="One").click()
    expect(page.locator(".reader-subject")).to_have_text("One")
    page.keyboard.press("U")
    expect(page.locator(".message.unread", has_text="One")).to_have_count(1)
    page.keyboard.press("u")
    expect(page.locator(".reader-subject")).to_have_count(0)
    page.keyboard.press("c")
    expect(page.locator(".composer")).to_have_count(1)
    page.locator(".composer").get_by_label("Close").click()
    with settings.expect_response("**/api/preferences_save"):
        settings.get_by_role("button", name="moxlite shortcuts").click()
    expect(key_of(settings, "Archive")).to_have_accessible_name("Archive: a")
