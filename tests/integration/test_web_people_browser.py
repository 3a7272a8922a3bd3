"""Contacts, templates and invitations in a real browser (WEBMAIL-126, WEBMAIL-128, WEBMAIL-129, WEBMAIL-142)."""

import imaplib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.geometry import Box, boxes, fresh, uncovered
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import Desk
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

CARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Bo <b>Ek</b>\r\nEMAIL:bo@b.example\r\nCATEGORIES:Sailing\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Cleo\u202eOlm\r\nEMAIL;TYPE=WORK:cleo@c.example\r\nTEL;TYPE=CELL:+46 1\r\n"
    "CATEGORIES:Sailing\r\nEND:VCARD\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with a message; it must have counted no panic."""
    with LocalServer(tmp_path_factory.mktemp("people") / "server") as found:
        session = imaplib.IMAP4("127.0.0.1", found.port(143))
        session.login(found.user, found.password)
        text = "From: Ada Lind <ada@nordlicht.example>\r\nSubject: Plan\r\n\r\nSome text.\r\n"
        session.append("INBOX", "", "", text.encode())
        session.logout()
        yield found
        assert panics(found) == 0, found.log()


@pytest.mark.nightly
def test_people_are_imported_written_to_and_removed(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-128: files, groups, completion; hostile names are text."""
    reader = Visitor(chromium, server, viewport={"width": 1280, "height": 900})
    reader.enter("/webmail/")
    page = reader.page
    page.get_by_role("link", name="Contacts", exact=True).click()
    people = page.locator("#app.other-place")
    expect(people).to_contain_text("No contacts yet.")
    page.screenshot(path=tmp_path / "empty.png")
    people.locator("input[type=file]").set_input_files(
        {"name": "people.vcf", "mimeType": "text/vcard", "buffer": CARDS.encode()}
    )
    rows = people.get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Bo <b>Ek</b>")
    expect(rows.nth(1)).to_contain_text("Cleo Olm")
    page.screenshot(path=tmp_path / "people.png")
    people.get_by_label("Search contacts").fill("cleo")
    expect(rows).to_have_count(1)
    people.get_by_label("Search contacts").fill("")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="New contact").click()
    form = page.get_by_role("dialog", name="New contact")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Enter a name or an address.")
    form.get_by_label("Name", exact=True).fill("Zoe")
    form.get_by_label("Email").first.fill("zoe@z.example")
    expect(form.get_by_label("Email")).to_have_count(2)
    page.screenshot(path=tmp_path / "form.png")
    form.get_by_role("button", name="Save").click()
    expect(rows).to_have_count(3)
    rows.nth(2).get_by_role("button", name="Zoe").click()
    people.get_by_role("article", name="Zoe").get_by_role("button", name="Edit").click()
    page.get_by_role("dialog", name="Zoe").get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(2)
    expect(people.get_by_role("article")).to_have_count(0)
    page.locator(".toast", has_text="“Zoe” deleted").get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(3)
    with page.expect_download() as waiting:
        people.get_by_role("link", name="Export as vCards").click()
    assert "zoe@z.example" in Path(waiting.value.path()).read_text()
    rows.nth(2).get_by_role("button", name="Zoe").click()
    people.get_by_role("article", name="Zoe").get_by_role("button", name="Write").click()
    composer = page.locator(".composer")
    expect(composer).to_contain_text("Zoe")
    composer.get_by_role("button", name="Cc", exact=True).click()
    composer.get_by_label("Cc", exact=True).fill("sail")
    page.locator(".completion", has_text="Sailing").click()
    expect(composer.locator("[data-field=cc] .chip")).to_have_count(2)
    reader.close()
    reader = Visitor(chromium, server, viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="dark")
    reader.enter("/webmail/")
    page = reader.page
    page.get_by_role("link", name="Contacts", exact=True).click()
    rows = page.locator("#app.other-place").get_by_role("listitem")
    expect(rows).to_have_count(3)
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.screenshot(path=tmp_path / "phone.png")
    rows.nth(1).get_by_role("button", name="Cleo").click()
    page.get_by_role("article", name="Cleo").get_by_role("button", name="Edit").click()
    expect(page.get_by_role("dialog", name="Cleo").get_by_label("Phone").first).to_have_value("+46 1")
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.screenshot(path=tmp_path / "phone-form.png")
    reader.close()


def test_a_contact_that_was_saved_is_as_before(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-174a: Undo takes a new contact away, and gives one that was changed its former name and addresses."""
    reader = Visitor(chromium, server, viewport={"width": 1280, "height": 900})
    reader.enter("/webmail/#people:")
    page = reader.page
    people = page.locator("#app.other-place")
    row = people.get_by_role("listitem").filter(has_text="Tove")

    def save(words: str) -> None:
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.locator(".toast").last).to_contain_text(words)

    def undo() -> None:
        page.locator(".toast").last.get_by_role("button", name="Undo").click()

    def add() -> None:
        page.get_by_role("button", name="New contact").click()
        form = page.get_by_role("dialog", name="New contact")
        form.get_by_label("Name", exact=True).fill("Tove")
        form.get_by_label("Email").first.fill("tove@z.example")
        save("Added to your contacts")
        expect(row).to_have_count(1)

    add()
    undo()
    expect(row).to_have_count(0)
    add()
    row.get_by_role("button", name="Tove").click()
    card = people.get_by_role("article")
    card.get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog", name="Tove")
    form.get_by_label("Name", exact=True).fill("Tove Berg")
    form.get_by_label("Email").first.fill("berg@z.example")
    save("Contact saved")
    expect(card).to_contain_text("berg@z.example")
    undo()
    expect(card).to_contain_text("tove@z.example")
    expect(card).not_to_contain_text("Berg")
    card.get_by_role("button", name="Edit").click()
    page.get_by_role("dialog", name="Tove").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    reader.close()


def test_a_sender_is_added_and_a_template_is_made_and_used(
    chromium: Browser, server: LocalServer, tmp_path: Path
) -> None:
    """WEBMAIL-126, WEBMAIL-142: the form has what the message tells; names in braces are filled in."""
    reader = Visitor(chromium, server, viewport={"width": 1280, "height": 900})
    reader.enter("/webmail/")
    page = reader.page
    page.locator(".message").first.click()
    # at once, by one click
    page.get_by_role("button", name="Add to contacts", exact=True).click()
    page.locator(".toast", has_text="Added to your contacts").get_by_role("button", name="Edit").click()
    page.get_by_role("article", name="Ada Lind").get_by_role("button", name="Edit").click()
    page.get_by_role("dialog", name="Ada Lind").get_by_role("button", name="Delete").click()
    page.locator(".open-mail").click()
    expect(page.get_by_role("button", name="Add to contacts", exact=True)).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Add to contacts", exact=True)).to_be_visible()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Add to contacts…").click()
    form = page.get_by_role("dialog", name="New contact")
    expect(form.get_by_label("Name", exact=True)).to_have_value("Ada Lind")
    expect(form.get_by_label("Email").first).to_have_value("ada@nordlicht.example")
    form.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Add to contacts…").click()
    expect(page.get_by_role("article", name="Ada Lind")).to_be_visible()
    page.locator(".open-mail").click()
    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_label("Subject").fill("Our offer")
    composer.get_by_label("Text").fill("Dear {name},\nyours of {date}\n")
    composer.get_by_role("button", name="Templates").click()
    page.screenshot(path=tmp_path / "menu.png")
    page.get_by_role("menuitem", name="Save as template…").click()
    page.get_by_role("dialog", name="Save as template").get_by_role("button", name="Save").click()
    expect(page.locator(".toast", has_text="Template “Our offer” saved")).to_be_visible()
    composer.get_by_role("button", name="Discard").click()
    page.get_by_text("Discard", exact=True).click()
    expect(composer).to_have_count(0)
    page.keyboard.press("c")
    composer.get_by_label("To", exact=True).fill("Ada")
    page.locator(".completion", has_text="Ada Lind").click()
    composer.get_by_role("button", name="Templates").click()
    page.get_by_role("menuitem", name="Our offer").click()
    expect(composer.get_by_label("Subject")).to_have_value("Our offer")
    expect(composer.get_by_label("Text")).to_have_value(re.compile("^Dear Ada Lind,\nyours of "))
    assert "{date}" not in composer.get_by_label("Text").input_value()
    composer.get_by_role("button", name="Templates").click()
    with page.context.expect_page() as opened:
        page.get_by_role("menuitem", name="Manage templates…").click()
    expect(opened.value.locator(".lines .name")).to_have_text(["Our offer"])
    expect(composer.get_by_label("Subject")).to_have_value("Our offer")
    reader.close()


@pytest.mark.nightly
def test_templates_are_managed_in_the_settings(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-126, WEBMAIL-24b: written, renamed, with formatting changed in the editor, removed and taken back;
    through a kill. Of two windows that change one, the second one is told.
    """
    reader = Visitor(chromium, server, viewport={"width": 1280, "height": 900})
    reader.enter("/webmail/")
    page = reader.page
    expect(page.locator(".message").first).to_be_visible()

    def save(**template: object) -> None:
        page.evaluate(
            """template => fetch("api/template_save", { method: "POST", body: JSON.stringify({ template }), headers:
            { "content-type": "application/json", "x-moxlite-csrf": localStorage["moxlite-webmail-csrf"] } })""",
            template,
        )

    save(id=0, name="Minutes", subject="", text="All came.", html="<p>All <b>came</b>.</p>")
    with reader.settings("templates") as form:
        names = form.locator(".lines .name")
        expect(names).to_have_text(["Minutes"])
        form.get_by_role("button", name="New template").click()
        form.get_by_label("Name", exact=True).fill("Minutes")
        form.get_by_role("textbox", name="Message").fill("Dear {name},\n")
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_text("A template with this name already exists.")).to_be_visible()
        form.get_by_label("Name", exact=True).fill("Greeting")
        form.get_by_role("button", name="Save").click()
        expect(names).to_have_text(["Greeting", "Minutes"])
        names.first.click()
        form.get_by_role("textbox", name="Message").fill("Dear all,\n")
        save(id=int(form.url.rpartition("/")[2]), subject="Hello")
        form.get_by_role("button", name="Save").click()
        fault = "this was changed elsewhere, so your changes weren't saved: subject"
        expect(form.get_by_role("alert").filter(visible=True)).to_have_text(re.compile(fault, re.IGNORECASE))
        form.get_by_role("link", name="Templates").last.click()
        expect(names).to_have_text(["Greeting", "Minutes"])
        server.kill()
        server.start()
        names.last.click()
        form.get_by_label("Name", exact=True).fill("Minutes of the board")
        form.get_by_role("textbox", name="Text").press("Control+End")
        form.keyboard.type(" Until spring")
        form.screenshot(path=tmp_path / "edited.png")
        form.get_by_role("button", name="Save").click()
        expect(names).to_have_text(["Greeting", "Minutes of the board"])
        form.get_by_role("button", name="Delete Minutes of the board").click()
        expect(names).to_have_text(["Greeting"])
        form.get_by_role("button", name="Delete Greeting").click()
        expect(form.get_by_text("No templates", exact=True)).to_be_visible()
        form.locator(".toast", has_text="“Minutes of the board” deleted").get_by_role("button", name="Undo").click()
        expect(names).to_have_text(["Minutes of the board"])
        form.locator(".toast", has_text="“Greeting” deleted").get_by_role("button", name="Undo").click()
        expect(names).to_have_text(["Greeting", "Minutes of the board"])
        form.screenshot(path=tmp_path / "settings.png")
    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_role("button", name="Templates").click()
    page.get_by_role("menuitem", name="Minutes of the board").click()
    expect(composer.get_by_label("Text")).to_have_value(re.compile("^All came. Until spring"))
    composer.get_by_role("button", name="Discard").click()
    page.get_by_text("Discard", exact=True).click()
    reader.expect_problem("400", "409")
    reader.close()


CALENDAR = """From: Ada Lind <ada@nordlicht.example>\r
To: moxlite@localhost\r
Subject: Sailing\r
MIME-Version: 1.0\r
Content-Type: text/calendar; method=REQUEST; charset=utf-8\r
\r
BEGIN:VCALENDAR\r
METHOD:REQUEST\r
BEGIN:VEVENT\r
UID:1@nordlicht.example\r
DTSTAMP:20260601T000000Z\r
DTSTART;TZID=America/New_York:20260701T100000\r
DTEND;TZID=America/New_York:20260701T113000\r
RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=5\r
SUMMARY:Sailing <b>now</b>\r
LOCATION:Pier 3\r
ORGANIZER;CN=Ada Lind:mailto:ada@nordlicht.example\r
ATTENDEE;CN=Mox:mailto:moxlite@localhost\r
{guests}END:VEVENT\r
END:VCALENDAR\r
"""


def test_an_invitation_is_looked_at_and_answered(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-129: in the reader's zone and the sender's, a rule in words, many guests folded, an answer that stays."""
    guests = "".join(f"ATTENDEE;CN=Guest {n};PARTSTAT=ACCEPTED:mailto:g{n}@x.example\r\n" for n in range(30))
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    session.append("INBOX", "", "", CALENDAR.format(guests=guests).encode())
    session.logout()
    reader = Visitor(chromium, server, viewport={"width": 1280, "height": 900}, timezone_id="Europe/Berlin")
    reader.enter("/webmail/")
    page = reader.page
    page.locator(".message", has_text="Sailing").click()
    card = page.locator(".event-card")
    expect(card.get_by_role("heading")).to_have_text("Sailing <b>now</b>")
    expect(card).to_contain_text("16:00 to 17:30")
    expect(card).to_contain_text("10:00 in America/New_York")
    expect(card).to_contain_text("every week, on Wednesday, 5 times")
    expect(card).to_contain_text("Guest 8 (going) and 21 more")
    page.screenshot(path=tmp_path / "card.png")
    card.get_by_label("Note to organizer").fill("With pleasure.")
    card.get_by_role("button", name="Yes").click()
    expect(card).to_contain_text("You accepted.")
    with page.expect_download() as waiting:
        card.get_by_role("link", name="Download").click()
    assert b"BEGIN:VCALENDAR" in Path(waiting.value.path()).read_bytes()
    page.reload()
    expect(card).to_contain_text("You accepted.")
    reader.close()
    reader = Visitor(chromium, server, viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="dark")
    reader.enter("/webmail/")
    page = reader.page
    page.locator(".message", has_text="Sailing").last.click()
    expect(page.locator(".event-card")).to_contain_text("Pier 3")
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.screenshot(path=tmp_path / "phone-card.png")
    reader.close()


def test_a_guest_proposes_another_time(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-129a: in the reader's zone; an end before the start is refused in the form."""
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    once = CALENDAR.replace("RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=5\r\n", "").replace("UID:1@", "UID:2@")
    session.append("INBOX", "", "", once.format(guests="").replace("Sailing", "Rowing").encode())
    session.logout()
    reader = Visitor(chromium, server, viewport={"width": 360, "height": 740}, timezone_id="Europe/Berlin")
    reader.enter("/webmail/")
    page = reader.page
    page.locator(".message", has_text="Rowing").click()
    card = page.locator(".event-card")
    card.get_by_role("button", name="Propose new time…").click()
    dialog = page.get_by_role("dialog", name="Propose a new time")
    expect(dialog.get_by_label("New start")).to_have_value("2026-07-01T16:00")
    expect(dialog.get_by_label("New end")).to_have_value("2026-07-01T17:30")
    dialog.get_by_label("New start").fill("2026-07-02T18:00")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("New end").fill("2026-07-02T19:00")
    dialog.get_by_role("button", name="Send").click()
    expect(card).to_contain_text("You proposed a new time.")
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.reload()
    expect(card).to_contain_text("You proposed a new time.")
    reader.close()


WHOLE = """BEGIN:VCARD\r
VERSION:3.0\r
FN:Anna <i>Bergström</i>\r
NICKNAME:Annie\r
ORG:Bergström & Vik;Books\r
TITLE:Translator\r
EMAIL;TYPE=HOME:anna@bergstrom.example\r
EMAIL;TYPE=WORK:a.bergstrom@vik.example\r
TEL;TYPE=CELL:+46 555 0132\r
ADR;TYPE=HOME:;;Storgatan 4;Stockholm;;111 22;Sweden\r
BDAY:--0314\r
ANNIVERSARY:20150606\r
URL:https://bergstrom.example/\r
CATEGORIES:Lisbon trip,Choir\r
NOTE:Takes oat milk.\\nTranslates from Portuguese.\r
item1.X-ABRELATEDNAMES:Lena Ortiz\r
item1.X-ABLABEL:_$!<Sister>!$_\r
X-SHOE-SIZE:39\r
END:VCARD\r
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_a_contact_is_read_before_it_is_edited(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int
) -> None:
    """WEBMAIL-128e: all of a card in words, beside the list or as a page; addresses lead to the composer, numbers to
    the phone; the address of the page names the contact, and Back leaves it.
    """
    path = tmp_path / "whole.vcf"
    path.write_text(WHOLE, newline="")
    server.cli("contacts", "import", "moxlite", str(path))
    with fresh(chromium, server, width) as reader:
        page = reader.page
        page.get_by_role("link", name="Contacts", exact=True).click()
        people = page.locator("#app.other-place")
        people.get_by_role("listitem").get_by_role("button", name="Anna").click()
        card = people.get_by_role("article", name="Anna <i>Bergström</i>")
        expect(card.get_by_role("heading", level=2)).to_have_text("Anna <i>Bergström</i>")
        expect(card.locator(".card-top p").first).to_have_text("Translator, Bergström & Vik, Books")
        expect(card.locator(".chip")).to_have_text(["Lisbon trip", "Choir"])
        said = dict(
            zip(card.locator("dt").all_inner_texts(), card.locator("dd:first-of-type").all_inner_texts(), strict=True)
        )
        assert said["Birthday"] == "14 March"
        assert said["Anniversary"] == "6 June 2015"
        assert said["Address"] == "Storgatan 4\n111 22 Stockholm\nSweden Private"
        assert said["Nickname"] == "Annie"
        assert said["Note"] == "Takes oat milk.\nTranslates from Portuguese."
        assert said["Related person"].startswith("Lena Ortiz")
        assert said["Shoe size"] == "39"
        expect(card).not_to_contain_text("BDAY")
        expect(card.get_by_role("link", name="+46 555 0132")).to_have_attribute("href", "tel:+465550132")
        expect(card.get_by_role("link", name="bergstrom.example")).to_have_attribute("rel", "noopener noreferrer")
        place, rows = Box.of(card), people.locator(".people-main")
        page.screenshot(path=tmp_path / "card.png")
        if width > 700:
            assert Box.of(rows).right <= place.left + 1
            assert place.right <= width
            # one line below the other
            assert all(box.height < 110 for box in boxes(card.locator(".card-line")))
            row = people.get_by_role("listitem").get_by_role("button", name="Anna")
            expect(row).to_have_attribute("aria-current", "true")
            assert Box.of(row).height >= 56
        else:
            expect(rows).to_be_hidden()
            assert (place.left, place.right) == (0, width)
            for target in card.get_by_role("button").all():
                if target.is_visible():
                    assert Box.of(target).height >= 44
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        # what is read has an address
        expect(page).to_have_url(re.compile(r"#people:,\d+$"))
        page.reload()
        expect(card).to_be_visible()
        wrong = judge(page, None)
        if width < 700:
            card.get_by_role("button", name="Back").click()
            expect(rows).to_be_visible()
            people.get_by_role("listitem").get_by_role("button", name="Anna").click()
            page.go_back()
            expect(rows).to_be_visible()
            wrong += judge(page, None)
            people.get_by_role("listitem").get_by_role("button", name="Anna").click()
        card.get_by_role("button", name="anna@bergstrom.example").click()
        expect(page.locator(".composer .chip")).to_contain_text("Anna <i>Bergström</i>")
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("width", [1280, 390])
def test_all_details_of_a_contact_are_written(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int
) -> None:
    """WEBMAIL-128d, WEBMAIL-128e: fields for all details; Save is always inside the window."""
    with fresh(chromium, server, width) as reader:
        page = reader.page
        page.get_by_role("link", name="Contacts", exact=True).click()
        people = page.locator("#app.other-place")
        people.get_by_role("button", name="New contact").locator("visible=true").click()
        form = page.get_by_role("dialog", name="New contact")
        save = form.get_by_role("button", name="Save")
        uncovered(save)
        form.get_by_label("Name", exact=True).fill(f"Ewa {width}")
        form.get_by_label("Job title").fill("Cook")
        form.get_by_label("Organization").fill("Inn")
        form.get_by_label("Department").fill("Kitchen")
        form.get_by_label("Nickname").fill("Ewka")
        form.get_by_label("Website").first.fill("https://ewa.example/")
        form.get_by_role("button", name="Add address").click()
        address = form.get_by_role("group", name="Address")
        expect(address.get_by_label("Street")).to_be_focused()
        address.get_by_label("Street").fill("Rynek 1")
        address.get_by_label("Postal code").fill("31-042")
        address.get_by_label("City").fill("Kraków")
        address.get_by_label("Type").select_option("home")
        uncovered(save)
        # a day alone is no birthday
        form.get_by_label("Birthday: Day").fill("29")
        save.click()
        expect(form.locator(".error:visible")).to_contain_text("Enter a day and a month.")
        expect(form.get_by_label("Birthday: Day")).to_be_focused()
        form.get_by_label("Birthday: Month").select_option(label="February")
        form.get_by_label("Note").scroll_into_view_if_needed()
        uncovered(save)
        page.screenshot(path=tmp_path / "form.png")
        # a label is nearer to its own field than to the one above
        fields = boxes(form.locator(".person-fields > .field"))
        assert all(below.top - above.bottom >= 12 for above, below in pairwise(fields))
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        wrong = judge(page, None)
        save.click()
        expect(form).to_have_count(0)
        people.get_by_role("listitem").get_by_role("button", name=f"Ewa {width}").click()
        card = people.get_by_role("article", name="Ewa")
        for words in ("Cook, Inn, Kitchen", "29 February", "Rynek 1", "31-042 Kraków", "Ewka", "ewa.example"):
            expect(card).to_contain_text(words)
        # what is changed alone changes; an address goes
        card.get_by_role("button", name="Edit").click()
        form = page.get_by_role("dialog", name="Ewa")
        expect(form.get_by_label("Birthday: Month")).to_have_value("02")
        form.get_by_role("button", name="Remove address").click()
        form.get_by_label("Birthday: Year").fill("1988")
        form.get_by_role("button", name="Save").click()
        expect(card).to_contain_text("29 February 1988")
        expect(card).not_to_contain_text("Rynek")
        expect(card).to_contain_text("Cook, Inn, Kitchen")
        assert not wrong, "\n".join(wrong)


TICKETS = (
    "From: Nia Roe <nia@n.example>\r\nTo: moxlite@localhost\r\nSubject: Tickets <b>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHere.\r\n--b\r\n"
    'Content-Type: application/pdf; name="flight.pdf"\r\nContent-Disposition: attachment; filename="flight.pdf"\r\n\r\n'
    "%PDF-1.4 x\r\n--b--\r\n"
)


def invited(title: str, day: datetime, width: int) -> str:
    """A calendar with an event at noon, of which Nia is a guest."""
    lines = (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", f"UID:{title}", f"SUMMARY:{title}"),
        *("DTSTAMP:20261101T000000Z", f"DTSTART:{day:%Y%m%d}T120000Z", f"DTEND:{day:%Y%m%d}T130000Z"),
        *("ORGANIZER:mailto:boss@work.example", f"ATTENDEE;CN=Nia:mailto:NIA{width}@work.example"),
        *("END:VEVENT", "END:VCALENDAR"),
    )
    return "".join(f"{line}\r\n" for line in lines)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_contact_shows_what_was_between_you(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int
) -> None:
    """WEBMAIL-128f: the last messages, from and to all addresses, the next events, the last files; nothing for a
    contact with whom there was nothing.
    """
    sent = f"From: moxlite@localhost\r\nTo: nia{width}@work.example\r\nSubject: To Nia\r\n\r\nHi.\r\n"
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    session.append("INBOX", "", "", TICKETS.replace("nia@", f"nia{width}@").encode())
    session.append("INBOX", "", "", sent.encode())
    session.logout()
    with fresh(chromium, server, width) as reader:
        desk = Desk(reader.page)
        page = desk.page
        emails = [{"value": one, "kind": ""} for one in (f"nia{width}@n.example", f"nia{width}@work.example")]
        bare = {"phones": [], "organization": "", "note": "", "groups": []}
        desk.call("contact_save", contact={"name": f"Nia {width}", "emails": emails, **bare})
        desk.call("contact_save", contact={"name": "Nobody", "emails": [{"value": "no@n.example", "kind": ""}], **bare})
        # from a program: by the page, all guests would get mail
        path = tmp_path / "event.ics"
        for title, at in (("Lunch with Nia", 3), ("Long ago", -9)):
            path.write_text(invited(f"{title} {width}", desk.today + timedelta(days=at), width), newline="")
            server.cli("calendar", "import", "moxlite", str(path))
        page.get_by_role("link", name="Contacts", exact=True).click()
        people = page.locator("#app.other-place")
        people.get_by_role("listitem").get_by_role("button", name="Nobody").click()
        with page.expect_response("**/api/events_with"):
            page.reload()
        expect(people.get_by_role("article", name="Nobody")).to_be_visible()
        expect(people.get_by_role("region", name="Between you")).to_have_count(0)
        if width < 700:
            people.get_by_role("button", name="Back").click()
        people.get_by_role("listitem").get_by_role("button", name=f"Nia {width}").click()
        history = people.get_by_role("region", name="Between you")
        expect(history.get_by_role("heading", level=4)).to_have_text(["Latest messages", "Upcoming events", "Files"])
        rows = history.get_by_role("listitem")
        expect(rows.locator("bdi")).to_contain_text(["To Nia", "Tickets <b>", "Lunch with Nia", "flight.pdf"])
        expect(rows).to_have_count(4)
        rows.last.scroll_into_view_if_needed()
        page.screenshot(path=tmp_path / "between.png")
        place = Box.of(people.get_by_role("article"))
        for row in boxes(rows):
            assert place.left <= row.left
            assert row.right <= place.right
            assert row.height >= (44 if width < 700 else 32)
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        wrong = judge(page, None)
        # each leads to what it names
        rows.filter(has_text="Lunch").get_by_role("link").click()
        expect(page.locator(".cal-event", has_text=f"Lunch with Nia {width}").first).to_be_visible()
        page.go_back()
        rows.filter(has_text="Tickets").get_by_role("link").click()
        expect(page.locator(".reader-subject")).to_have_text("Tickets <b>")
        assert not wrong, "\n".join(wrong)


def test_a_card_from_elsewhere_appears_by_itself(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-128: an open page follows what a phone or another page changes; a flood of changes loads it once when
    they are over, and opens no dialog.
    """
    reader = Visitor(chromium, server, viewport={"width": 1280, "height": 900})
    reader.enter("/webmail/")
    page = reader.page
    page.get_by_role("link", name="Contacts", exact=True).click()
    people = page.locator("#app.other-place")
    expect(people.get_by_label("Search contacts")).to_be_visible()
    path = tmp_path / "one.vcf"
    path.write_text("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zoe Live\r\nEND:VCARD\r\n", newline="")
    server.cli("contacts", "import", "moxlite", str(path))
    expect(people.get_by_role("listitem").filter(has_text="Zoe Live")).to_be_visible(timeout=5000)
    loads: list[str] = []
    page.on("request", lambda one: loads.append(one.url) if one.url.endswith("/api/contacts") else None)
    cards = "".join(f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Aaron {n}\r\nEND:VCARD\r\n" for n in range(2000))
    path.write_text(cards, newline="")
    server.cli("contacts", "import", "moxlite", str(path))
    expect(people.get_by_role("listitem").filter(has_text="Aaron").first).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1500)
    assert len(loads) <= 30, len(loads)
    assert page.locator("dialog:modal").count() == 0
    reader.close()
