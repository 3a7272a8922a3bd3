"""Where things are on the webmail's screen, at five widths: what moves, what is covered, what is out of sight.

Each test has fresh pages and sessions (tests/geometry.py), on a server whose mail it brings itself.
"""

import base64
import imaplib
import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Route, expect

from tests.geometry import WIDTHS, Box, boxes, brightest, fresh, in_sight, near, resting, rows_stay, within_window
from tests.integration.browser import Visitor, chromium, expect_search, settings_beside
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""

EACH = [pytest.param(width, marks=[] if width in (1440, 390) else [pytest.mark.nightly]) for width in WIDTHS]
"""The widths; those between are nightly: where the layout changes is seen by a test of its own."""


INVITATION = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
METHOD:REQUEST\r
BEGIN:VEVENT\r
UID:regatta@acme.example\r
DTSTAMP:20261101T080000Z\r
DTSTART:20261201T080000Z\r
DURATION:PT1H\r
SUMMARY:Regatta\r
ORGANIZER:mailto:ben@acme.example\r
ATTENDEE:mailto:moxlite@localhost\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.fixture
def session(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session with an empty Inbox selected, and no drafts."""
    found = imaplib.IMAP4("127.0.0.1", server.port(143))
    found.login(server.user, server.password)
    for mailbox in ("Drafts", "INBOX"):
        if found.select(mailbox)[1] != [b"0"]:
            found.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
            found.expunge()
    yield found
    found.logout()


def letter(subject: str, text: str = "Some text.\n", html: str = "", number: int = 0) -> bytes:
    """A message with lines that end in CRLF; `number` is its place in the conversation of its subject."""
    made = EmailMessage()
    made["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    made["To"] = "moxlite@localhost"
    made["Subject"] = f"Re: {subject}" if number else subject
    thread = f"{subject.encode().hex()}@nordlicht.example"
    made["Message-ID"] = f"<{number}.{thread}>"
    if number:
        made["In-Reply-To"] = made["References"] = f"<{number - 1}.{thread}>"
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made.as_bytes(policy=SMTP)


@pytest.mark.landing("open-1440", "closed-390")
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_the_list_stays_where_it_is(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int, closed: bool
) -> None:
    """WEBMAIL-163: new mail, a flag, a move elsewhere, and the loss of the open message; keys alone scroll to a row."""
    for number in range(80):
        session.append("INBOX", "(\\Seen)", "", letter(f"Letter {number}"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        rows = page.locator(".messages")
        page.locator(".message-subject").nth(1).click()
        expect(page.locator(".reader-subject")).to_have_text("Letter 78")
        if closed and width > 700:
            page.keyboard.press("Escape")
        elif closed:
            page.get_by_role("button", name="Back").click()
        rows.evaluate("(list) => list.scrollTo(0, 2000)")
        count = page.locator(".list-count")
        expect(count).to_contain_text("80")
        with rows_stay(page):
            session.append("INBOX", "", "", letter("New"))
            expect(count).to_contain_text("81")
        with rows_stay(page):
            session.store("79", "+FLAGS", "(\\Flagged)")
            session.append("INBOX", "", "", letter("Newer"))
            expect(count).to_contain_text("82")
        with rows_stay(page):
            session.copy("78", "Archive")
            session.store("78", "+FLAGS.SILENT", "(\\Deleted)")
            session.expunge()
            expect(count).to_contain_text("81")
        with rows_stay(page):
            session.store("78", "+FLAGS.SILENT", "(\\Deleted)")
            session.expunge()
            expect(count).to_contain_text("80")
        if width > 700:
            rows.focus()
            page.keyboard.press("j")
            expect(page.locator(".message.focused")).to_be_in_viewport()
            within_window(page.locator(".message.focused"))


@pytest.mark.landing("More fields-390", "Templates-1440")
@pytest.mark.parametrize("width", EACH)
@pytest.mark.parametrize("button", ["More fields", "Templates"])
def test_the_menus_of_a_fresh_composer_are_at_their_buttons(
    chromium: Browser, server: LocalServer, width: int, button: str
) -> None:
    """WEBMAIL-164: the first thing that a fresh page does; nothing else moves. The menu follows its button."""
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".compose-round, .compose-new").locator("visible=true").click()
        composer = page.locator(".composer")
        in_sight(composer.locator(".compose-text"))
        before = Box.of(composer)
        opener = composer.get_by_role("button", name=button)
        opener.click()
        menu = page.get_by_role("menu", name=button)
        in_sight(menu)
        near(menu, opener, 8)
        for item in boxes(menu.get_by_role("menuitem")):
            assert item.height >= (44 if width < 700 else 24)
        assert Box.of(composer) == before
        assert page.evaluate("document.scrollingElement.scrollTop") == 0
        size = page.viewport_size
        assert size
        page.set_viewport_size({"width": size["width"], "height": size["height"] - 120})
        within_window(menu)
        near(menu, opener, 8)


@pytest.mark.landing("List options-390", "More message actions-1440", "More actions-390")
@pytest.mark.parametrize("width", EACH)
@pytest.mark.parametrize("button", ["List options", "More message actions", "More actions"])
def test_menus_open_at_their_buttons(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int, button: str
) -> None:
    """WEBMAIL-164: of the list, of a message, and of what a bar has no room for."""
    for number in range(2 if button == "More message actions" else 1):  # a message alone has that of its bar
        session.append("INBOX", "(\\Seen)", "", letter("Minutes", number=number))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        row = page.locator(".message-subject", has_text="Minutes").first
        expect(row).to_be_visible()
        opener = page.get_by_role("button", name=button)
        if button != "List options":
            row.click()
            expect(page.locator(".text-part")).to_be_visible()
        if button == "More actions" and not opener.is_visible():
            return  # there is room for all
        opener.click()
        menu = page.get_by_role("menu", name=button)
        in_sight(menu)
        near(menu, opener, 8)
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        expect(opener).to_be_focused()


QUOTED = (
    '<div>{words}</div><br><div class="gmail_quote"><div class="gmail_attr">On 3 Nov 2026 Ada wrote:</div>'
    '<blockquote class="gmail_quote">{old}</blockquote></div>'
)
OLD = "<p>A paragraph that was read long ago.</p>" * 25


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", EACH)
def test_the_newest_message_of_a_conversation_is_in_sight(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-140: its text at once; 26 older ones in one line, which opens them; three have a line each."""
    for number in range(30):
        html = QUOTED.format(words=f"Words {number}", old=OLD)
        session.append("INBOX", "(\\Seen)", "", letter("Boats", f"Words {number}\n", html, number))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".message-subject").first.click()
        newest = page.frame_locator(".card.open iframe.html").get_by_text("Words 29")
        expect(newest).to_be_visible()
        older = page.locator(".older")
        expect(older).to_contain_text("26 older messages")
        expect(page.locator(".card-head:visible")).to_have_count(4)
        text = within_window(newest)
        assert text.bottom < WIDTHS[width] * 0.75
        in_sight(page.locator(".card.open .author-name"))
        older.click()
        expect(older).to_have_count(0)
        expect(page.locator(".card-head:visible")).to_have_count(29)


@pytest.mark.parametrize("width", [1024, 768])
def test_names_above_messages_are_whole(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-140: also where list and message share little room, with the time and the menu of the message."""
    for number in range(2):
        session.append("INBOX", "(\\Seen)", "", letter("Boats", number=number))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".message-subject").first.click()
        page.locator(".card-head").first.click()
        expect(page.locator(".card.open .author-name")).to_have_count(2)
        for name in page.locator(".card.open .author-name").all():
            assert name.evaluate("(one) => one.scrollWidth <= one.clientWidth")
            within_window(name)
        first = within_window(page.locator(".card.open .author-name").first)
        assert first.top - Box.of(page.locator(".reader-subject")).bottom < 50


@pytest.mark.parametrize("width", [1024, 768])
def test_the_name_of_who_gets_an_answer_is_whole(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-164: also where list and message share little room."""
    session.append("INBOX", "(\\Seen)", "", letter("Minutes"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".message-subject", has_text="Minutes").click()
        expect(page.locator(".text-part")).to_be_visible()
        page.keyboard.press("r")
        name = page.locator(".composer .chip-name")
        expect(name).to_have_text("Ada Lindqvist")
        assert name.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def test_a_composer_with_all_its_fields_covers_nothing(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-164: with all fields, files and formatting, no part of the composer covers another part."""
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        page.locator(".compose-new").click()
        composer = page.locator(".composer")
        for field in ("Cc", "Bcc"):
            composer.get_by_role("button", name=field, exact=True).click()
        for field in ("Reply to", "Request read receipt"):
            composer.get_by_role("button", name="More fields").click()
            page.get_by_role("menuitem", name=field).click()
        composer.locator("input[type=file]").first.set_input_files(
            [FilePayload(name=f"plan of the lake {at}.txt", mimeType="text/plain", buffer=b"x") for at in range(3)]
        )
        expect(composer.locator(".file")).to_have_count(3)
        composer.get_by_role("button", name="Formatting", exact=True).click()
        tools = composer.locator(".compose-tools")
        expect(tools).to_be_visible()
        in_sight(tools)
        assert Box.of(tools).bottom <= Box.of(composer.locator(".files")).top
        in_sight(composer.get_by_role("button", name="Send", exact=True))
        # the next message begins as this one ends
        with page.expect_response("**/api/settings_save"):
            composer.get_by_role("button", name="Formatting", exact=True).click()


@pytest.mark.landing("1440")
@pytest.mark.parametrize("width", [1440, 390])
def test_quotes_of_html_mail_are_folded(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-165: the last quote in one line that opens it; open at once in what is forwarded."""
    session.append("INBOX", "(\\Seen)", "", letter("Boats", html=QUOTED.format(words="Yes", old=OLD)))
    session.append("INBOX", "(\\Seen)", "", letter("Fwd: Trains", html=QUOTED.format(words="FYI", old=OLD)))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        frame = page.frame_locator("iframe.html")
        quote = frame.locator("details.moxlite-quote")
        page.locator(".message-subject", has_text="Boats").click()
        expect(frame.get_by_text("Yes")).to_be_visible()
        expect(quote).not_to_have_attribute("open", "")
        assert Box.of(page.locator("iframe.html")).height < 200
        line = quote.locator("> summary")
        expect(line).to_have_text("Quoted text")
        box = Box.of(line)
        assert box.height >= 24
        # Chromium says this of each summary in a page without scripts
        visitor.expect_problem("Blocked script execution")
        page.mouse.click(box.left + 20, box.top + 12)
        expect(quote).to_have_attribute("open", "")
        until(lambda: Box.of(page.locator("iframe.html")).height > 900, what="a frame as high as its page")
        page.locator(".messages").focus()
        page.keyboard.press("Escape")
        page.locator(".message-subject", has_text="Fwd").click()
        expect(frame.get_by_text("A paragraph").first).to_be_visible()


@pytest.mark.landing("1093", "701")
@pytest.mark.parametrize("width", [1093, 1024, 768, 701])
def test_icons_list_and_message_stand_side_by_side(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-58: from 701 px on; what the foot of the side bar has is in a menu."""
    for number in range(30):
        session.append("INBOX", "" if number % 2 else "(\\Seen)", "", letter(f"Letter {number}"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".message-subject").nth(1).click()
        expect(page.locator(".text-part")).to_be_visible()
        side, rows, reader = (within_window(page.locator(one)) for one in (".side", ".messages", ".reader"))
        assert side.width == 72
        assert side.right <= rows.left
        assert rows.right <= reader.left
        assert rows.width >= 320
        assert reader.width >= 280
        assert rows.height / boxes(page.locator(".message"))[0].height >= 8
        for icon in page.locator(".mailbox-open:visible").all():
            icon.evaluate("(one) => one.scrollIntoView({ block: 'nearest' })")  # rows are drawn anew as counts come
            resting(icon)
            box = in_sight(icon)
            assert box.width >= 40
            assert box.height >= 44
        assert page.locator(".mailbox-open", has_text="Archive").get_attribute("title")
        opener = page.get_by_role("button", name="Account and settings")
        opener.click()
        menu = page.get_by_role("menu")
        in_sight(menu)
        near(menu, opener, 8)
        assert page.evaluate("document.scrollingElement.scrollWidth") == width


def test_escape_keeps_an_answer_and_asks_nothing(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4
) -> None:
    """WEBMAIL-88: the draft is saved, and opened again by the message that says so."""
    session.append("INBOX", "(\\Seen)", "", letter("Minutes"))
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        page.locator(".message-subject", has_text="Minutes").click()
        expect(page.locator(".text-part")).to_be_visible()
        page.keyboard.press("r")
        composer = page.locator(".composer")
        expect(composer).to_be_visible()
        page.keyboard.type("Thank you")
        page.keyboard.press("Escape")
        expect(composer).to_have_count(0)
        assert page.locator("dialog[open]").count() == 0
        toast = page.locator(".toast", has_text="Draft saved")
        toast.get_by_role("button", name="Open").click()
        expect(composer.get_by_label("Text")).to_have_value(re.compile("^Thank you"))
        page.keyboard.press("Escape")
        expect(composer).to_have_count(0)
        assert session.status("Drafts", "(MESSAGES)")[1] == [b"Drafts (MESSAGES 1)"]


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_back_closes_the_topmost_thing(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-166: menu, composer, dialog, message, one each time; what was written is kept, and told."""
    session.append("INBOX", "(\\Seen)", "", letter("Minutes"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".message-subject", has_text="Minutes").click()
        expect(page.locator(".text-part")).to_be_visible()
        page.get_by_role("button", name="Reply", exact=True).click()
        composer = page.locator(".composer")
        page.keyboard.type("Thank you")
        page.get_by_role("button", name="More fields").click()
        menu = page.get_by_role("menu")
        expect(menu).to_be_visible()
        page.go_back()
        expect(menu).to_have_count(0)
        expect(composer).to_be_visible()
        page.go_back()
        expect(composer).to_have_count(0)
        expect(page.locator(".toast")).to_contain_text("Draft saved")
        expect(page.locator(".text-part")).to_be_visible()
        assert session.status("Drafts", "(MESSAGES)")[1] == [b"Drafts (MESSAGES 1)"]
        page.get_by_role("button", name="More message actions").click()  # the draft makes a conversation of it
        page.get_by_role("menuitem", name="Details").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        page.go_back()
        expect(dialog).to_have_count(0)
        expect(page.locator(".text-part")).to_be_visible()
        page.go_back()
        expect(page.locator(".text-part")).to_have_count(0)
        expect(page).to_have_url(re.compile("/webmail/#Inbox$"))
        if width < 700:
            page.get_by_role("button", name="Folders").click()
            expect(page.locator(".side")).to_be_visible()
            page.go_back()
            expect(page.locator(".side")).to_be_hidden()
        page.locator(".message-disc").click()
        expect(page.locator("body.choosing")).to_have_count(1)
        page.go_back()
        expect(page.locator("body.choosing")).to_have_count(0)
        expect(page.locator(".list-title")).to_have_text("Inbox")
    session.select("Drafts")
    session.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
    session.close()


def test_back_after_a_message_was_closed_otherwise(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4
) -> None:
    """WEBMAIL-166: no press of Back shows nothing new, and none opens what was closed."""
    session.append("INBOX", "(\\Seen)", "", letter("Minutes"))
    with fresh(chromium, server, 390) as visitor:
        page = visitor.page
        for _ in range(2):
            page.locator(".message-subject", has_text="Minutes").click()
            expect(page.locator(".text-part")).to_be_visible()
            page.get_by_role("button", name="Back").click()
            expect(page.locator(".text-part")).to_have_count(0)
        page.go_back()
        expect(page.locator(".toast").last).to_contain_text("Press Back again")
        expect(page.locator(".text-part")).to_have_count(0)


NEWSLETTER = (
    '<body bgcolor="#ffffff"><table width="100%" bgcolor="#ffffff"><tr><td bgcolor="#dddddd"><p style="color:#333333">'
    "Autumn sale</p></td></tr></table></body>"
)
OUTLOOK = '<p style="color:#000000;font-family:Calibri">Dear all</p><p style="color:windowtext">Regards</p>'
DARK = (
    "<style>@media (prefers-color-scheme: dark) { .card { background-color: #101820 !important } }</style>"
    '<table class="card" bgcolor="#eeeeee"><tr><td>Own dark words</td></tr></table>'
)


@pytest.mark.landing("1440")
@pytest.mark.parametrize("width", [1440, 390])
def test_mail_is_not_white_at_night(chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int) -> None:
    """WEBMAIL-167: a sheet as high as its mail, not white; dark words in our colours; a mail's own dark style."""
    for subject, html in (("News", NEWSLETTER), ("Office", OUTLOOK), ("Shop", DARK)):
        session.append("INBOX", "(\\Seen)", "", letter(subject, html=html))
    with fresh(chromium, server, width, scheme="dark") as visitor:
        page = visitor.page
        frame = page.frame_locator("iframe.html")
        sheet = page.locator(".html-sheet")

        def open_message(subject: str, words: str) -> None:
            page.locator(".messages").focus()
            page.keyboard.press("Escape")
            page.locator(".message-subject", has_text=subject).click()
            expect(frame.get_by_text(words)).to_be_visible()

        open_message("News", "Autumn sale")
        expect(page.locator(".html-sheet.dimmed")).to_be_visible()
        box = resting(sheet)
        assert box.height < 160
        assert brightest(page, box) <= (0xF4, 0xF3, 0xF0)
        assert max(brightest(page, Box(box.left, box.bottom + 4, box.right, box.bottom + 16))) < 0x40
        open_message("Office", "Dear all")
        expect(page.locator(".html-sheet.dimmed")).to_have_count(0)
        for words in ("Dear all", "Regards"):
            expect(frame.get_by_text(words)).to_have_css("color", "rgb(228, 234, 237)")
        open_message("Shop", "Own dark words")
        expect(frame.locator(".card")).to_have_css("background-color", "rgb(16, 24, 32)")
        expect(page.locator(".html-sheet.dimmed")).to_have_count(0)
        opener = page.get_by_role("button", name="More actions")
        opener.click()
        page.get_by_role("menuitem", name="View in light mode").click()
        expect(frame.locator(".card")).to_have_css("background-color", "rgb(238, 238, 238)")
        opener.click()
        page.get_by_role("menuitem", name="View in dark mode").click()
        expect(frame.locator(".card")).to_have_css("background-color", "rgba(0, 0, 0, 0)")


def test_pictures_in_backgrounds_are_shown_when_asked_for(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4
) -> None:
    """WEBMAIL-168: counted in the line above; grey behind the words until then."""
    hero = '<table><tr><td height="200" style="background:url({}) center/cover;color:#fff">White words</table>'
    html = hero.format("https://img.example/hero.png") + '<img src="https://img.example/other.png">'
    session.append("INBOX", "(\\Seen)", "", letter("Sale", html=html))
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        asked: list[str] = []

        def serve(route: Route) -> None:
            asked.append(route.request.url)
            route.fulfill(body=PNG)

        page.route("https://img.example/**", serve)
        page.locator(".message-subject", has_text="Sale").click()
        words = page.frame_locator("iframe.html").get_by_text("White words")
        expect(words).to_be_visible()
        expect(page.locator(".reader-bar-words")).to_contain_text("2 images from img.example")
        expect(words).to_have_css("background-color", "rgb(117, 117, 117)")
        assert asked == []
        page.get_by_role("button", name="Show", exact=True).click()
        expect(words).to_have_css("background-image", 'url("https://img.example/hero.png")')
        until(lambda: set(asked) == {f"https://img.example/{one}.png" for one in ("hero", "other")}, what="both")


def test_labels_have_a_place_and_keys_go_there(chromium: Browser, server: LocalServer, session: imaplib.IMAP4) -> None:
    """WEBMAIL-84, WEBMAIL-71: in the side bar, to click and to drop on; `g` and one more key."""
    for name in ("Flight", "Hotel", "Rent"):
        session.append("INBOX", "(\\Seen travel)" if name == "Flight" else "(\\Seen)", "", letter(name))
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        label = page.locator(".labels-list .mailbox", has_text="travel")
        box = in_sight(label)
        assert box.top > Box.of(page.locator(".mailbox", has_text="Archive")).bottom
        page.locator(".message", has_text="Hotel").drag_to(label)
        expect(page.locator(".message", has_text="Hotel").locator(".keyword")).to_have_text("travel")
        label.get_by_role("button").click()
        expect(page.locator(".message-subject")).to_have_text(["Hotel", "Flight"])
        expect(label).to_have_class(re.compile("active"))
        page.locator(".messages").focus()
        page.keyboard.press("g")
        page.keyboard.press("s")
        expect_search(page, "is:flagged")
        page.keyboard.press("g")
        page.keyboard.press("i")
        expect(page.locator(".list-title")).to_have_text("Inbox")
        expect(page.locator(".message-subject")).to_have_count(3)


def test_the_cursor_moves_without_opening_while_rows_are_chosen(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4
) -> None:
    """WEBMAIL-69: `x` on the open message, `j`, `x` choose two; `Enter` opens one."""
    for number in range(3):
        session.append("INBOX", "", "", letter(f"Letter {number}"))
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        page.locator(".message-subject", has_text="Letter 2").click()
        expect(page.locator(".text-part")).to_be_visible()
        for key in ("x", "j", "x"):
            page.keyboard.press(key)
        expect(page.locator(".chosen-count")).to_have_text("2 selected")
        expect(page.locator(".text-part")).to_have_count(0)
        page.keyboard.press("j")
        expect(page.locator(".chosen-count")).to_have_text("2 selected")
        page.keyboard.press("Enter")
        expect(page.locator(".reader-subject")).to_have_text("Letter 0")


def test_alternatives_are_searched_for_and_the_rest_is_said(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4
) -> None:
    """WEBMAIL-169, WEBMAIL-72: OR finds both; an operator that is not understood is named, whatever is found."""
    for subject in ("Flight", "Hotel", "Rent"):
        session.append("INBOX", "(\\Seen)", "", letter(subject))
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        field = page.locator(".search-input")
        for text, found in (
            ("subject:flight OR subject:rent", 2),
            ("subject:{flight hotel}", 2),
            ("{flight hotel}", 2),
        ):
            field.fill(text)
            page.keyboard.press("Enter")
            expect(page.locator(".message-subject")).to_have_count(found)
        for text in ("is:important", "category:social", "(flight x) OR rent"):
            field.fill(text)
            page.keyboard.press("Enter")
            said = page.locator(".search-problems")
            expect(said).to_be_visible()
            in_sight(said)


def test_mail_that_proves_no_author_is_not_counted(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4
) -> None:
    """WEBMAIL-77a: neither of a stranger nor of someone who was written to: anyone may have chosen the name."""
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        page.keyboard.press("c")
        page.locator(".composer").get_by_label("To", exact=True).fill("ada@nordlicht.example")
        page.locator(".compose-subject").fill("Hello")
        page.locator(".composer").get_by_role("button", name="Send", exact=True).click()
        expect(page.locator(".composer")).to_have_count(0)
        until(lambda: session.status("Sent", "(MESSAGES)")[1] != [b"Sent (MESSAGES 0)"], what="a message that was sent")
    with smtplib.SMTP("127.0.0.1", server.port(25)) as smtp:
        smtp.sendmail("ada@nordlicht.example", ["moxlite@localhost"], letter("Known"))
        other = letter("New").replace(b"Ada Lindqvist <ada@", b"Ben Okafor <ben@")
        smtp.sendmail("ben@nordlicht.example", ["moxlite@localhost"], other)
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        for subject in ("Known", "New"):
            page.locator(".message-subject", has_text=subject).click()
            expect(page.locator(".reader-subject")).to_have_text(subject)
            expect(page.locator(".trust")).to_contain_text("Not signed")
            assert "message from this address" not in page.locator(".trust").inner_text().lower()


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", EACH)
def test_the_bar_above_a_message_never_moves(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-60: the same buttons at the same places for any message, each seen, words where there is room; below a
    phone's message they are for the thumb.
    """
    session.append("INBOX", "(\\Seen)", "", letter("To one"))
    several = letter("To several").replace(b"moxlite@localhost", b"moxlite@localhost, ben@acme.example", 1)
    session.append("INBOX", "(\\Seen)", "", several)
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        seen: list[list[Box]] = []
        for subject in ("To one", "To several"):
            page.locator(".message-subject", has_text=subject).click()
            expect(page.locator(".reader-subject")).to_have_text(subject)
            buttons = page.locator(".toolbar-buttons button:visible")
            expect(buttons.first).to_be_visible()
            for button in buttons.all():
                in_sight(button)
                assert Box.of(button).height >= (44 if width < 700 else 24)
            seen.append(boxes(buttons))
            if width < 700:
                assert Box.of(buttons.first).top > Box.of(page.locator(".reader-head")).bottom
                page.get_by_role("button", name="Back").click()
        assert seen[0] == seen[1]
        if width >= 1280:
            for word in ("Reply", "Archive", "Trash", "Snooze", "Labels"):
                assert Box.of(page.locator(".toolbar .word", has_text=word)).width > 20
            in_sight(page.locator(".toolbar-at"))


@pytest.mark.landing("1440")
@pytest.mark.parametrize("width", EACH)
def test_a_message_ends_with_its_files_and_the_bar_that_answers(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-80, WEBMAIL-170: cards with a picture or a kind, whole names as titles, and the answer begins below."""
    made = EmailMessage()
    made["From"] = "Ben Okafor <ben@acme.example>"
    made["To"] = "moxlite@localhost, lena@acme.example"
    made["Subject"] = "Files"
    made.set_content("See below.\n")
    made.add_attachment(PNG, maintype="image", subtype="png", filename="tram.png")
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename=f"{'long name ' * 12}.pdf")
    session.append("INBOX", "(\\Seen)", "", made.as_bytes(policy=SMTP))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".message-subject", has_text="Files").click()
        cards = page.locator(".attachment")
        expect(cards).to_have_count(2)
        until(lambda: cards.first.locator("img").evaluate("(one) => one.naturalWidth") == 1, what="the picture")
        above = Box.of(page.locator(".text-part"))
        for card in cards.all():
            card.scroll_into_view_if_needed()
            box = in_sight(card)
            assert box.top >= above.top
            assert 140 <= box.width <= 200
        bar = page.locator(".answer-bar")
        bar.scroll_into_view_if_needed()
        in_sight(bar)
        assert Box.of(bar).top >= Box.of(cards.last).bottom
        for name in ("Reply to Ben…", "Reply all", "Forward"):
            in_sight(bar.get_by_role("button", name=name))
        bar.get_by_role("button", name="Reply to Ben…").click()
        expect(page.locator(".composer")).to_be_visible()
        expect(page.locator(".composer [data-field=to]")).to_contain_text("Ben Okafor")


def test_a_frame_of_scrolling_is_laid_out_once(chromium: Browser, server: LocalServer, session: imaplib.IMAP4) -> None:
    """WEBMAIL-152: rows are laid out by themselves, and nothing asks for places while they are exchanged."""
    for number in range(150):
        session.append("INBOX", "(\\Seen)", "", letter(f"Letter {number}"))
    with fresh(chromium, server, 1280) as visitor:
        page = visitor.page
        expect(page.locator(".message").first).to_have_css("contain", "strict")
        cdp = page.context.new_cdp_session(page)
        cdp.send("Performance.enable")
        page.evaluate(
            "window.frames_ = 0; const count = () => { window.frames_++; requestAnimationFrame(count); }; count()"
        )

        def counted() -> tuple[int, int]:
            """Layouts and frames so far."""
            found = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
            return int(found["LayoutCount"]), int(page.evaluate("window.frames_"))

        before = counted()
        cdp.send("Input.synthesizeScrollGesture", {"x": 450, "y": 400, "yDistance": -7000, "speed": 3500})
        after = counted()
        assert after[1] - before[1] >= 10
        assert after[0] - before[0] <= 1.3 * (after[1] - before[1]), (before, after)


@pytest.mark.parametrize("width", [1920, *EACH])
def test_the_parts_of_a_message_share_two_edges(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-170: head, cards, notices, files and answer bar begin and end where the message does, and its text begins
    there, alone and in a conversation, without wide gaps around it; a message alone has one menu.
    """
    made = EmailMessage()
    made["From"] = "Ben Okafor <ben@acme.example>"
    made["To"] = "moxlite@localhost"
    made["Subject"] = "Regatta"
    made.set_content("See below.\n\n")
    made.add_attachment(INVITATION, maintype="text", subtype="calendar", params={"method": "REQUEST"})
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="course.pdf")
    session.append("INBOX", "(\\Seen)", "", made.as_bytes(policy=SMTP))
    pictures = "<p>See below.</p><img src='https://pictures.example/a.png'>"
    session.append("INBOX", "(\\Seen)", "", letter("Photos", html=pictures))
    session.append("INBOX", "(\\Seen)", "", letter("Bench"))
    for number in range(3):
        session.append("INBOX", "(\\Seen)", "", letter("Boats", number=number))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        reader = page.locator(".reader")

        def open_message(subject: str, *parts: str) -> Box:
            back = page.get_by_role("button", name="Back")
            if back.is_visible():
                back.click()
            page.locator(".message-subject", has_text=subject).first.click()
            expect(reader.locator(".reader-subject")).to_have_text(subject)
            edges = Box.of(reader.locator(".reader-subject"))
            for part in (".author", *parts, ".answer-bar"):
                for found in reader.locator(part).locator("visible=true").all():
                    box = resting(found)
                    assert abs(box.left - edges.left) <= 1, f"{part} of {subject} at {box}, not {edges}"
                    assert abs(box.right - edges.right) <= 1, f"{part} of {subject} at {box}, not {edges}"
            assert (reader.locator(".message-menu").locator("visible=true").count() == 0) is (subject != "Boats")
            in_sight(page.locator(".toolbar-more"))
            time = Box.of(reader.locator(".author-time"))
            assert edges.right - time.right <= (1 if subject != "Boats" else 56)
            return edges

        open_message("Regatta", ".event-card", ".attachments")
        open_message("Photos", ".reader-bar")
        for subject, part in (("Bench", ".author"), ("Boats", ".card")):
            edges = open_message(subject, part)
            text = resting(reader.locator(".text"))
            assert text.left == edges.left
            assert text.top - Box.of(reader.locator(".author-more").locator("visible=true")).bottom <= 30
            assert Box.of(reader.locator(".answer-bar")).top - text.bottom <= 30
            assert text.height <= 40, "one line"


@pytest.mark.landing("b-Snooze-1440", "y-Labels-390")
@pytest.mark.parametrize("width", EACH)
@pytest.mark.parametrize(("key", "button"), [("b", "Snooze"), ("y", "Labels"), ("w", "Move")])
def test_what_asks_further_is_at_its_button(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int, key: str, button: str
) -> None:
    """WEBMAIL-171: nothing is dimmed on a desk; a press beside it closes it; on a phone it comes from below."""
    session.append("INBOX", "(\\Seen)", "", letter("Minutes"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        page.locator(".message-subject", has_text="Minutes").click()
        expect(page.locator(".text-part")).to_be_visible()
        page.keyboard.press(key)
        dialog = page.get_by_role("dialog")
        box = in_sight(dialog)
        if width < 700:
            assert (box.left, box.right, round(box.bottom)) == (0, width, WIDTHS[width])
        elif key != "b":  # that is as high as half of a small window
            opener = page.locator(".toolbar").get_by_role("button", name=button)
            near(dialog, opener if opener.is_visible() else page.locator(".toolbar-more"), 8)
        page.mouse.click(4, 4)
        expect(dialog).to_have_count(0)


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", EACH)
def test_chosen_rows_have_a_bar(chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int) -> None:
    """WEBMAIL-64, WEBMAIL-69: filled discs, "2 selected", all of the list by one press; no row moves."""
    for number in range(12):
        session.append("INBOX", "(\\Seen)", "", letter(f"Letter {number}"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        expect(page.locator(".message")).to_have_count(12)
        discs = page.locator(".message-disc")
        with rows_stay(page):
            discs.nth(1).click()
            expect(page.locator(".chosen-count")).to_have_text("1 selected")
            discs.nth(3).click()
            expect(page.locator(".chosen-count")).to_have_text("2 selected")
        ground = "(one) => getComputedStyle(one).backgroundColor"
        assert discs.nth(1).evaluate(ground) == discs.nth(3).evaluate(ground) != discs.nth(2).evaluate(ground)
        assert discs.nth(2).evaluate("(one) => getComputedStyle(one).borderRadius") == "50%"
        for name in ("Clear selection", "Select all 12"):
            in_sight(page.get_by_role("button", name=name))
        archive = page.locator(".chosen-tools").get_by_role("button", name="Archive")
        box = in_sight(archive)
        assert (box.top > WIDTHS[width] - 70) is (width < 700)
        page.get_by_role("button", name="Select all 12").click()
        expect(page.locator(".chosen-count")).to_have_text("12 selected")
        page.get_by_role("button", name="Clear selection").click()
        expect(page.locator(".list-chosen")).to_be_hidden()


def test_people_have_discs_wherever_they_are_named(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4
) -> None:
    """WEBMAIL-5: round and coloured, whichever part draws them: one rule is for all."""
    session.append("INBOX", "", "", letter("A letter"))
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        page.locator(".message").click()
        expect(page.locator(".author-disc")).to_be_visible()
        shape = """() => [...document.querySelectorAll("[class*=-disc]")].filter((one) => one.checkVisibility())
            .map((one) => [one.className, getComputedStyle(one).borderRadius, getComputedStyle(one).backgroundColor])"""
        found = page.evaluate(shape)
        assert {name.split()[-2] for name, _, _ in found} >= {"message-disc", "author-disc", "account-disc"}
        assert [one for one in found if one[1] != "50%" or one[2] in ("transparent", "rgba(0, 0, 0, 0)")] == []


def test_the_cursor_is_apart_from_the_selection(chromium: Browser, server: LocalServer, session: imaplib.IMAP4) -> None:
    """WEBMAIL-69, WEBMAIL-105: it moves without opening, Enter opens, actions are about its row; the old way by a
    setting.
    """
    for number in range(4):
        session.append("INBOX", "", "", letter(f"Letter {number}"))
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        expect(page.locator(".message")).to_have_count(4)
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(page.locator(".message.focused")).to_contain_text("Letter 2")
        expect(page.locator(".reader-subject")).to_have_count(0)
        expect(page.locator(".message.active")).to_have_count(0)
        page.keyboard.press("a")
        expect(page.locator(".message")).to_have_count(3)
        expect(page.locator(".toast")).to_contain_text("Archive")
        expect(page.locator(".message.focused")).to_contain_text("Letter 1")
        page.keyboard.press("Enter")
        expect(page.locator(".reader-subject")).to_have_text("Letter 1")
        page.keyboard.press("k")
        expect(page.locator(".reader-subject")).to_have_text("Letter 3")
        page.keyboard.press("Escape")
        with settings_beside(page, "shortcuts") as settings, settings.expect_response("**/api/preferences_save"):
            settings.get_by_label("Open messages as you move with the arrow keys, j, or k").check()
        page.keyboard.press("j")
        expect(page.locator(".reader-subject")).to_have_text("Letter 1")
        with settings_beside(page, "shortcuts") as settings, settings.expect_response("**/api/preferences_save"):
            settings.get_by_label("Open messages as you move with the arrow keys, j, or k").uncheck()


@pytest.mark.landing("1440")
@pytest.mark.parametrize("width", EACH)
def test_rows_and_the_foot_of_the_side_bar_are_whole(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, width: int
) -> None:
    """WEBMAIL-64, WEBMAIL-172, WEBMAIL-173: numbers of conversations are never cut, however many write; no dotted
    lines; strong text of the system's font; the foot has its menu.
    """
    for number in range(6):
        made = letter("Lisbon", number=number)
        name = f"Somebody{number} Withalongname-Andanother".encode()
        session.append("INBOX", "(\\Seen)", "", made.replace(b"Ada Lindqvist <ada@", name + b" <p%d@" % number))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        count = page.locator(".thread-count")
        expect(count).to_have_text("6")
        box = within_window(count)
        row = Box.of(page.locator(".message"))
        assert row.left <= box.left <= box.right <= row.right
        if width >= 1400:
            assert round(Box.of(page.locator(".middle")).width) == 440
        page.locator(".message").click()
        expect(page.locator(".answer-bar")).to_be_visible()
        lines = "() => [...document.querySelectorAll('*')].filter((one) => getComputedStyle(one).textDecorationStyle"
        assert page.evaluate(f"{lines} === 'dotted').length") == 0
        expect(page.locator(".reader-subject")).to_have_css("font-weight", "600")
        assert page.evaluate("document.fonts.size") == 0
        if width < 700:
            page.get_by_role("button", name="Back").click()
            page.get_by_role("button", name="Folders").click()
        opener = page.get_by_role("button", name="Account and settings")
        assert in_sight(opener).height >= (44 if width < 1100 else 24)
        opener.click()
        menu = page.get_by_role("menu", name="Account and settings")
        in_sight(menu)
        near(menu, opener, 8)


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_mail_of_quotes_and_backgrounds_alone_is_read(
    chromium: Browser, server: LocalServer, session: imaplib.IMAP4, tmp_path: Path, width: int
) -> None:
    """WEBMAIL-165, WEBMAIL-168, WEBMAIL-109: 50 quotes in each other, 1 MB of them, 500 pictures in backgrounds; the
    words of the mail are in sight, and the page is as wide as its window.
    """
    deep = '<blockquote type="cite">' * 50 + "<p>the deepest words of all</p>" + "</blockquote>" * 50
    cell = '<td style="background:url(https://img.example/{}.png)">x</td>'
    mail = {
        "Deep": deep,
        "Much": "<blockquote>quoted words</blockquote>" * 27_000,
        "Tiles": f"<table><tr>{'</tr><tr>'.join(map(cell.format, range(500)))}</tr></table>",
    }
    for subject, html in mail.items():
        session.append("INBOX", "(\\Seen)", "", letter(subject, html=f"<p>Answer: {subject}</p>{html}"))
    with fresh(chromium, server, width) as visitor:
        page = visitor.page
        for subject in mail:
            page.locator(".message-subject", has_text=subject).click()
            frame = page.frame_locator("iframe.html")
            answer = frame.get_by_text(f"Answer: {subject}")
            expect(answer).to_be_visible()
            in_sight(answer)
            page.wait_for_function(f"document.scrollingElement.scrollWidth <= {width}")
            if subject == "Deep":
                # Chromium says this of each summary in a page without scripts
                visitor.expect_problem("Blocked script execution")
                frame.get_by_text("Quoted text").click()
                words = frame.get_by_text("the deepest words of all")
                words.scroll_into_view_if_needed()
                assert Box.of(words).width >= 150
                in_sight(words)
            if subject == "Tiles":
                expect(page.locator(".reader-bar-words")).to_contain_text("500 images from img.example")
            page.screenshot(path=tmp_path / f"{subject}.png")
            if width < 700:
                page.get_by_role("button", name="Back").click()


LONG = "rosalind.featherstonehaugh-cholmondeley@localhost"


def test_the_own_address_is_whole_however_long_it_is(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-172: in the side bar, at each width that has its words, without moving what is beside it."""
    server.cli("config", "account", "add", "rosalind", LONG)
    server.cli("account", "set-password", "rosalind", stdin=server.password + "\n")
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    page = visitor.page
    page.goto(f"{visitor.base}/webmail/")
    page.get_by_label("Email address").fill(LONG)
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Log in", exact=True).click()
    address = page.locator(".account-address")
    expect(address).to_have_text(LONG)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        if width < 701:
            page.get_by_role("button", name="Folders").locator("visible=true").click()
        bar, shown = within_window(page.locator(".side")), resting(address)
        assert shown.right <= within_window(page.locator(".open-settings")).left <= bar.right
        for part in (address, address.locator("b")):
            assert part.evaluate(
                "(one) => [one.scrollWidth - one.offsetWidth, one.scrollHeight - one.offsetHeight]"
            ) == [
                0,
                0,
            ]
    visitor.close()


def test_check_boxes_are_those_of_the_other_apps(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-58: as large, and in the same colour."""
    with fresh(chromium, server, 1280) as visitor:
        page = visitor.page
        page.evaluate("location.hash = '#calendar:week'")
        page.get_by_role("button", name="New event").first.click()
        box = page.get_by_role("dialog").get_by_label("All day")
        shown = within_window(box)
        assert (shown.width, shown.height) == (18, 18)
        primary = page.get_by_role("button", name="Save", exact=True)
        colours = [box.evaluate("(one) => getComputedStyle(one).accentColor")]
        colours += [primary.evaluate("(one) => getComputedStyle(one).backgroundColor")]
        assert colours[0] == colours[1]
