"""Address books in a real browser (WEBMAIL-128a): one's own and shared ones, at a desk and on a phone."""

import base64
import imaplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.geometry import fresh
from tests.integration.browser import chromium
from tests.integration.conftest import panics
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import Desk
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server with a second user, bob, who shares an address book with "Cleo"; it must have counted no panic."""
    with LocalServer(tmp_path / "server") as found:
        found.cli("config", "account", "add", "bob", "bob@localhost")
        cards = found.folder / "cards.csv"
        cards.write_text("Name,E-mail Address,Group Membership\nCleo,cleo@c.example,Rowing\n")
        found.cli("contacts", "import", "bob", str(cards))
        found.cli("contacts", "share", "bob", "contacts", "moxlite")
        yield found
        assert panics(found) == 0, found.log()


def people(page: Page) -> Locator:
    """Open the contacts."""
    page.get_by_role("link", name="Contacts", exact=True).click()
    found = page.locator("#app.other-place")
    if (page.viewport_size or {"width": 0})["width"] < 700:
        found.get_by_role("button", name="Folders").click()
    expect(found.get_by_role("button", name="Edit “Contacts”")).to_be_visible()
    return found


def test_address_books_are_made_filled_shared_and_removed(
    chromium: Browser, server: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-128a, WEBMAIL-144: a contact moves and is copied; a book of another is read."""
    with fresh(chromium, server, 1280) as visitor:
        page = Desk(visitor.page).page
        found = people(page)
        books, rows = found.locator(".people-side"), found.get_by_role("listitem")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("Contacts (bob)")
        wrong = judge(page, None)
        # made, and a contact written into it
        books.get_by_role("button", name="New address book").click()
        page.get_by_role("dialog", name="New address book").get_by_label("Name").fill("Choir")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        books.get_by_role("button", name="Choir", exact=False).first.click()
        expect(rows).to_have_count(0)
        found.get_by_role("button", name="New contact").click()
        form = page.get_by_role("dialog", name="New contact")
        expect(form.get_by_label("Address book")).to_have_value(
            books.locator("[aria-pressed=true]").get_attribute("data-book") or ""
        )
        form.get_by_label("Name", exact=True).fill("Ada")
        form.get_by_label("Email").first.fill("ada@a.example")
        form.get_by_role("button", name="Save").click()
        expect(rows).to_have_count(1)
        # copied to one's own other book, then moved there
        rows.get_by_role("button", name="Ada").click()
        card = found.get_by_role("article")
        card.get_by_role("button", name="Copy to…").click()
        page.get_by_role("dialog", name="Copy “Ada”").get_by_role("button", name="Copy").click()
        books.get_by_role("button", name="All contacts").click()
        expect(rows).to_have_count(3)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            wrong += judge(page, None if scheme == "light" else ["color-contrast"])
            page.screenshot(path=tmp_path / f"all-{scheme}.png")
        rows.filter(has_text="Choir").get_by_role("button", name="Ada").click()
        card.get_by_role("button", name="Edit").click()
        form = page.get_by_role("dialog", name="Ada")
        form.get_by_label("Address book").select_option(label="Contacts")
        form.get_by_role("button", name="Save").click()
        expect(rows.filter(has_text="Choir")).to_have_count(0)
        # of another user: read, said plainly
        rows.filter(has_text="Cleo").get_by_role("button", name="Cleo").click()
        expect(card).to_contain_text("bob shares this address book with you. You can only view it.")
        expect(card.get_by_role("button", name="Edit")).to_have_count(0)
        # the key for a star asks for nothing either, and no row offers to leave a group
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.keyboard.press("s")
        page.screenshot(path=tmp_path / "read.png")
        wrong += judge(page, None)
        books.get_by_role("button", name="Contacts (bob)").first.click()
        expect(rows).to_have_count(1)
        expect(found.get_by_role("button", name="New contact")).to_be_hidden()
        books.get_by_role("button", name="Rowing 1").click()
        expect(found.get_by_role("heading", level=2, name="Rowing")).to_be_visible()
        expect(rows).to_have_count(1)
        expect(rows.get_by_role("button", name="Remove “Cleo” from this group")).to_have_count(0)
        assert asked
        assert not [url for url in asked if url.endswith("contacts_group")]
        books.get_by_role("button", name="Contacts (bob)").first.click()
        # shared, with a mistake first
        books.get_by_role("button", name="Edit “Choir”").click()
        form = page.get_by_role("dialog", name="Choir")
        form.get_by_label("Shared with").fill("nobody@localhost")
        form.get_by_role("button", name="Share").click()
        expect(form).to_contain_text("Isn't an account on this server")
        form.get_by_label("Shared with").fill("bob@localhost")
        form.get_by_role("button", name="Share").click()
        expect(form.get_by_label("Permissions for bob")).to_have_value("read")
        form.get_by_label("Permissions for bob").select_option("change")
        page.screenshot(path=tmp_path / "shared.png")
        wrong += judge(page, None)
        expect(books.get_by_title("Shared")).to_be_attached()
        form.get_by_role("button", name="Stop sharing with bob").click()
        expect(form.get_by_label("Permissions for bob")).to_have_count(0)
        form.get_by_role("button", name="Delete…").click()
        page.get_by_role("dialog", name="Delete “Choir”?").get_by_role("button", name="Delete").click()
        expect(books.get_by_role("button", name="Choir")).to_have_count(0)
        visitor.expect_problem("400")
        assert not wrong, "\n".join(wrong)


@pytest.mark.nightly
def test_a_phone_shows_address_books_in_its_side_bar(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-128a, WEBMAIL-144: in the side bar, from right to left, too."""
    with fresh(chromium, server, 360, scheme="dark") as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        desk.call("address_book_save", name="An address book with a rather long name")
        found = people(page)
        page.wait_for_function("document.documentElement.scrollWidth <= 360")
        page.screenshot(path=tmp_path / "phone.png")
        wrong = judge(page, None)
        page.evaluate("document.documentElement.dir = 'rtl'")
        page.screenshot(path=tmp_path / "rtl.png")
        found.get_by_role("button", name="Edit “Contacts”").click()
        page.wait_for_function("document.documentElement.scrollWidth <= 360")
        page.screenshot(path=tmp_path / "phone-form.png")
        wrong += judge(page, None)
        assert not wrong, "\n".join(wrong)


@pytest.mark.nightly
def test_a_photo_is_added_and_shown(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-128b: made small by the browser; in the list and beside the author; no request without one."""
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    session.append("INBOX", "", "", b"From: Zoe Ray <zoe@z.example>\r\nSubject: Faces\r\n\r\nSome text.\r\n")
    session.logout()
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        large = page.evaluate(
            """() => { const one = document.createElement("canvas"); one.width = 900; one.height = 1200;
            const pen = one.getContext("2d"); pen.fillStyle = "#9cf"; pen.fillRect(0, 0, 900, 1200);
            pen.fillStyle = "#c66"; pen.beginPath(); pen.arc(450, 500, 300, 0, 7); pen.fill();
            return one.toDataURL("image/png").split(",")[1]; }"""
        )
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url) if "/photo/" in one.url else None)
        found = people(page)
        found.get_by_role("button", name="New contact").click()
        form = page.get_by_role("dialog", name="New contact")
        form.get_by_label("Name", exact=True).fill("Zoe Ray")
        form.get_by_label("Email").first.fill("zoe@z.example")
        picture = form.locator("input[type=file]")
        picture.set_input_files({"name": "x.svg", "mimeType": "image/png", "buffer": b"<svg/>"})
        expect(form.get_by_role("alert")).to_have_text("This image can't be displayed.")
        picture.set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": base64.b64decode(large)})
        expect(form.get_by_role("button", name="Change photo…")).to_be_visible()
        page.screenshot(path=tmp_path / "form.png")
        wrong = judge(page, None)
        form.get_by_role("button", name="Save").click()
        row = found.get_by_role("listitem").filter(has_text="Zoe Ray")
        expect(row.locator("img")).to_have_js_property("naturalHeight", 256)
        page.screenshot(path=tmp_path / "list.png")
        wrong += judge(page, None)
        assert len(asked) == 1
        page.locator(".open-mail").click()
        page.reload()
        page.locator(".message", has_text="Faces").click()
        expect(page.locator(".author-disc img")).to_have_js_property("naturalHeight", 256)
        page.screenshot(path=tmp_path / "reader.png")
        people(page)
        row.get_by_role("button", name="Zoe Ray").click()
        found.get_by_role("article").get_by_role("button", name="Edit").click()
        form = page.get_by_role("dialog", name="Zoe Ray")
        form.get_by_role("button", name="Remove photo").click()
        form.get_by_role("button", name="Save").click()
        expect(row.locator("img")).to_have_count(0)
        assert not wrong, "\n".join(wrong)


@pytest.mark.nightly
def test_duplicates_are_merged_by_choice(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-128c, WEBMAIL-144: the user chooses which one stays; the other one comes back; hostile names are text."""
    with fresh(chromium, server, 360) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        card = {
            "emails": [{"value": "dora@d.example", "kind": ""}],
            "phones": [],
            "organization": "",
            "note": "",
            "groups": [],
        }
        desk.call("contact_save", contact={"name": "Dora", **card})
        desk.call("contact_save", contact={"name": "<b>D\u202eora</b>", **card, "organization": "Harbour"})
        found = people(page)
        rows = found.get_by_role("listitem").filter(has_text="ora")
        expect(rows).to_have_count(2)
        found.get_by_role("button", name="Find duplicates…").click()
        box = page.get_by_role("dialog", name="Duplicates")
        expect(box).to_contain_text("Same address. Which contact do you want to keep?")
        wrong = judge(page, None)
        page.wait_for_function("document.documentElement.scrollWidth <= 360")
        page.screenshot(path=tmp_path / "doubles.png")
        merge = box.get_by_role("button", name="Merge")
        box.get_by_role("checkbox").and_(box.locator(":enabled")).uncheck()
        expect(merge).to_be_disabled()
        box.get_by_role("checkbox").and_(box.locator(":enabled")).check()
        box.get_by_role("radio").last.check()
        merge.click()
        expect(box).to_contain_text("No duplicates")
        wrong += judge(page, None)
        box.get_by_role("button", name="Close").click()
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("Harbour")
        found.get_by_role("button", name="Deleted contacts…").click()
        expect(page.get_by_role("dialog", name="Deleted contacts")).to_contain_text("Dora")
        assert not wrong, "\n".join(wrong)
