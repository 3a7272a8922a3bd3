"""The account app in a real browser against a real server: mail goes in as files, and comes out as files."""

import io
import mailbox as mailboxes
import random
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

MESSAGES = 1_500
UNFINISHED = 15_000
"""Messages of an import that is ended before its end, however slow the browser is beside the server."""

#: Notes what is said of how far an import is: it may be over before a slow machine looks.
NOTE_FIGURES = """() => {
  window.figures = [];
  const figures = document.querySelector(".figures");
  new MutationObserver(() => window.figures.push(figures.textContent)).observe(figures, { childList: true });
}"""


@pytest.fixture
def visitor(chromium: Browser, server: LocalServer) -> Iterator[Visitor]:
    """Somebody who has logged in to the account app."""
    found = Visitor(chromium, server)
    found.fill_in("/#transfer")
    expect(found.page.get_by_role("heading", name="Import and export")).to_be_visible()
    begin_anew(found)
    yield found
    found.close()


def begin_anew(visitor: Visitor) -> None:
    """Have the form: the end of another test's import is told for a minute."""
    if visitor.page.locator(".running").is_visible():
        visitor.page.get_by_role("button", name="Import another file").click()


def archive(path: Path, count: int) -> list[bytes]:
    """Write a zip file with two mailboxes and a file that is no mail; the messages of the larger one, in order."""
    rng = random.Random(7)
    messages = [
        f"From: Ada Lindqvist <ada@nordlicht.example>\nTo: moxlite@localhost\nSubject: letter {number}\n"
        f"Message-ID: <{number}@nordlicht.example>\nDate: Thu, 1 Oct 2026 10:00:00 +0000\n\n"
        f"{'Some words, and some more. ' * 20}\n{rng.getrandbits(256):064x}\n".encode()
        for number in range(count)
    ]
    with zipfile.ZipFile(path, "w") as packed:
        separator = b"From ada@nordlicht.example Thu Oct  1 10:00:00 2026\n"
        packed.writestr("Old/Letters.mbox", b"".join(separator + message + b"\n" for message in messages))
        packed.writestr("Old/Drawers/new/1790848800.1.x", messages[0])
        packed.writestr("Old/holiday.jpg", b"\xff\xd8\xff")
    return messages


def staged(server: LocalServer) -> int:
    """Rows that a running import has in the account."""
    name = server.user.partition("@")[0]
    db = apsw.Connection(str(server.folder / f"data/accounts/{name}/account.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        both = "SELECT (SELECT count(*) FROM import_job) + (SELECT count(*) FROM import_message)"
        [(count,)] = db.execute(both)
        return int(count)
    finally:
        db.close()


def choose(visitor: Visitor, path: Path, prefix: str = "") -> None:
    """Fill in the form, and begin the import."""
    page = visitor.page
    page.get_by_label("Choose a file or drag it here").set_input_files(path)
    page.get_by_label("Remove folder name prefix").fill(prefix)
    page.get_by_role("button", name="Import", exact=True).click()


def chooser(visitor: Visitor, name: str) -> Locator:
    """One of the lists of the export."""
    return visitor.page.get_by_role("combobox", name=name, exact=True)


@pytest.mark.slow
def test_mail_goes_in_and_comes_out_as_it_was(visitor: Visitor, tmp_path: Path) -> None:
    """WEB-72, WEB-73, WEB-79, STORE-128: uploaded, watched, looked at again after a reload, and downloaded."""
    page = visitor.page
    messages = archive(tmp_path / "mail.zip", MESSAGES)
    page.evaluate(NOTE_FIGURES)
    choose(visitor, tmp_path / "mail.zip", "Old")
    expect(page.locator(".running h3")).to_have_text("mail.zip")
    until(lambda: any(re.match(r"[1-9]\d? %", one) for one in page.evaluate("window.figures")))
    expect(page.locator(".counts th", has_text="Letters")).to_be_visible()
    page.screenshot(path=tmp_path / "running.png")
    page.reload()
    expect(page.locator(".running h3")).to_have_text("mail.zip")
    expect(page.locator(".counts th", has_text="Letters")).to_be_visible()
    expect(page.locator(".result")).to_have_text("1,501 messages imported, 1 problem.", timeout=120_000)
    expect(page.locator(".counts caption")).to_have_text("1,501 messages in 2 folders")
    page.get_by_text("1 problem (view skipped items)").click()
    expect(page.locator(".problems li")).to_have_text("Old/holiday.jpg: not a mail file")
    page.reload()  # the end is still there
    expect(page.locator(".result")).to_have_text("1,501 messages imported, 1 problem.")
    expect(page.locator(".counts caption")).to_have_text("1,501 messages in 2 folders")
    page.screenshot(path=tmp_path / "done.png", full_page=True)
    page.get_by_role("button", name="Import another file").click()
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    chooser(visitor, "Folder").select_option("Letters")
    expect(page.get_by_text("1,500 messages")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    download = waiting.value
    assert re.fullmatch(r"mailexport-Letters-\d{8}-\d{6}\.mbox\.zip", download.suggested_filename)
    with zipfile.ZipFile(io.BytesIO(Path(download.path()).read_bytes())) as packed:
        assert packed.namelist() == ["Letters.mbox"]
        (tmp_path / "back.mbox").write_bytes(packed.read("Letters.mbox"))
    back = [dropped(message.as_bytes()) for message in mailboxes.mbox(tmp_path / "back.mbox")]
    assert back == messages
    page.get_by_role("link", name="Mail", exact=True).click()
    expect(page.get_by_label("Password")).to_be_visible()


def dropped(message: bytes) -> bytes:
    """A message without the fields for flags that an mbox has."""
    return re.sub(rb"^(?:Status|X-Status|X-Keywords):.*\n", b"", message, flags=re.MULTILINE)


@pytest.mark.nightly
@pytest.mark.slow
def test_an_import_can_be_cancelled_and_a_killed_server_takes_it_back(visitor: Visitor, tmp_path: Path) -> None:
    """WEB-74, STORE-121, STORE-131: kill -9 in the middle leaves nothing, and the page says what it knows."""
    page, server = visitor.page, visitor.server
    archive(tmp_path / "mail.zip", UNFINISHED)
    choose(visitor, tmp_path / "mail.zip")
    expect(page.locator(".counts th", has_text="Letters")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Stop import").click()
    expect(page.locator(".result")).to_have_text("No messages imported: the import was canceled")
    until(lambda: staged(server) == 0, what="nothing to be left of the import")
    page.get_by_role("button", name="Import another file").click()
    choose(visitor, tmp_path / "mail.zip")
    expect(page.locator(".counts th", has_text="Letters")).to_be_visible()
    assert staged(server) > 0
    server.kill()
    expect(page.locator(".doing")).to_contain_text("Connection lost")
    server.start()
    expect(page.locator(".result")).to_contain_text("Couldn't get the import status")
    until(lambda: staged(server) == 0, what="the leftovers of the import to go")
    until(lambda: list((server.folder / "data/tmp").iterdir()) == [], what="its file to go")
    page.reload()
    expect(page.locator(".result")).to_contain_text("Couldn't get the import status")
    assert page.locator("#export-title").is_visible()
    assert chooser(visitor, "Folder").locator("option", has_text="Old/Letters").count() == 0
    page.get_by_role("button", name="Import another file").click()
    archive(tmp_path / "mail.zip", MESSAGES)
    choose(visitor, tmp_path / "mail.zip")
    expect(page.locator(".result")).to_have_text("1,501 messages imported, 1 problem.", timeout=120_000)


@pytest.mark.nightly
def test_what_cannot_be_is_said_and_small_screens_are_enough(
    chromium: Browser, server: LocalServer, tmp_path: Path
) -> None:
    """WEB-72: also that the page needs no more than 360 pixels, and is reached from the webmail."""
    visitor = Visitor(chromium, server, viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = visitor.page
    visitor.expect_problem("400")
    visitor.fill_in("/webmail/")
    page.get_by_role("button", name="Folders").click()
    page.get_by_role("button", name="Account and settings").click()
    page.get_by_role("menuitem", name="Settings").click()
    page.get_by_role("button", name="Pages").click()
    expect(page.get_by_role("link", name="Mail", exact=True)).to_be_visible()
    page.get_by_role("link", name="Sharing and import").click()
    page.get_by_role("link", name="Import and export").click()
    expect(page.get_by_role("heading", name="Import and export")).to_be_visible()
    begin_anew(visitor)
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.screenshot(path=tmp_path / "small.png", full_page=True)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    page.get_by_label("Choose a file or drag it here").set_input_files(tmp_path / "picture.png")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("can't import this file")
    page.get_by_role("button", name="Close").click()
    archive(tmp_path / "mail.zip", 3)
    page.get_by_label("Choose a file or drag it here").set_input_files(tmp_path / "mail.zip")
    page.get_by_label("Dry run").check()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".result")).to_have_text("4 messages would be imported, 1 problem. This was only a dry run.")
    page.screenshot(path=tmp_path / "trial.png", full_page=True)
    page.get_by_label("Maildir").check()
    expect(chooser(visitor, "File").locator("option[value=none]")).to_have_attribute("disabled", "")
    page.get_by_label("mbox:").check()
    chooser(visitor, "Folder").select_option("Inbox")
    expect(page.get_by_label("Include subfolders")).to_be_disabled()
    chooser(visitor, "File").select_option("none")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    assert waiting.value.suggested_filename.endswith(".mbox")
    page.get_by_role("button", name="Pages").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("dialog").get_by_label("Password", exact=True)).to_be_visible()
    visitor.close()


@pytest.mark.nightly
def test_a_trial_asks_what_labels_mean(visitor: Visitor, tmp_path: Path) -> None:
    """STORE-194a, WEB-73: the user corrects the guesses, and the import of the same file takes them."""
    page = visitor.page
    fields = {"Qin": "Delivered-To: a@gmail.example\nFrom: b@b.example", "Qsent": "From: a@gmail.example"}
    (tmp_path / "takeout.mbox").write_bytes(
        b"".join(
            f"From a Thu Oct  1 10:00:00 2026\nX-Gmail-Labels: {label}\n{more}\n\n{n}\n\n".encode()
            for label, more in [*fields.items(), ("Qbin", fields["Qin"])]
            for n in range(12 - label.count("b"))
        )
    )
    page.get_by_label("Dry run").check()
    choose(visitor, tmp_path / "takeout.mbox")
    expect(page.get_by_role("heading", name="Match Gmail labels")).to_be_visible()
    expect(page.get_by_label("Meaning of Qin")).to_have_value("inbox")
    expect(page.get_by_label("Meaning of Qsent")).to_have_value("sent")
    page.get_by_label("Meaning of Qbin").select_option("Trash")
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=tmp_path / "labels.png", full_page=True)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".result")).to_have_text("35 messages imported.")
    expect(page.locator(".counts tr", has_text="Trash")).to_contain_text("11")
    expect(page.get_by_role("heading", name="Match Gmail labels")).to_be_hidden()
