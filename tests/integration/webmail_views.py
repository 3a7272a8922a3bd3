"""All views of the webmail, one after the other in one page: for tests of what each must be, and for screenshots.

`python -m tests.integration.webmail_views FOLDER` writes a picture of each: at a desk, on a small screen, on a phone,
each light and dark.
"""

import imaplib
import re
import smtplib
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from tests.integration.browser import ARGUMENTS, Visitor, playing
from tests.running import LocalServer
from tests.tools import need
from tests.webcalls import Caller, send_at_once

__all__ = ["SCREENS", "populate", "settle", "views"]

#: Widths and heights in px.
SCREENS = {"desk": (1280, 800), "small": (900, 700), "phone": (390, 780)}

PAGE = """<!doctype html><style>.card { background: #ffffff; color: #223344 }</style><body bgcolor="#eef2f6">
<table class="card" width="100%"><tr><td><h1>Autumn</h1><p>Leaves fall.</p>
<p><a href="https://evil.example/">https://www.bank.example/</a></p><img src="https://tracker.example/p.gif"></td></tr></table>"""

XMP = b"""http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/"
exif:GPSLatitude="52,31.2057N" exif:GPSLongitude="13,25.2757E"/></rdf:RDF></x:xmpmeta>"""
PHOTO = b"\xff\xd8\xff\xe1" + (len(XMP) + 2).to_bytes(2, "big") + XMP + b"\xff\xd9"
"""A photo that says where it was taken, without its pixels."""

QUOTED = "".join(f"> line {number} of what was written before\n" for number in range(9))
LINKS = "See https://example.org/minutes (soon), not\nhttps://www.bank.example@evil.example/login.\n"
TEXT = f"The boats are in.\n\n> quoted\n>> twice\n>>> three times\n\n{LINKS}\n-- \nAda\n"


def message(subject: str, text: str, *, number: int = 0, html: str = "", files: int = 0) -> bytes:
    """A message with lines that end in CRLF."""
    made = EmailMessage()
    made["From"] = "Ada Lindqvist <ada@nordlicht.example>"
    made["To"] = "moxlite@localhost, Bora <bora@acme.example>"
    made["Cc"] = "Кира <kira@acme.example>"
    made["Subject"] = subject
    made["Message-ID"] = f"<{number or subject.encode().hex()}@nordlicht.example>"
    if number > 1:
        made["In-Reply-To"] = made["References"] = f"<{number - 1}@nordlicht.example>"
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    for at in range(files):
        made.add_attachment(b"content", maintype="application", subtype="pdf", filename=f"plan {at}.pdf")
    return made.as_bytes(policy=SMTP)


def populate(server: LocalServer) -> None:
    """Mail of all kinds, mailboxes inside others, and one that another account shares; what is sent arrives at once."""
    send_at_once(server)
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(server.user, server.password)
    for name in ("Projects/Garden", "Empty"):
        session.create(name)
    for number in range(30):
        session.append("INBOX", "(\\Seen)" if number % 3 else "", "", message(f"Older {number}", "Some text.\n"))
    for number in (1, 2, 3):
        text = f"Answer {number}.\n\n{QUOTED if number > 1 else ''}"
        session.append("INBOX", "(\\Seen)", "", message("Re: Boats", text, number=number))
    session.append("INBOX", "(\\Flagged \\Answered $Forwarded garden)", "", message("Files", TEXT, files=6))
    session.append("INBOX", "(\\Deleted \\Draft $Phishing)", "", message("Marked", "Short.\n"))
    session.append("INBOX", "", "", message("News", "The text.\n", html=PAGE))
    letter = message("Letter", "Wool socks.\n")
    session.append("INBOX", "(\\Seen)", "", b"List-Unsubscribe: <mailto:leave@nordlicht.example>\r\n" + letter)
    wish = b"Disposition-Notification-To: ada@nordlicht.example\r\n"
    session.append("INBOX", "", "", wish + message("Asking", "Short.\n"))
    session.append("INBOX", "", "", message("ערב טוב from the port", "שלום, הסירות כאן.\n\nمرحبا\n"))
    session.logout()
    server.cli("config", "account", "add", "kira", "kira@localhost")
    server.cli("account", "set-password", "kira", stdin=f"{server.password}\n")
    owner = imaplib.IMAP4("127.0.0.1", server.port(143))
    owner.login("kira@localhost", server.password)
    owner.create("Plans")
    owner.append("Plans", "", "", message("Next year", TEXT, files=1))
    owner.setacl("Plans", "moxlite", "lr")
    owner.logout()
    plan(server)
    with smtplib.SMTP("127.0.0.1", server.port(25)) as smtp:
        text = "From: Tom <tom@nordlicht.example>\r\nTo: moxlite@localhost\r\nSubject: To be filed\r\n\r\nx\r\n"
        smtp.sendmail("tom@nordlicht.example", ["moxlite@localhost"], text)


CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:x\r
{lines}END:VCALENDAR\r
"""

CARDS = """BEGIN:VCARD\r
VERSION:3.0\r
FN:Ada Lindqvist\r
EMAIL:ada@nordlicht.example\r
TEL:+46 1 23\r
BDAY:1988-02-03\r
NOTE:Sails\r
END:VCARD\r
BEGIN:VCARD\r
VERSION:3.0\r
FN:A. Lindqvist\r
EMAIL:ada@nordlicht.example\r
END:VCARD\r
"""


PEOPLE = ("ORGANIZER;CN=Ada:mailto:ada@nordlicht.example", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:moxlite@localhost")

INVITATION = """From: Ada Lindqvist <ada@nordlicht.example>\r
To: moxlite@localhost\r
Subject: Regatta\r
MIME-Version: 1.0\r
Content-Type: text/calendar; method=REQUEST; charset=utf-8\r
\r
{calendar}"""


def event(title: str, start: datetime, *lines: str) -> str:
    """Lines of an event of an hour."""
    times = (f"DTSTART:{start:%Y%m%dT%H%M%SZ}", "DURATION:PT1H", f"DTSTAMP:{start:%Y%m%dT%H%M%SZ}")
    named = (f"UID:{title}-{start:%H%M%S}@x", f"SUMMARY:{title}")
    return "\r\n".join(("BEGIN:VEVENT", *named, *times, *lines, "END:VEVENT", ""))


def bring(server: LocalServer, kind: str, text: str) -> None:
    """Import a file into the calendar or the contacts."""
    path = server.folder / "brought"
    path.write_text(text, newline="")
    server.cli(kind, "import", "moxlite", str(path))


def plan(server: LocalServer) -> None:
    """A series, invitations by a mail and of the same server, contacts and a group, and a template."""
    now = datetime.now(UTC)
    meeting = ("RRULE:FREQ=DAILY", "LOCATION:https://meet.example.org/choir", "DESCRIPTION:Two\\nlines")
    bring(server, "calendar", CALENDAR.format(lines=event("Choir", now.replace(hour=12), *meeting)))
    bring(server, "contacts", CARDS)
    invited = CALENDAR.format(lines="METHOD:REQUEST\r\n" + event("Regatta", now + timedelta(days=3), *PEOPLE))
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        session.append("INBOX", "", "", INVITATION.format(calendar=invited).encode())
    own = Caller(server.port(80), server.user, server.password)
    own.log_in()
    own.call("contact_group_save", name="Crew")
    own.call("template_save", template={"id": 0, "name": "Thanks", "subject": "", "text": "Thank you.", "html": ""})
    kira = Caller(server.port(80), "kira@localhost", server.password)
    kira.log_in()
    start = now + timedelta(days=2)
    form = {"title": "Plans", "place": "", "notes": "", "all_day": False, "zone": "UTC", "rule": "", "alarms": []}
    form |= {"start": f"{start:%Y-%m-%dT%H:%M}", "end": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M}", "mails": []}
    form |= {"free": False, "guests": [{"name": "", "address": "moxlite@localhost"}]}
    kira.call("event_save", calendar_id=kira.call("calendars")[0]["id"], event=form)


class Walk:
    """Steps that differ between a desk and a phone."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.page: Page = visitor.page
        assert self.page.viewport_size is not None
        self.narrow = self.page.viewport_size["width"] <= 700

    def list(self) -> None:
        """The list in sight, with nothing selected."""
        if self.narrow and self.page.locator(".show-message").count():
            self.page.get_by_role("button", name="Back").click()
        self.page.locator(".messages").focus()
        self.page.keyboard.press("Escape")
        expect(self.page.locator("body")).not_to_have_class(re.compile("show-message"))

    def open(self, subject: str) -> None:
        """A message in sight."""
        self.list()
        self.page.locator(".message-subject", has_text=subject).first.click()
        expect(self.page.locator(".reader-subject")).to_contain_text(subject)

    def side(self) -> None:
        """The mailboxes in sight."""
        button = self.page.get_by_role("button", name="Folders")
        if self.narrow and button.get_attribute("aria-expanded") == "false":
            self.list()
            button.click()

    def mailbox(self, name: str) -> None:
        """A mailbox in sight."""
        self.side()
        self.page.locator(".mailbox-open", has_text=name).click()
        expect(self.page.locator(".list-title")).to_have_text(name)

    def dialog(self, keys: str) -> None:
        """A dialog that a key opens."""
        self.page.keyboard.press(keys)
        expect(self.page.locator("dialog[open]")).to_be_visible()

    def command(self, title: str) -> None:
        """A command that is chosen by its title."""
        self.dialog("Control+k")
        self.page.keyboard.type(title)
        # marked or not; others may have it in their titles, too
        self.page.get_by_role("dialog").get_by_role("option", name=re.compile(rf"^\W*{title}\b")).click()

    def place(self, name: str) -> Locator:
        """A place in sight, other than that of mail; on a phone the side bar is closed first."""
        if self.narrow and self.page.locator(".side").is_visible():
            self.page.keyboard.press("Escape")
            expect(self.page.locator(".side")).to_be_hidden()
        self.page.locator(f".open-{name}").click()
        expect(self.page.locator(f".open-{name}")).to_have_attribute("aria-current", "page")
        return self.page.locator("#app.other-place .place-view")

    def lists(self, name: str) -> None:
        """The lists of a place in sight."""
        if self.page.locator(".place-side .side-lists").is_visible():
            return
        shown = (
            self.page.locator(".place-view .menu-open") if self.narrow else self.page.get_by_role("button", name=name)
        )
        shown.click()
        expect(self.page.locator(".place-side .side-lists")).to_be_visible()

    def closed(self) -> None:
        """No dialog any more."""
        self.page.keyboard.press("Escape")
        expect(self.page.locator("dialog[open]")).to_have_count(0)


def views(visitor: Visitor) -> Iterator[str]:
    """Go through all views; each is shown while its name is yielded."""
    page, walk = visitor.page, Walk(visitor)
    page.goto(f"{visitor.base}/webmail/")
    expect(page.get_by_label("Email address")).to_be_visible()
    yield "log-in"
    visitor.fill_in("/webmail/", "wrong")
    expect(page.locator(".login-problem")).to_be_visible()
    yield "log-in refused"
    visitor.fill_in("/webmail/")
    expect(page.locator(".message").first).to_be_visible()
    yield "list"
    yield from reading(walk)
    yield from acting(walk)
    yield from finding(walk)
    yield from writing(walk)
    yield from around(walk)
    yield from news(walk)
    yield from calendar(walk)
    yield from contacts(walk)
    yield from further(walk)


def reading(walk: Walk) -> Iterator[str]:
    """What is read."""
    page = walk.page
    walk.open("Files")
    expect(page.locator(".text .elsewhere")).to_be_visible()
    yield "text"
    page.get_by_role("button", name="More actions").click()
    yield "menu of a message"
    page.get_by_role("menuitem", name="Show all headers").click()
    expect(page.locator(".headers")).to_be_visible()
    yield "headers"
    walk.open("News")
    expect(page.frame_locator("iframe.html").locator(".card")).to_be_visible()
    page.locator(".reader-recipients").click()
    yield "html"
    walk.open("ערב טוב")
    expect(page.locator(".text-part")).to_be_visible()
    yield "right to left"
    walk.open("Boats")
    expect(page.locator(".card.open")).to_be_visible()
    yield "conversation"
    page.locator(".card.open summary").first.click()
    page.locator(".card-head").first.click()
    expect(page.locator(".card.open")).to_have_count(2)
    yield "conversation opened"
    walk.mailbox("Plans")
    walk.open("Next year")
    expect(page.locator(".text-part").first).to_be_visible()
    yield "shared mailbox"
    walk.dialog("I")
    yield "details of a shared message"
    walk.closed()
    walk.mailbox("Empty")
    expect(page.locator(".messages-note")).to_be_visible()
    yield "empty mailbox"
    walk.mailbox("Inbox")
    expect(page.locator(".message").first).to_be_visible()


def acting(walk: Walk) -> Iterator[str]:
    """What is done to messages."""
    page = walk.page
    walk.list()
    page.locator(".messages").focus()
    page.keyboard.press("Control+a")
    expect(page.locator(".chosen-count")).to_contain_text("selected")
    yield "all selected"
    walk.list()
    if not walk.narrow:
        for _ in range(3):
            page.keyboard.press("J")
        yield "several selected"
    walk.open("Marked")
    more = page.get_by_role("button", name="More actions")
    if more.is_visible():
        more.click()
        expect(page.get_by_role("menu")).to_be_visible()
        yield "menu of actions"
        page.keyboard.press("Escape")
    for key, name in (("w", "move"), ("y", "labels"), ("Shift+D", "delete"), ("E", "export")):
        walk.dialog(key)
        yield name
        walk.closed()
    page.keyboard.press("s")
    expect(page.locator(".toast")).to_be_visible()
    yield "toast"
    walk.open("To be filed")
    walk.dialog("w")
    page.get_by_role("dialog").get_by_role("option", name="Projects/Garden").click()
    expect(page.locator(".offer")).to_be_visible()
    yield "rule offered"
    page.locator(".offer").get_by_role("button", name="Not now").click()
    page.keyboard.press("Control+z")
    expect(page.locator(".message", has_text="To be filed")).to_be_visible()


def finding(walk: Walk) -> Iterator[str]:
    """What is looked for."""
    page = walk.page
    walk.list()
    page.locator(".search-input").click()
    expect(page.locator(".search-form")).to_be_visible()
    yield "search as one types"
    page.get_by_role("option", name="More search options").click()
    page.locator(".search-input").fill("boats minsize:big")
    expect(page.locator(".field-problem", has_text="big")).to_be_visible()
    yield "search form"
    page.locator(".search-input").fill("boats mb:Nowhere")
    page.keyboard.press("Enter")
    expect(page.locator(".search-said")).to_contain_text("found")
    expect(page.locator(".search-problems")).to_be_visible()
    yield "results"
    page.get_by_role("button", name="Close search").click()
    expect(page.locator(".list-title")).to_have_text("Inbox")
    page.get_by_role("button", name="List options").click()
    expect(page.get_by_role("menu")).to_be_visible()
    yield "menu of the list"
    page.keyboard.press("Escape")
    for key, name in (("Control+k", "commands"), ("?", "keys"), ("B", "menu of a mailbox")):
        walk.dialog(key)
        yield name
        walk.closed()


def writing(walk: Walk) -> Iterator[str]:
    """What is written."""
    page = walk.page
    walk.open("Files")
    page.keyboard.press("R")
    composer = page.locator(".composer")
    expect(composer.get_by_label("Subject")).to_have_value("Re: Files")
    file = FilePayload(name="plan.bin", mimeType="text/plain", buffer=b"x" * 2000)
    composer.locator("input[type=file]:not([accept])").set_input_files(file)
    expect(composer.locator(".file-name")).to_be_visible()
    yield "reply to all"
    photo = FilePayload(name="harbour.jpg", mimeType="image/jpeg", buffer=PHOTO)
    composer.locator("input[type=file]:not([accept])").set_input_files(photo)
    expect(composer.locator(".file-place")).to_be_visible()
    yield "photo with a place"
    composer.get_by_label("To", exact=True).fill("tom at example,")
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer.locator("[data-field=to] .field-hint")).to_contain_text("tom at example")
    yield "wrong address"
    composer.get_by_role("button", name="Discard").click()
    expect(page.locator("dialog[open]")).to_be_visible()
    yield "discard"
    page.locator("dialog[open]").get_by_role("button", name="Discard").click()
    expect(composer).to_have_count(0)
    size = page.viewport_size
    assert size is not None
    walk.open("News")
    page.keyboard.press("r")
    # there is room for all: axe sees no focus in what scrolls if only its frame can have it
    page.set_viewport_size({"width": size["width"], "height": 1400})
    composer.locator(".compose-original summary").click()
    expect(composer.frame_locator(".compose-original-page").locator("body")).to_be_visible()
    yield "original below an answer"
    page.set_viewport_size(size)
    composer.get_by_label("Close").or_(composer.get_by_label("Discard")).locator("visible=true").last.click()
    expect(composer).to_have_count(0)
    walk.list()
    page.keyboard.press("c")
    composer.get_by_label("To", exact=True).fill("moxlite@localhost")
    composer.get_by_label("Subject").fill("On its way")
    composer.get_by_label("Text").fill("x")
    yield "new message"
    page.keyboard.press("Control+Enter")
    expect(composer).to_have_count(0)
    walk.mailbox("Sent")
    walk.open("On its way")
    expect(page.locator(".deliveries summary")).to_have_text("Delivered", ignore_case=True)
    page.locator(".deliveries summary").click()
    expect(page.locator(".delivery")).to_be_visible()
    yield "delivery"
    walk.mailbox("Inbox")


def around(walk: Walk) -> Iterator[str]:
    """What is beside the mail."""
    page = walk.page
    walk.side()
    expect(page.locator(".mailbox-open", has_text="Inbox")).to_be_visible()
    yield "mailboxes"
    make = page.get_by_role("button", name="New folder")
    if make.is_visible():  # not in a column of icons
        make.click()
        expect(page.locator("dialog[open]")).to_be_visible()
        yield "new mailbox"
        walk.closed()
    walk.mailbox("Inbox")
    page.evaluate("dispatchEvent(new ErrorEvent('error', { message: 'an example of a failure' }))")
    expect(page.locator("dialog[open]")).to_be_visible()
    yield "failure"
    walk.closed()


def calendar(walk: Walk) -> Iterator[str]:
    """The calendar, and what opens in it."""
    page = walk.page
    place = walk.place("calendar")
    for name in ("Day", "Agenda") if walk.narrow else ("Day", "Week", "Month", "Agenda"):
        place.get_by_role("button", name=name, exact=True).click()
        expect(place.locator(".cal-event").first).to_be_visible()
        yield f"calendar, {name}"
    place.locator(".cal-event", has_text="Choir").first.click()
    expect(page.locator("dialog[open]")).to_be_visible()
    yield "event"
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("radio", name="Only this event")).to_be_visible()
    yield "which of a series"
    walk.closed()
    place.locator(".cal-event", has_text="Choir").first.click()
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(page.get_by_label("Guests", exact=True)).to_be_attached()
    yield "form of an event"
    page.locator(".event-form select", has=page.locator("option[value=custom]")).select_option("custom")
    expect(page.get_by_role("group", name="Repeat", exact=True)).to_be_visible()
    yield "rule of an event"
    walk.closed()
    place.get_by_role("button", name="Day", exact=True).click()
    place.locator(".cal-column").click(position={"x": 20, "y": 15 * 50 + 5})
    expect(page.locator(".event-short")).to_be_visible()
    yield "short form of an event"
    walk.closed()
    place.locator(".search-bar").click()
    page.keyboard.type("choir")
    # of a series the last time and the next; the marked language has no singular
    expect(place.locator("h1")).to_have_text(re.compile("^.?[12] events?.?$"))
    yield "search in the calendar"
    place.get_by_role("button", name="Back to calendar").click()
    walk.lists("Calendars")
    yield "calendars"
    if not walk.narrow:
        page.get_by_role("button", name="Second time zone…").click()
        zones = page.get_by_role("dialog").get_by_role("option")
        page.get_by_role("dialog").get_by_label("Time zone", exact=True).fill("tokyo")
        expect(zones).to_have_count(1)
        yield "choice of a time zone"
        zones.click()
        place.get_by_role("button", name="Week", exact=True).click()
        expect(place.locator(".cal-zone").first).to_be_visible()
        yield "second time zone"
        page.get_by_role("button", name="Second time zone…").click()
        zones.filter(has_text="No second time zone").click()
        expect(place.locator(".cal-zone")).to_have_count(0)
    page.locator(".cal-small-name").click()
    yield "months"
    page.locator(".cal-small-name").click()
    for name in ("New calendar", "Edit “Calendar”", "Deleted events…"):
        page.locator(".place-side").get_by_role("button", name=name).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        yield name
        walk.closed()


def news(walk: Walk) -> Iterator[str]:
    """What the calendar has to say above the mail."""
    page = walk.page
    soon = datetime.now(UTC) + timedelta(seconds=30)  # when it is imported
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", f"TRIGGER;VALUE=DATE-TIME:{soon:%Y%m%dT%H%M%SZ}", "END:VALARM")
    dentist = event("Dentist", soon + timedelta(minutes=30), *alarm)
    bring(walk.visitor.server, "calendar", CALENDAR.format(lines=dentist))
    alarms = page.locator(".alarms .alarm")  # another walk may have left one
    expect(alarms.first).to_be_visible(timeout=120_000)
    yield "alarm"
    while count := alarms.count():
        alarms.first.get_by_role("button", name="Dismiss").click()
        expect(alarms).to_have_count(count - 1)
    page.locator(".event-news").click()
    expect(page.locator(".answering-row").first).to_be_visible()
    yield "news of an event"
    walk.closed()
    walk.open("Regatta")
    expect(page.locator(".event-card .event-title")).to_be_visible()
    yield "invitation"
    walk.list()


def contacts(walk: Walk) -> Iterator[str]:
    """The contacts, and what opens there."""
    page = walk.page
    place = walk.place("people")
    expect(place.get_by_role("listitem").first).to_be_visible()
    yield "contacts"
    place.get_by_role("listitem").filter(has_text="Ada Lind").first.get_by_role("button").first.click()
    expect(page.get_by_role("article", name="Ada Lind")).to_be_visible()
    yield "contact"
    page.get_by_role("button", name="Edit", exact=True).locator("visible=true").first.click()
    expect(page.get_by_label("Name", exact=True)).to_be_visible()
    yield "form of a contact"
    walk.closed()
    if walk.narrow:
        place.get_by_role("button", name="Back", exact=True).click()
    walk.lists("Address books")
    yield "address books"
    for name in ("New address book", "Edit “Contacts”", "Deleted contacts…", "Find duplicates…"):
        walk.lists("Address books")
        page.locator(".place-side").get_by_role("button", name=name).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        yield name
        walk.closed()
    walk.lists("Address books")
    page.locator(".place-side").get_by_role("button", name="Crew").click()
    place.get_by_role("button", name="Add people…").click()
    expect(page.get_by_role("dialog").locator(".group-person").first).to_be_visible()
    yield "people for a group"
    walk.closed()


def further(walk: Walk) -> Iterator[str]:
    """What is seldom seen."""
    page = walk.page
    walk.place("mail")
    walk.open("Files")
    page.locator(".attachment-open, .attachment").locator("visible=true").first.click()
    expect(page.locator(".viewer")).to_be_visible()
    yield "viewer"
    page.locator(".viewer").get_by_role("button", name="Close").click()
    expect(page.locator(".viewer")).to_have_count(0)
    walk.open("Files")
    walk.dialog("b")
    yield "snooze"
    walk.closed()
    walk.list()
    walk.command("Outbox")
    expect(page.locator(".outbox-empty, .outbox-list").first).to_be_visible()
    yield "what comes later"
    page.evaluate("location.hash = '#files:'")
    expect(page.locator(".file").first).to_be_visible()
    yield "files"
    walk.place("mail")
    walk.dialog("?")
    page.get_by_role("dialog").get_by_role("button", name="Icon guide").click()
    expect(page.get_by_role("dialog", name="Icons")).to_be_visible()
    yield "icons"
    page.keyboard.press("Escape")
    walk.closed()
    walk.open("Asking")
    expect(page.locator(".receipt")).to_be_visible()
    yield "receipt"
    walk.list()
    walk.command("Newsletters")
    expect(page.locator(".newsletter").first).to_be_visible()
    yield "newsletters"
    words = walk.visitor.server.folder / "away"
    words.write_text("Back on Monday.\n")
    walk.visitor.server.cli("account", "vacation", "set", "moxlite", str(words))
    page.goto("about:blank")
    page.goto(f"{walk.visitor.base}/webmail/")
    expect(page.locator(".away-chip")).to_be_visible()
    yield "vacation reply"
    walk.visitor.server.cli("account", "vacation", "off", "moxlite")
    walk.list()
    page.keyboard.press("c")
    composer = page.locator(".composer")
    composer.get_by_role("button", name="Formatting", exact=True).click()
    expect(composer.locator(".compose-rich")).to_be_focused()
    yield "formatted message"
    composer.get_by_role("button", name="Templates").click()
    expect(page.get_by_role("menu")).to_be_visible()
    yield "menu of templates"
    with page.expect_popup() as account:  # its views are judged in test_web_account_views_browser.py
        page.get_by_role("menuitem", name="Manage templates…").click()
    expect(account.value.get_by_role("heading", name="Templates")).to_be_visible()
    account.value.close()
    composer.get_by_role("button", name="More fields").click()
    page.get_by_role("menuitem", name="Request read receipt").click()
    expect(composer.locator(".compose-receipts")).to_be_visible()
    yield "receipt wanted"
    composer.get_by_role("button", name="Formatting", exact=True).click()  # the next walk begins as this one
    expect(composer.locator(".compose-rich")).to_have_count(0)
    # news would take the row
    page.route("**/api/event_news", lambda route: route.fulfill(json={"result": []}))
    page.evaluate("localStorage['moxlite-webmail-hints'] = '0'")
    page.reload()
    expect(page.locator(".hints").first).to_be_visible()
    yield "hints"


def settle(page: Page) -> None:
    """Wait for transitions: between two schemes they show the colours of neither."""
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)))")


def pictures(browser: Browser, server: LocalServer, folder: Path) -> None:
    """A picture of each view."""
    for name, (width, height) in SCREENS.items():
        visitor = Visitor(browser, server, viewport={"width": width, "height": height}, has_touch=name == "phone")
        for number, view in enumerate(views(visitor)):
            for scheme in ("light", "dark"):
                visitor.page.emulate_media(color_scheme=scheme)
                settle(visitor.page)
                visitor.page.screenshot(path=folder / f"{name} {scheme} {number:02} {view}.png")
        visitor.context.close()


def main() -> None:
    """Write the pictures."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=30_000)
    with tempfile.TemporaryDirectory() as place, playing() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        with LocalServer(Path(place) / "server") as server:
            populate(server)
            pictures(browser, server, folder)
        browser.close()


if __name__ == "__main__":
    main()
