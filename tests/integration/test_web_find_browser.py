"""Searching, and reading in threads, in a real browser against a real server: Chromium by Playwright, mail by IMAP."""

import imaplib
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.geometry import Box
from tests.integration.browser import Visitor, chromium, expect_search
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

ARMOUR = "-----BEGIN PGP MESSAGE-----\n\nhQEMA0wxyz+/=\n=aB1c\n-----END PGP MESSAGE-----\n"


@pytest.fixture
def imap(server: LocalServer) -> Iterator[imaplib.IMAP4]:
    """A session of IMAP, with empty mailboxes."""
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    for name in ("INBOX", "Archive", "Trash"):
        if session.select(name)[0] == "OK" and session.search(None, "ALL")[1] != [b""]:
            session.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
            session.expunge()
    yield session
    session.logout()


class Reader(Visitor):
    """A page of the webmail."""

    def log_in(self) -> None:
        self.enter("/webmail/")
        expect(self.page.locator(".list-title")).to_have_text("Inbox")

    def search(self, text: str) -> None:
        """Search, and wait until the list is that of the search: keys mean what it shows."""
        self.page.keyboard.press("/")
        self.page.locator(".search-input").fill(text)
        self.page.keyboard.press("Enter")
        expect_search(self.page, text)
        expect(self.page.locator(".search-said")).to_have_text(re.compile(r"^\d+ found$"))


@pytest.fixture
def reader(chromium: Browser, server: LocalServer, imap: imaplib.IMAP4) -> Iterator[Reader]:
    """A reader who has logged in."""
    found = Reader(chromium, server)
    found.log_in()
    yield found
    found.close()


@pytest.fixture
def phone(chromium: Browser, server: LocalServer, imap: imaplib.IMAP4) -> Iterator[Reader]:
    """A reader with a phone in a dark room."""
    found = Reader(chromium, server, viewport={"width": 390, "height": 780}, has_touch=True, color_scheme="dark")
    found.log_in()
    yield found
    found.close()


def put(
    session: imaplib.IMAP4,
    subject: str,
    *,
    text: str = "Some text.\n",
    sender: str = "Ada Lindqvist <ada@nordlicht.example>",
    message_id: str = "",
    answers: str = "",
    html: str = "",
    mailbox: str = "INBOX",
    flags: str = "",
) -> None:
    """Put a message into a mailbox."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "moxlite@localhost"
    message["Subject"] = subject
    message["Message-ID"] = message_id or f"<{abs(hash(subject))}@example.com>"
    if answers:
        message["References"] = message["In-Reply-To"] = answers
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    assert session.append(mailbox, flags, "", re.sub(rb"\r?\n", b"\r\n", message.as_bytes()))[0] == "OK"


def thread(session: imaplib.IMAP4, count: int, *, flags: str = "(\\Seen)") -> None:
    """A thread of messages, each an answer to the one before."""
    quoted = "".join(f"> line {number}\n" for number in range(10))
    for number in range(1, count + 1):
        put(
            session,
            "Boats" if number == 1 else "Re: Boats",
            text=f"Answer {number}.\n\n{quoted if number > 1 else ''}",
            sender=f"Person {number} <p{number}@example.com>",
            message_id=f"<boat{number}@example.com>",
            answers=f"<boat{number - 1}@example.com>" if number > 1 else "",
            flags=flags,
        )


def test_a_search_finds_marks_and_is_left_again(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-38, WEBMAIL-63, WEBMAIL-72, WEBMAIL-73: over mailboxes; in the address, with history and reload."""
    page = reader.page
    put(imap, "Green harbour", text="A boat is in it.\n", html="<p>A <b>boat</b> is in it.</p>")
    put(imap, "Red harbour", text="Nothing is in it.\n")
    put(imap, "Old harbour", text="A BOAT was in it.\n", mailbox="Archive")
    put(imap, "Gone harbour", text="A boat sank.\n", mailbox="Trash")
    expect(page.locator(".message")).to_have_count(2)
    reader.search("boat s:harbour")
    expect(page.locator(".list-title")).to_have_text("Search")
    expect(page.locator(".search-said")).to_have_text("2 found")
    assert Box.of(page.locator(".list-title")).bottom <= Box.of(page.locator(".search-said")).top
    expect(page.locator(".message-subject")).to_have_text(["Old harbour", "Green harbour"])
    expect(page.locator(".message .other-mailbox")).to_have_text(["Archive", "Inbox"])
    expect_search(page, "boat s:harbour")
    expect(page).to_have_title(re.compile("^Search mail · "))
    # the second one is opened; what was looked for is marked in text and in HTML
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("Green harbour")
    expect(page.frame_locator("iframe.html").locator("mark.hit")).to_have_text(["boat"])
    page.keyboard.press("t")
    expect(page.locator(".text .hit")).to_have_text(["boat"])
    page.reload()
    expect(page.locator(".reader-subject")).to_have_text("Green harbour")
    expect(page.locator(".search-input")).to_have_value("boat s:harbour")
    # until it is done Escape would stop it only
    expect(page.locator(".search-said")).to_have_text("2 found")
    # one Escape for the message, one for the search
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".list-title")).to_have_text("Inbox")
    expect(page.locator(".search-input")).to_have_value("")
    page.go_back()
    expect(page.locator(".search-said")).to_have_text("2 found")
    reader.search("no such thing")
    expect(page.locator(".messages-note .empty-title")).to_have_text("No results")


@pytest.mark.nightly
def test_bar_and_form_are_the_same_search(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-72, WEBMAIL-73: each follows the other; what is no criterion is told beside its field, below the bar."""
    page = reader.page
    put(imap, "Minutes", sender="Bora <bora@acme.example>", flags="(\\Flagged)")
    put(imap, "Other")
    page.keyboard.press("/")
    bar = page.locator(".search-input")
    form = page.locator(".search-form")
    page.get_by_role("option", name="More search options").click()
    expect(form.get_by_label("Words")).to_be_visible()
    bar.press_sequentially("two -not f:bora minsize:big")
    expect(form.get_by_label("Words")).to_have_value("two -not")
    expect(form.get_by_label("From", exact=True)).to_have_value("bora")
    field = page.locator(".search-field", has_text="At least")
    expect(field.locator(".field-problem")).to_contain_text("“big” isn't a size")
    # in a window lower than the form its buttons stay in reach
    size = page.viewport_size
    assert size
    page.set_viewport_size({"width": 900, "height": 520})
    box, button = form.bounding_box(), form.get_by_role("button", name="Search").bounding_box()
    assert box
    assert button
    assert button["y"] + button["height"] <= box["y"] + box["height"] <= 520
    page.set_viewport_size(size)
    form.get_by_label("Words").fill("")
    form.get_by_label("At least").fill("1")
    form.get_by_label("Status").select_option("flagged")
    form.get_by_label("Subject").fill("min tes")
    expect(field.locator(".field-problem")).to_have_text("")
    expect(bar).to_have_value("from:bora minsize:1 is:flagged subject:min subject:tes")
    form.get_by_role("button", name="Search").click()
    expect(form).to_be_hidden()
    expect(page.locator(".message-subject")).to_have_text(["Minutes"])
    reader.search("mb:Nowhere minutes")
    expect(page.locator(".search-problems")).to_have_text("no folder named “Nowhere”")
    page.get_by_role("button", name="Close search").click()
    expect(page.locator(".message")).to_have_count(2)


@pytest.mark.nightly
def test_what_is_done_to_results_is_seen_in_them(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-124: what is archived is found elsewhere; what goes to Trash leaves; new matches come by themselves."""
    page = reader.page
    for number in (1, 2):
        put(imap, f"Boat {number}")
    reader.search("boat")
    expect(page.locator(".message")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator(".message .other-mailbox")).to_have_text(["Archive", "Inbox"])
    page.keyboard.press("j")
    page.keyboard.press("d")
    expect(page.locator(".message-subject")).to_have_text(["Boat 2"])
    put(imap, "Boat 3")
    expect(page.locator(".message-subject")).to_have_text(["Boat 3", "Boat 2"])
    page.keyboard.press("Control+z")
    expect(page.locator(".message-subject")).to_have_text(["Boat 3", "Boat 2", "Boat 1"])


@pytest.mark.nightly
def test_threads_fold_and_open_as_a_conversation(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-66, WEBMAIL-140: one row for each; the conversation has the newest open and quotes folded."""
    page = reader.page
    put(imap, "Alone")
    thread(imap, 4)
    page.reload()
    rows = page.locator(".message")
    expect(rows).to_have_count(2)
    expect(rows.first.locator(".thread-count")).to_have_text("4")
    expect(rows.first.locator(".message-people")).to_contain_text("Person 1, Person 2, Person 3, Person 4")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(4)
    expect(page.locator(".card.open")).to_have_count(1)
    expect(page.locator(".card.open .text").first).to_contain_text("Answer 4.")
    expect(page.locator(".card.open details.quote summary")).to_have_text("Quoted text: 10 lines")
    expect(page.get_by_text("line 9")).to_be_hidden()
    page.locator(".card.open summary").click()
    expect(page.get_by_text("line 9")).to_be_visible()
    page.locator(".card-head", has_text="Person 2").click()
    expect(page.locator(".card.open")).to_have_count(2)
    # folded out in the list; focus and selection stay in the thread
    page.locator(".messages").focus()
    page.keyboard.press("ArrowRight")
    expect(rows).to_have_count(5)
    expect(page.locator(".message .branch")).to_have_count(3)
    expect(page.locator(".reader-subject")).to_have_text("Boats")
    page.keyboard.press("n")
    expect(page.locator(".reader-subject")).to_have_text("Alone")
    page.keyboard.press("p")
    page.keyboard.press("C")
    expect(rows).to_have_count(2)
    # new mail of the thread comes into it, and moves nothing
    put(imap, "Newest")
    expect(page.locator(".message-subject")).to_have_text(["Newest", "Re: Boats", "Alone"])
    put(imap, "Re: Boats", message_id="<boat5@example.com>", answers="<boat4@example.com>")
    expect(page.locator(".thread-count")).to_have_text("5")
    expect(page.locator(".message-subject").first).to_have_text("Newest")


@pytest.mark.nightly
def test_an_action_on_a_collapsed_thread_is_on_all_of_it(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-69, WEBMAIL-70: and Undo brings all of it back."""
    page = reader.page
    thread(imap, 3)
    put(imap, "Alone")
    page.reload()
    expect(page.locator(".message-subject")).to_have_text(["Alone", "Re: Boats"])
    page.keyboard.press("End")
    page.keyboard.press("a")
    expect(page.locator(".message-subject")).to_have_text(["Alone"])
    expect(page.locator(".toast")).to_contain_text("3 messages moved to Archive")
    until(lambda: imap.status("Archive", "(MESSAGES)")[1][0] == b"Archive (MESSAGES 3)")
    page.keyboard.press("Control+z")
    expect(page.locator(".message-subject")).to_have_text(["Alone", "Re: Boats"])
    expect(page.locator(".thread-count")).to_have_text("3")


@pytest.mark.nightly
def test_a_muted_thread_keeps_quiet(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-67: it is marked and dimmed, and what comes into it by delivery arrives read (tests/session)."""
    page = reader.page
    thread(imap, 2)
    page.reload()
    expect(page.locator(".thread-count")).to_have_text("2")
    page.keyboard.press("j")
    page.keyboard.press("X")
    expect(page.locator(".toast")).to_contain_text("Conversation muted")
    expect(page.locator(".message.beside .mark[title^='Muted']")).to_be_visible()
    page.keyboard.press("X")
    expect(page.locator(".message.beside")).to_have_count(0)


@pytest.mark.nightly
def test_ways_to_show_threads_are_kept(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-66: conversations or single messages, by the browser; narrowed views are conversations, too."""
    page = reader.page
    thread(imap, 3, flags="")
    put(imap, "Alone", flags="(\\Seen \\Flagged)")
    page.reload()
    # unread ones too are one row
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator(".thread-count")).to_have_text("3")
    page.get_by_role("button", name="List options").click()
    page.get_by_role("menuitemradio", name="Single messages").click()
    expect(page.locator(".message")).to_have_count(4)
    expect(page.locator(".message .branch")).to_have_count(0)
    until(lambda: page.evaluate("localStorage.getItem('moxlite-webmail-threading')") == "off")
    page.reload()
    expect(page.locator(".message")).to_have_count(4)
    page.get_by_role("button", name="List options").click()
    page.get_by_role("menuitemradio", name="Conversations").click()
    expect(page.locator(".thread-count")).to_have_text("3")
    page.locator(".message", has_text="Person 3").dblclick()
    expect(page.locator(".message .branch")).to_have_count(2)
    page.get_by_role("button", name="List options").click()
    page.get_by_role("menuitemradio", name="flagged").click()
    expect(page.locator(".message-subject")).to_have_text(["Alone"])


@pytest.mark.nightly
def test_a_phone_searches_and_reads_a_thread(phone: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-58, WEBMAIL-59: nothing scrolls sideways; the form and the column are as wide as the screen."""
    page = phone.page
    thread(imap, 3)
    page.locator(".search-input").tap()
    expect(page.locator(".search-form")).to_be_visible()
    box = page.locator(".search-form").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.locator(".search-input").fill("answer")
    page.keyboard.press("Enter")
    expect(page.locator(".search-said")).to_have_text("3 messages in 1 conversation")
    page.locator(".message").first.tap()
    expect(page.locator(".card")).to_have_count(3)
    page.wait_for_function("document.documentElement.scrollWidth <= 390")
    page.get_by_role("button", name="Back").tap()
    expect(page.locator(".message").first).to_be_visible()


@pytest.mark.nightly
def test_flags_have_signs_with_titles(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-65, WEBMAIL-144: words, or signs with a title, which screen readers say; ordinary mail has none."""
    page = reader.page
    put(imap, "All", flags="(\\Answered \\Flagged \\Draft \\Deleted $Forwarded $Phishing)")
    put(imap, "Plain", flags="(\\Seen)")
    put(imap, "New")
    marks = page.locator(".message", has_text="All").locator(".mark")
    expect(marks).to_have_text(["Draft", "Phishing", "Deleted", "", "", ""])
    titles = [mark.get_attribute("title") for mark in marks.all()[3:]]
    assert titles == ["Replied", "Forwarded", "Flagged"]
    expect(page.locator(".message", has_text="Plain").locator(".mark")).to_have_count(0)
    expect(page.locator(".message", has_text="New").locator(".mark")).to_have_count(0)
    options = page.get_by_role("option")
    expect(options.filter(has_text="New")).to_have_accessible_name(
        re.compile("^Unread Ada Lindqvist .*New – Some text")
    )
    expect(options.filter(has_text="Plain")).to_have_accessible_name(re.compile("^Ada Lindqvist "))
    expect(options.filter(has_text="All")).to_have_accessible_name(
        re.compile("^Unread Ada Lindqvist Draft Phishing Deleted Replied Forwarded Flagged ")
    )


@pytest.mark.nightly
def test_a_criterion_that_is_not_known_is_named(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-72: it is looked for as a word, and the bar says so."""
    put(imap, "Tiles", text="nosuchop:xx\n")
    reader.search("nosuchop:xx")
    said = reader.page.locator(".search-problems")
    expect(said).to_have_text("“nosuchop:” isn't a search operator, so “nosuchop:xx” was treated as text")
    expect(reader.page.locator(".message-subject")).to_have_text(["Tiles"])


@pytest.mark.nightly
def test_many_recipients_are_folded(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-76: the first of them are shown; all, when the reader wants them, also those that no row has."""
    page = reader.page
    message = EmailMessage()
    message["From"] = "Ada <ada@example.com>"
    message["Subject"] = "Sixty"
    message["To"] = ", ".join(f"p{number}@example.com" for number in range(60))
    message["Cc"] = ", ".join(f"c{number}@example.com" for number in range(30))
    message.set_content("Hello.\n")
    imap.append("INBOX", "", "", re.sub(rb"\r?\n", b"\r\n", message.as_bytes()))
    page.locator(".message", has_text="Sixty").click()
    expect(page.locator(".reader-recipients")).to_have_text("to p0@example.com, p1@example.com and over 78 more")
    page.locator(".reader-recipients").click()
    fields = page.locator(".reader-fields dd")
    expect(fields.nth(2)).to_have_text(re.compile(r"^c0@.* c5@example\.com and 24 more$"))
    fields.nth(2).get_by_role("button").click()
    expect(fields.nth(2)).to_have_text(re.compile(r"^c0@.* c29@example\.com$"))
    expect(page.locator(".text-part")).to_be_visible()
    fields.nth(1).get_by_role("button").click()
    expect(fields.nth(1)).to_contain_text("p59@example.com")


@pytest.mark.nightly
def test_a_name_from_right_to_left_stays_beside_its_label(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-118: in the list it is in the column of the others."""
    page = reader.page
    put(imap, "Evening", sender="\u05d3\u05d5\u05d3 \u05db\u05d4\u05df <david@example.com>")
    put(imap, "Morning")
    page.locator(".message", has_text="Evening").click()
    expect(page.locator(".reader-subject")).to_have_text("Evening")
    page.locator(".reader-recipients").click()
    left = "(e) => { const r = new Range(); r.selectNodeContents(e); return r.getBoundingClientRect().left }"
    label = page.locator(".reader-fields dt").first.bounding_box()
    name = page.locator(".reader-fields dd span").first.evaluate(left)
    assert label is not None
    assert 0 < name - (label["x"] + label["width"]) < 40
    first, second = [one.evaluate(left) for one in page.locator(".message-people").all()]
    assert abs(first - second) < 3


@pytest.mark.nightly
def test_a_wide_table_is_scrolled_and_not_crushed(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-53: its words are whole; a word that is too long for the page is broken."""
    page = reader.page
    cells = "".join(f"<td>Column{number}</td>" for number in range(40))
    put(imap, "Wide", sender="Wide <wide@example.com>", html=f"<p>{'long' * 300}</p><table><tr>{cells}</tr></table>")
    page.locator(".message", has_text="Wide").click()
    frame = page.frame_locator("iframe.html")
    expect(frame.locator("td").first).to_be_visible()
    height = frame.locator("td").first.evaluate("(cell) => cell.getBoundingClientRect().height")
    assert height < 40
    root = frame.locator("html")
    assert root.evaluate("(html) => html.scrollWidth > html.clientWidth + 400")
    assert frame.locator("p").evaluate("(p) => p.scrollWidth <= p.clientWidth")


@pytest.mark.nightly
def test_addresses_are_shown_as_they_are(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-75: blanks that follow each other stay visible; a Unicode domain has that of DNS as its title."""
    page = reader.page
    octets = (
        b'From: "a  b"@example.com\r\nTo: moxlite@localhost\r\nCc: <x@xn--bcher-kva.example>\r\n'
        b"Subject: Addresses\r\nMessage-ID: <addresses@example.com>\r\n\r\nx\r\n"
    )
    imap.append("INBOX", "", "", octets)
    page.locator(".message", has_text="Addresses").click()
    page.locator(".reader-recipients").click()
    sender = page.locator(".reader-fields dd").first
    expect(sender).to_have_text('"a  b"@example.com', use_inner_text=True)
    assert sender.inner_text() == '"a  b"@example.com'
    copied = page.locator(".reader-fields dd", has_text="bücher")
    expect(copied).to_have_text("x@bücher.example")
    expect(copied).to_have_attribute("title", "x@xn--bcher-kva.example")


@pytest.mark.nightly
def test_signed_and_encrypted_mail_is_marked(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-78, WEBMAIL-132: inline, too; that the server has verified nothing is said; armour is left as it is, for
    extensions of the browser; a key that is attached can be downloaded; the octets are a click away.
    """
    page = reader.page
    put(imap, "Inline", text="-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n")
    put(imap, "Secret", text=ARMOUR)
    octets = (
        b"From: Ada <ada@example.com>\r\nTo: moxlite@localhost\r\nSubject: Parts\r\nMessage-ID: <parts@example.com>\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; protocol="application/pgp-signature"\r\n\r\n'
        b"--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\ny\r\n--b--\r\n"
    )
    imap.append("INBOX", "", "", octets)
    for subject, words in (("Inline", "signed"), ("Secret", "encrypted"), ("Parts", "signed")):
        page.locator(".message", has_text=subject).click()
        expect(page.locator(".reader-subject")).to_have_text(subject)
        expect(page.locator(".trust .hint")).to_have_text([words])
        assert "The server" in (page.locator(".trust .hint").get_attribute("title") or "")
        page.get_by_role("button", name="More actions").click()
        expect(page.get_by_role("menuitem", name="View source")).to_be_visible()
        page.keyboard.press("Escape")
        if subject == "Secret":
            expect(page.locator(".text")).to_have_text(ARMOUR, use_inner_text=True)
    key = EmailMessage()
    key["From"], key["To"], key["Subject"] = "Ada <ada@example.com>", "moxlite@localhost", "My key"
    key.set_content("Here it is.\n")
    key.add_attachment(ARMOUR.encode(), maintype="application", subtype="pgp-keys", filename="ada.asc")
    imap.append("INBOX", "", "", key.as_bytes(policy=SMTP))
    page.locator(".message", has_text="My key").click()
    with page.expect_download() as waiting:
        page.locator(".attachment", has_text="ada.asc").get_by_role("link", name="Download ada.asc").click()
    assert Path(waiting.value.path()).read_bytes() == ARMOUR.encode()


def test_a_search_answers_while_it_is_typed(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-73, WEBMAIL-127: hits, people and chips; a hit is opened; a search is saved and removed again."""
    page = reader.page
    for number in range(7):
        put(imap, f"Boat {number}", sender="Bora Boatman <bora@acme.example>")
    expect(page.locator(".message")).to_have_count(7)
    page.keyboard.press("/")
    bar = page.locator(".search-input")
    bar.press_sequentially("boat")
    expect(page.locator(".glance-hit")).to_have_count(5)
    expect(page.locator(".glance-person")).to_have_text(re.compile("Bora Boatman"))
    page.get_by_role("button", name="Has attachment").click()
    expect(bar).to_have_value("boat attachments:any ")
    expect(page.locator(".glance-hit")).to_have_count(0)
    page.get_by_role("button", name="Has attachment").click()
    page.get_by_role("button", name="From boat").click()
    expect(bar).to_have_value("from:boat ")
    bar.fill("winter boat")
    expect(page.get_by_role("button", name="From boat")).to_have_count(0)
    bar.fill("from:boat ")
    expect(page.locator(".glance-hit")).to_have_count(5)
    bar.press("ArrowDown")
    bar.press("ArrowDown")
    expect(page.locator(".glance-hit").first).to_have_attribute("aria-selected", "true")
    bar.press("Enter")
    expect(page.locator(".reader-subject")).to_have_text("Boat 6")
    page.keyboard.press("/")
    bar.fill("form:bora")
    page.get_by_role("option", name="All results").click()
    page.get_by_role("button", name="Did you mean from:?").click()
    expect(page.locator(".search-said")).to_contain_text("7")
    bar.focus()
    page.get_by_role("option", name="Save search").click()
    saved = page.get_by_label("Saved searches")
    expect(saved.get_by_text("from:bora")).to_be_visible()
    page.reload()
    saved.get_by_text("from:bora").click()
    expect(page.locator(".search-said")).to_contain_text("7")
    with page.expect_request("**/api/settings_save") as asked:
        saved.get_by_role("button", name="Delete search from:bora").click()
    assert asked.value.post_data_json == {"settings": {"searches": []}}
    expect(saved).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(saved.get_by_text("from:bora")).to_be_visible()


def test_the_oldest_may_be_on_top(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-66a: the list's menu turns the order round; the browser keeps it."""
    page = reader.page
    for number in (1, 2, 3):
        put(imap, f"Boat {number}")
    expect(page.locator(".message-subject")).to_have_text(["Boat 3", "Boat 2", "Boat 1"])
    page.get_by_role("button", name="List options").click()
    page.get_by_role("menuitemradio", name="Oldest first").click()
    expect(page.locator(".message-subject")).to_have_text(["Boat 1", "Boat 2", "Boat 3"])
    page.reload()
    expect(page.locator(".message-subject")).to_have_text(["Boat 1", "Boat 2", "Boat 3"])
    page.get_by_role("button", name="List options").click()
    page.get_by_role("menuitemradio", name="Newest first").click()
    expect(page.locator(".message-subject")).to_have_text(["Boat 3", "Boat 2", "Boat 1"])


def test_the_list_is_sorted_by_sender_or_size(reader: Reader, imap: imaplib.IMAP4) -> None:
    """WEBMAIL-66b: without groups by date; select all acts on all; the order stays after a reload."""
    page = reader.page
    for subject, sender, lines in (
        ("One", "Zoe <zoe@a.example>", 3),
        ("Two", "ada <ada@a.example>", 1),
        ("Three", "Bo <bo@a.example>", 9),
    ):
        put(imap, subject, sender=sender, text="A line of text.\n" * lines)
    expect(page.locator(".message-subject")).to_have_text(["Three", "Two", "One"])
    expect(page.locator(".messages-group.top")).to_have_text("Today")
    page.get_by_role("button", name="List options").click()
    page.get_by_role("menuitemradio", name="By sender").click()
    expect(page.locator(".message-subject")).to_have_text(["Two", "Three", "One"])
    expect(page.locator(".messages-group.top")).to_be_hidden()
    page.get_by_role("button", name="List options").click()
    page.get_by_role("menuitemradio", name="Largest first").click()
    expect(page.locator(".message-subject")).to_have_text(["Three", "One", "Two"])
    page.reload()
    expect(page.locator(".message-subject")).to_have_text(["Three", "One", "Two"])
    page.locator(".message").first.click()
    page.keyboard.press("a")
    expect(page.locator(".message-subject")).to_have_text(["One", "Two"])
    page.keyboard.press("Control+z")
    expect(page.locator(".message-subject")).to_have_text(["Three", "One", "Two"])
    page.keyboard.press("Control+a")
    page.keyboard.press("m")
    expect(page.locator(".message.unread")).to_have_count(0)
