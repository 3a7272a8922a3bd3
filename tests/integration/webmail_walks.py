"""Walks of seven people through the webmail: the actions of each step, beside those in Fastmail as estimated.

`python -m tests.integration.webmail_walks` walks in Chromium and writes docs/clicks.md, which has the rules.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Locator, expect

from tests.clicktasks import sections
from tests.integration.browser import ARGUMENTS, Visitor, playing
from tests.integration.walking import Person, Reader, Taken
from tests.plausiblemail import DOMAIN, ENGLISH, GERMAN, Letter, move_in, photo, prepare
from tests.running import LocalServer
from tests.tools import need, top

__all__ = ["PAGE", "WALKS", "Walk", "settle_in", "take", "written"]

PAGE: Final = top() / "docs" / "clicks.md"
"""The page that has the walks."""

LABELS: Final = (("School", 6), ("Travel", 4), ("Friends", 7))
"""Names and colours of the labels that all have."""

CURSOR: Final = "Keys move a cursor, and a message is opened, and counts as read, only when its reader wants it."
"""Why a step takes one more action."""

BUTTON: Final = "What others will read is saved by a button: no half-written signature goes out."
"""Why a signature takes one more action."""

APART: Final = "The settings are one program for mail, calendar and contacts: the way back to one of them is an action."
"""Why what is seen after a setting takes one more action."""


def begin(person: Person, words: tuple[str, str] = ("Email address", "Inbox")) -> None:
    """Open the page; the log-in form has the focus."""
    person.page.goto(f"{person.visitor.base}/webmail/")
    expect(person.page.get_by_label(words[0])).to_be_focused()


def parent(her: Person) -> None:
    """A parent on a phone."""
    page = her.page
    begin(her)
    with her.step("Log in, and stay logged in on the phone", 5):
        her.type(her.address)
        her.tap(page.get_by_label("Password"))
        her.type(her.password)
        her.tap(page.get_by_label("Keep me logged in on this device"))
        her.tap(her.button("Log in"))
        expect(her.row("Boat on Sunday?")).to_be_visible()
    with her.step("Read the mail of the school", 1):
        her.tap(her.row("Class trip"))
        her.reads("Class trip")
    with her.step("Look at the attached route, and come back", 2):
        her.tap(page.locator(".attachments").get_by_role("link", name="Route.png", exact=True))
        expect(her.dialog.locator("img")).to_be_visible()
        her.tap(her.dialog.get_by_role("button", name="Close"))
        expect(page.locator("dialog[open]")).to_have_count(0)
    with her.step("Answer", 3):
        her.tap(page.locator(".toolbar").get_by_role("button", name="Reply", exact=True))
        expect(her.composer.get_by_label("Text")).to_be_focused()
        her.type("Jonas comes along. No allergies. ")
        her.tap(her.composer.get_by_role("button", name="Send", exact=True))
        expect(her.toast("Message sent")).to_be_visible()
    with her.step("Take the answer back, add a line, send it", 3):
        her.tap(her.toast("Message sent").get_by_role("button", name="Undo"))
        expect(her.composer.get_by_label("Text")).to_be_focused()
        her.type("I can help at lunch. ")
        her.tap(her.composer.get_by_role("button", name="Send", exact=True))
        expect(her.composer).to_have_count(0)
        expect(her.toast("Message sent")).to_be_visible()
    with her.step("Go back to the list, and archive that mail with the thumb", 2):
        her.tap(her.button("Back"))
        expect(her.row("Class trip")).to_be_in_viewport()
        her.finger(her.row("Class trip"), by=170)
        her.gone("Class trip")
    with her.step("Take the archiving back", 1):
        her.tap(her.toast("Archive").get_by_role("button", name="Undo"))
        expect(her.row("Class trip")).to_be_visible()
    with her.step("Choose two mails by a long press, and archive them", 3):
        her.finger(her.row("Two books"), seconds=0.7)
        expect(page.locator("body")).to_have_class(re.compile("choosing"))
        her.tap(her.row("Photos from the lake"))
        her.tap(page.locator(".toolbar").get_by_role("button", name="Archive"))
        her.gone("Two books")
        her.gone("Photos from the lake")
    with her.step("Find the tickets", 3):
        her.tap(page.get_by_label("Search mail"))
        her.type("tickets upp")
        her.tap(page.locator(".glance-hit", has_text="Uppsala"))
        her.reads("Your tickets to Uppsala")
    with her.step("Put them off until tomorrow morning", 3):
        her.tap(page.locator(".toolbar").get_by_role("button", name="Snooze"))
        her.tap(her.dialog.get_by_role("button", name="Tomorrow morning"))
        expect(her.toast("Snoozed until")).to_be_visible()
    with her.step("Go back, and accept the invitation to the parents’ evening", 3):
        her.tap(her.button("Back"))
        her.tap(her.row("Parents’ evening"))
        her.tap(page.locator(".event-card").get_by_role("button", name="Yes"))
        expect(page.locator(".event-card")).to_contain_text("You accepted.")
    with her.step("Go back, and send a photo to a friend, whose name is completed", 11):
        her.tap(her.button("Back"))
        her.tap(page.locator(".compose-round"))
        expect(her.composer.get_by_label("To", exact=True)).to_be_focused()
        her.type("ben")
        her.tap(page.locator(".completion", has_text="Ben Okafor"))
        her.tap(her.composer.get_by_label("Subject"))
        her.type("The lake")
        her.tap(her.composer.get_by_label("Text"))
        her.type("As promised. ")
        her.give(lambda: her.tap(her.composer.get_by_role("button", name="Attach files")), "Lake.png", photo(320, 200))
        expect(her.composer.locator(".file-name")).to_have_text("Lake.png")
        expect(her.composer.locator("progress:visible")).to_have_count(0)
        her.tap(her.composer.get_by_role("button", name="Send", exact=True))
        expect(her.toast("Message sent")).to_be_visible()


def pupil(him: Person) -> None:
    """A pupil with newsletters."""
    page = him.page
    begin(him)
    with him.step("Log in", 4):
        him.type(him.address)
        him.click(page.get_by_label("Password"))
        him.type(him.password)
        him.press("Enter")
        expect(him.row("Ten walks")).to_be_visible()
    with him.step("Read a newsletter as it was designed", 1):
        him.click(him.row("Ten walks"))
        expect(page.frame_locator("iframe.html").locator(".button")).to_be_visible()
    with him.step(
        "See its pictures, now and always",
        0,
        "Fastmail fetches pictures by a server of its own. This server is the user's own, so the sender would see the "
        "same address: pictures are fetched when they are wanted, once for all mail of a sender (WEBMAIL-134).",
    ):
        him.click(him.button("Always for this sender"))
        expect(page.locator(".reader-bar:visible")).to_have_count(0)
    with him.step(
        "Unsubscribe from a sender who wants a message for that",
        2,
        "Such a message leaves in the user's name, so it is shown before it is sent. Senders who take one click, as "
        "large ones do, need the same two clicks as in Fastmail (WEBMAIL-136).",
    ):
        him.click(page.locator(".leaving").get_by_role("button", name="Unsubscribe"))
        him.click(him.dialog.get_by_role("button", name="Write message"))
        him.click(him.composer.get_by_role("button", name="Send", exact=True))
        expect(him.toast("Message sent")).to_be_visible()
    with him.step("See which newsletters send most", None):
        him.click(page.get_by_role("button", name="Account and settings"))
        him.click(page.get_by_role("menuitem", name="Newsletters"))
        first = page.get_by_role("dialog", name="Newsletters").get_by_role("listitem").first
        expect(first).to_contain_text("The Weekly Harbour")
    with him.step("Archive all mail of that sender", 4):
        him.click(first.get_by_role("button", name="Archive all"))
        expect(him.toast("6 messages archived")).to_be_visible()
    with him.step("Take that back", 1):
        him.click(him.toast("6 messages archived").get_by_role("button", name="Undo"))
        expect(him.toast("6 messages archived")).to_have_count(0)
    with him.step("Go back to the inbox, make a label, and put it on a mail", 5):
        him.click(page.locator(".mailbox-open", has_text="Inbox"))
        him.click(him.row("Boat on Sunday?"))
        him.press("y")
        expect(him.dialog.get_by_label("Find or create label")).to_be_focused()
        him.type("Sailing")
        him.press("Enter")
        expect(him.row("Boat on Sunday?").locator(".keyword")).to_have_text(["Sailing"])
    with him.step("Search for a label, and keep the search", 4):
        him.click(page.get_by_label("Search mail"))
        him.type("label:friends")
        him.click(page.get_by_role("option", name="Save search"))
        expect(page.get_by_role("navigation", name="Saved searches")).to_contain_text("label:friends")
        expect(him.row("Photos from the lake")).to_be_visible()


def typist(she: Person) -> None:
    """A person who uses the keyboard alone."""
    page = she.page
    begin(she)
    with she.step("Log in", 4):
        she.type(she.address)
        she.press("Tab")
        she.type(she.password)
        she.press("Enter")
        expect(she.row("Boat on Sunday?")).to_be_visible()
        expect(page.locator(".messages")).to_be_focused()
    with she.step("Read the newest mail", 1, CURSOR):
        she.press("j")
        she.press("Enter")
        she.reads("Boat on Sunday?")
    with she.step("Answer it, and archive the conversation", 4):
        she.press("r")
        expect(she.composer.get_by_label("Text")).to_be_focused()
        she.type("The red one, with pleasure.")
        she.press("Control+Shift+Enter")
        she.gone("Boat on Sunday?")
    with she.step("Take back the archiving, and then the sending", 2):
        she.press("Control+z")
        expect(she.row("Boat on Sunday?")).to_be_visible()
        she.press("Control+z")
        expect(she.composer.get_by_label("Text")).to_be_focused()
    with she.step("Send it once more", 1):
        she.press("Control+Enter")
        expect(she.composer).to_have_count(0)
        expect(she.toast("Message sent")).to_be_visible()
    with she.step("Find all mail with “bazaar”, and read the first", 4, CURSOR):
        she.press("/")
        she.type("bazaar")
        she.press("Enter")
        expect(page.locator(".search-said")).to_contain_text("found")
        she.press("j")
        she.press("Enter")
        she.reads("Volunteers for the bazaar")
    with she.step("Give it a label that is there", 3):
        she.press("y")
        expect(she.dialog.get_by_label("Find or create label")).to_be_focused()
        she.type("Friends")
        she.press("Enter")
        expect(page.locator(".message-keywords")).to_contain_text("Friends")
    with she.step("Put it off until Friday morning, in words", 3):
        she.press("b")
        expect(she.dialog).to_be_visible()
        she.type("friday 8:00")
        she.press("Enter")
        expect(she.toast("Snoozed until")).to_be_visible()
    with she.step("Write a message that leaves tomorrow", 12):
        she.press("c")
        expect(she.composer.get_by_label("To", exact=True)).to_be_focused()
        she.type("ravi")
        expect(page.locator(".completion").first).to_be_visible()
        she.press("Enter")
        reach(she, she.composer.get_by_label("Subject"))
        she.type("Ball")
        she.press("Tab")
        she.type("Tomorrow at four?")
        she.press("Control+Alt+Enter")
        expect(she.dialog).to_be_visible()
        she.type("tomorrow 9:00")
        she.press("Enter")
        expect(she.toast("Message scheduled")).to_be_visible()
    with she.step("Write down a contact", 10):
        she.press("Control+k")
        expect(she.dialog).to_be_visible()
        she.type("contacts")
        she.press("Enter")
        expect(page.locator("#app.other-place")).to_be_visible()
        she.press("n")
        expect(she.dialog.get_by_label("Name", exact=True)).to_be_focused()
        she.type("Ida Holm")
        she.press("Tab")
        she.type("ida@holm.example")
        she.press("Enter")
        expect(page.locator("#app.other-place")).to_contain_text("Ida Holm")


def reach(person: Person, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(40):
        if target.evaluate("(one) => one === document.activeElement"):
            return
        person.press("Tab")
    raise AssertionError(f"the tab key does not come to {target}")


def listener(he: Reader) -> None:
    """A person with a screen reader."""
    page = he.page
    begin(he)
    with he.step("Log in", 4):
        he.is_told('textbox "Email address"')
        he.type(he.address)
        he.press("Tab")
        he.is_told('textbox "Password"')
        he.type(he.password)
        he.press("Enter")
        expect(page.get_by_role("listbox", name="Messages")).to_be_focused()
    with he.step("Hear what is new: sender, subject, and that it is unread", 1):
        he.press("ArrowDown")
        he.is_told('^option "Unread Ben Okafor .*Boat on Sunday')
    with he.step("Go into the message, and hear its text", 1, CURSOR):
        he.press("Enter")
        expect(page.get_by_role("region", name="Message").get_by_role("article")).to_be_visible()
        he.press("Control+m")
        expect(page.get_by_role("region", name="Message")).to_be_focused()
        expect(page.get_by_role("region", name="Message").get_by_role("article")).to_contain_text("light wind and sun")
    with he.step("Answer, and hear that it was sent", 3):
        he.press("r")
        he.is_told('textbox "Text"')
        he.type("Gladly, at ten.")
        he.press("Control+Enter")
        he.hears("Message sent")
    with he.step("Archive the message, and hear that", 1):
        he.press("a")
        he.hears(re.compile("Archive"))
        he.gone("Boat on Sunday?")
    with he.step("Take it back", 1):
        he.press("Control+z")
        expect(he.row("Boat on Sunday?")).to_be_visible()
        he.is_told("^(option|listbox|region)")
    with he.step("Open another mailbox", 4):
        he.use("button", re.compile("^Archive"))
        expect(page.get_by_role("heading", name="Archive", level=1)).to_be_visible()
    with he.step("Find the invitation, and hear how many were found", 4):
        he.press("/")
        he.is_told('"Search mail"')
        he.type("subject:evening")
        he.press("Enter")
        he.hears(re.compile("1 (message )?found"))
        he.press("ArrowDown")
        he.is_told("^option .*Parents’ evening")
    with he.step("Accept it, and hear that", 5, CURSOR):
        he.press("Enter")
        expect(page.get_by_role("button", name="Yes", exact=True)).to_be_visible()
        he.press("Control+m")
        he.use("button", "Yes")
        he.hears("Reply sent")
        he.is_told('button "Yes".*pressed')
    with he.step("Attach a file to a new message, and hear that it is there", 14):
        he.use("button", "New message")
        he.is_told('combobox "To"')
        he.type("ida@holm.example")
        he.press("Tab")
        he.go("textbox", "Subject").focus()
        he.type("Form")
        he.go("textbox", "Text").focus()
        he.type("Here it is.")
        he.give(lambda: he.use("button", "Attach files"), "Form.png", photo(40, 30))
        he.hears("Form.png")
        expect(he.composer.get_by_role("group", name="Attachments")).to_contain_text("Form.png")


def german(sie: Person) -> None:
    """A person in German, whose browser speaks English."""
    page = sie.page
    begin(sie)
    with sie.step("Log in", 4):
        sie.type(sie.address)
        sie.click(page.get_by_label("Password"))
        sie.type(sie.password)
        sie.press("Enter")
        expect(sie.row("Wanderung")).to_be_visible()
    with sie.step("Choose German", 5):
        sie.click(page.get_by_role("button", name="Settings", exact=True))
        sie.click(page.get_by_role("link", name="Appearance", exact=True))
        sie.choose(page.get_by_label("Language"), "de")
        expect(page.locator("html")).to_have_attribute("lang", "de")
        sie.click(page.get_by_role("link", name="E-Mail", exact=True))
        expect(page.locator(".list-title")).to_have_text("Posteingang")
    with sie.step("Read", 1):
        sie.click(sie.row("Wanderung am Sonntag?"))
        sie.reads("Wanderung am Sonntag?")
    with sie.step("Answer", 3):
        sie.click(page.locator(".toolbar").get_by_role("button", name="Antworten", exact=True))
        expect(sie.composer.get_by_label("Text")).to_be_focused()
        sie.type("Sehr gern! Wir bringen Käthes Kuchen mit.")
        sie.click(sie.composer.get_by_role("button", name="Senden", exact=True))
        expect(sie.toast("Nachricht gesendet")).to_be_visible()
    with sie.step("Add the sender to the contacts", 3):
        sie.click(sie.button("Zu Kontakten hinzufügen"))
        expect(sie.toast("Zu Ihren Kontakten hinzugefügt")).to_be_visible()
    with sie.step("Accept an invitation", 2):
        sie.click(sie.row("Elternabend"))
        sie.click(page.locator(".event-card").get_by_role("button", name="Ja", exact=True))
        expect(page.locator(".event-card").get_by_role("status").last).not_to_be_empty()
    with sie.step("Put a mail off with words of one's own", 4):
        sie.row("Zwei Bücher").hover()
        sie.click(sie.row("Zwei Bücher").locator("[data-action=later]"))
        expect(sie.dialog).to_be_visible()
        sie.type("morgen 9 Uhr")
        sie.press("Enter")
        sie.gone("Zwei Bücher")
    with sie.step("Write a signature", 4, BUTTON):
        sie.click(page.get_by_role("button", name="Einstellungen", exact=True))
        sie.click(page.get_by_role("link", name="Schreiben"))
        sie.click(page.get_by_label("Signatur", exact=True))
        sie.type("Viele Grüße\nPetra")
        sie.click(sie.button("Speichern"))
        expect(page.locator(".toast")).to_be_visible()
    with sie.step("See it below a new message", 1, APART):
        sie.click(page.get_by_role("link", name="E-Mail", exact=True))
        sie.click(page.locator(".compose-new"))
        expect(sie.composer.get_by_label("Text", exact=True)).to_have_value(re.compile("Viele Grüße\nPetra"))


def planner(her: Person) -> None:
    """A family's calendar at a desk."""
    page = her.page
    begin(her)
    her.type(her.address)
    her.click(page.get_by_label("Password"))
    her.type(her.password)
    her.press("Enter")
    calendar = page.locator("#app.other-place")
    event = calendar.locator(".cal-event", has_text="Dentist")
    with her.step("Make an event at four o’clock today", 6):
        her.click(page.get_by_role("link", name="Calendar", exact=True))
        her.click(calendar.get_by_role("button", name="New event", exact=True).first)
        expect(her.dialog.get_by_label("Title")).to_be_focused()
        her.type("Dentist")
        her.click(her.dialog.get_by_label("Starts at"), 16)  # the hours
        her.type("16:00")
        her.press("Enter")
        expect(event).to_contain_text("16:00")
    with her.step("Invite a friend to it", 6):
        her.click(event)
        her.click(her.dialog.get_by_role("button", name="Edit", exact=True))
        her.click(her.dialog.get_by_label("Guests", exact=True))
        her.type("ben@okafor.example")
        her.press("Enter")  # the guest
        her.press("Enter")  # the event
        expect(page.get_by_label("Title")).to_have_count(0)
        expect(event).to_be_visible()
    with her.step("Move it to another day", 1):
        day = int(calendar.locator(".cal-cell.today").get_attribute("data-day") or "0")
        cells = calendar.locator(f".cal-cell[data-day='{day + 1}'], .cal-cell[data-day='{day - 1}']")
        her.drag(event, cells.first)
        expect(page.get_by_role("status").filter(has_text="Event moved")).to_be_visible()
    with her.step("Share the calendar with her husband, who may change it", 7):
        her.click(calendar.get_by_role("button", name="Edit “Calendar”"))
        her.click(her.dialog.get_by_role("button", name="Share…"))
        expect(her.dialog.get_by_label("Shared with")).to_be_focused()
        her.type(f"marit@{DOMAIN}")
        her.choose(her.dialog.get_by_label("Permissions", exact=True), "change")
        her.press("Enter")
        expect(her.dialog.get_by_role("combobox", name=re.compile("^Permissions for"))).to_have_value("change")
        her.press("Escape")


def guest(him: Person) -> None:
    """An invitation on a phone."""
    page = him.page
    begin(him)
    him.type(him.address)
    him.tap(page.get_by_label("Password"))
    him.type(him.password)
    him.tap(him.button("Log in"))
    with him.step("Open an invitation, and say yes", 2):
        him.tap(him.row("Parents’ evening"))
        him.tap(page.locator(".event-card").get_by_role("button", name="Yes"))
        expect(page.locator(".event-card")).to_contain_text("You accepted.")


@dataclass(frozen=True)
class Walk:
    """A walk: the person's account and mail. `options` go to the browser's context."""

    name: str
    account: str
    steps: Callable[[Any], None]
    letters: Sequence[Letter]
    options: Mapping[str, Any]
    kind: type[Person] = Person


DESK: Final[Mapping[str, Any]] = {"viewport": {"width": 1280, "height": 800}}
PHONE: Final[Mapping[str, Any]] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

WALKS: Final[Sequence[Walk]] = (
    Walk("A parent on a phone", "marit", parent, ENGLISH, PHONE),
    Walk("A pupil with newsletters", "jonas", pupil, ENGLISH, DESK),
    Walk("A keyboard alone", "ada", typist, ENGLISH, DESK),
    Walk("A screen reader", "ravi", listener, ENGLISH, DESK, Reader),
    Walk("A person in German", "petra", german, GERMAN, DESK),
    Walk("A family’s calendar", "lena", planner, ENGLISH, DESK),
    Walk("An invitation on a phone", "emil", guest, ENGLISH, PHONE),
)


def settle_in(server: LocalServer) -> None:
    """Accounts for all walks; what they send is held, so that nothing comes back meanwhile."""
    move_in(server, [walk.account for walk in WALKS])
    server.cli("queue", "holdrules", "add")


def take(browser: Browser, server: LocalServer, walk: Walk) -> Sequence[Taken]:
    """Walk, with mail of one's own, and tell the steps."""
    prepare(server, walk.account, walk.letters, LABELS)
    visitor = Visitor(browser, server, **walk.options)
    person = walk.kind(visitor, f"{walk.account}@{DOMAIN}")
    walk.steps(person)
    visitor.close()
    return person.taken


HEAD: Final = """# How many clicks a task takes

Seven people work with the webmail: a parent on a phone, a pupil with newsletters, one person by keys alone, one with a
screen reader, one in German, one with a family's calendar, one who is invited. A test takes these steps in Chromium
and keeps the counts; `python -m tests.integration.webmail_walks` takes them again and writes this page.
[Ten calendar tasks and ten contact tasks](#ten-calendar-tasks-and-ten-contact-tasks), also in Google, are at the end.

- An **action** is a tap, a click, a swipe, a key, a chord of keys, or the choice of a file. Typing a text is one
  action; choosing from a list is two.
- The person with a screen reader knows only roles and names. Each press of a key for headings, buttons or fields is
  an action; anything more than three presses away takes three, by the list of elements.
- **Fastmail** is an estimate from its public help pages and published shortcuts. Where its way is not known in detail
  it is taken to be as here. An empty field: Fastmail does not have it, as far as is known. Corrections are welcome.

"""


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def summary(walks: Mapping[str, Sequence[Taken]]) -> Iterator[str]:
    """The lines of the summary: sums, and what takes more."""
    yield "## Summary\n"
    yield "| Person | Steps | Actions | Of these comparable | Fastmail, estimated |"
    yield "|---|---|---|---|---|"
    for name, steps in walks.items():
        both = [one for one in steps if one.fastmail is not None]
        ours, theirs = sum(one.actions for one in both), sum(one.fastmail or 0 for one in both)
        yield f"| {name} | {len(steps)} | {sum(one.actions for one in steps)} | {ours} | {theirs} |"
    steps = [one for taken in walks.values() for one in taken]
    more = [one for one in steps if one.fastmail is not None and one.actions > one.fastmail]
    fewer = [one for one in steps if one.fastmail is not None and one.actions < one.fastmail]
    yield (
        f"\nOf {len(steps)} steps {len(more)} take more actions than in Fastmail, {len(fewer)} take fewer, and "
        f"{sum(one.fastmail is None for one in steps)} Fastmail does not have. What takes more, and why:\n"
    )
    for one in more:
        yield f"- **{one.title}**: {one.actions} in place of {one.fastmail}. {one.because}"
    yield ""


def page_of(walks: Mapping[str, Sequence[Taken]]) -> str:
    """The page of these walks."""
    lines = [*summary(walks)]
    for name, steps in walks.items():
        lines += [f"## {name}\n", "| Step | Actions | Fastmail, estimated |", "|---|---|---|"]
        for one in steps:
            theirs = "" if one.fastmail is None else str(one.fastmail)
            lines.append(f"| {cell(one.title)} | {one.actions} | {theirs} |")
        lines.append("")
    return HEAD + "\n".join(lines) + "\n" + sections()


def written(name: str) -> Sequence[tuple[str, int, str]]:
    """Titles, actions and estimated actions of the steps of a walk, as the page has them."""
    _, _, rest = PAGE.read_text().partition(f"\n## {name}\n")
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (\d*) ?\|$", rest.partition("\n## ")[0], re.MULTILINE)
    return [(title, int(actions), theirs) for title, actions, theirs in rows]


def main() -> None:
    """Walk, and write the page."""
    expect.set_options(timeout=30_000)
    with tempfile.TemporaryDirectory() as place, playing() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        with LocalServer(Path(place) / "server") as server:
            settle_in(server)
            PAGE.write_text(page_of({walk.name: take(browser, server, walk) for walk in WALKS}))
        browser.close()


if __name__ == "__main__":
    main()
