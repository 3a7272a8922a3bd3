"""Take the pictures of docs/webmail.md, docs/calendar.md, docs/contacts.md, docs/team.md and docs/linked.md, of a
server with plausible mail, events and contacts: `script/pictures webmail [FOLDER]`.

They go to docs/images, or to FOLDER. Needs Chromium and the packages of `requirements/dev.lock`.
"""

import imaplib
import smtplib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from tests.integration.browser import ARGUMENTS, Visitor, save_picture
from tests.integration.webmail_views import settle
from tests.plausiblemail import DOMAIN, ENGLISH, Letter, deliver, move_in, photo, prepare
from tests.running import LocalServer
from tests.tools import need
from tests.webcalls import Caller

TOP = Path(__file__).resolve().parents[2]

NAME = "marit"
"""The person whose mail is shown."""

GUEST = "jonas"
"""A person who is invited, in the same domain."""

HOUR = 15
"""The hour of the day that it is in the pictures, about: mail of today is there then."""

DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


def open_row(page: Page, subject: str) -> None:
    """Open a message or conversation of the list."""
    page.locator(".message", has_text=subject).first.click()
    expect(page.locator(".reader-subject")).to_contain_text(subject)
    expect(page.locator(".text-part").first).to_be_visible()


def conversation(page: Page) -> None:
    """The list with a conversation beside it."""
    open_row(page, "The garden bench")


def phone_list(page: Page) -> None:
    """The list."""
    expect(page.locator(".compose-round")).to_be_visible()


def phone_message(page: Page) -> None:
    """A message with files."""
    open_row(page, "Class trip")


def composer(page: Page) -> None:
    """A new message with formatting and a picture."""
    open_row(page, "Boat on Sunday?")
    page.keyboard.press("c")
    box = page.locator(".composer")
    for name in ("ben", "ravi"):
        box.get_by_label("To", exact=True).press_sequentially(name)
        page.locator(".completion").first.click()
    box.get_by_label("Subject").fill("Sunday at the lake")
    box.get_by_role("button", name="Formatting", exact=True).click()
    text = box.get_by_role("textbox", name="Text")
    expect(text).to_have_attribute("contenteditable", "true")
    text.click()
    keys = page.keyboard
    keys.type("Hi both,")
    keys.press("Enter")
    keys.type("we take the ")
    keys.press("Control+b")
    keys.type("red boat")
    keys.press("Control+b")
    keys.type(" at ten. Please bring:")
    keys.press("Enter")
    box.get_by_role("button", name="List", exact=True).click()
    for number, thing in enumerate(("warm socks", "a cup for the soup")):
        if number:
            keys.press("Enter")
        keys.type(thing)
    keys.press("Enter")
    keys.press("Enter")
    picture = FilePayload(name="Lake.png", mimeType="image/png", buffer=photo(420, 150))
    with page.expect_file_chooser() as chooser:
        box.get_by_role("button", name="Image", exact=True).click()
    chooser.value.set_files(picture)
    expect(text.locator("img")).to_be_visible()
    page.wait_for_load_state("networkidle")


def settings(page: Page) -> None:
    """The settings, with a signature."""
    page.keyboard.press("Control+!")
    page.get_by_role("link", name="Writing").click()
    page.get_by_label("Signature", exact=True).fill("Marit Berg\nHill Street 12")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved")
    page.locator(".toast").get_by_role("button", name="Close").click()  # it covers the account


def open_calendar(page: Page, view: str) -> None:
    """The calendar, at one of its views."""
    page.keyboard.press("g")
    page.keyboard.press("c")
    calendar = page.locator("#app.other-place")
    calendar.get_by_role("button", name=view, exact=True).click()
    expect(calendar.locator(".cal-event", has_text="Choir").first).to_be_visible()


def calendar_week(page: Page) -> None:
    """The week of the calendar."""
    open_calendar(page, "Week")


def calendar_event(page: Page) -> None:
    """The form of an event with guests, and when they are busy."""
    open_calendar(page, "Month")
    page.locator(".cal-event", has_text="Boat to the island").first.click()
    page.get_by_role("dialog").last.get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog").last
    expect(form.get_by_label("Title")).to_have_value("Boat to the island")
    expect(form.get_by_role("listitem").get_by_text("unknown")).to_be_visible()


def calendar_phone(page: Page) -> None:
    """The agenda."""
    open_calendar(page, "Agenda")


def contacts_card(page: Page) -> None:
    """A contact beside the list, with groups and what was between the two."""
    page.keyboard.press("g")
    page.keyboard.press("p")
    contacts = page.locator("#app.other-place")
    contacts.get_by_role("listitem").get_by_role("button", name="Ben Okafor").click()
    expect(contacts.get_by_role("region", name="Between you")).to_be_visible()


def contacts_phone(page: Page) -> None:
    """The list of contacts."""
    page.get_by_role("link", name="Contacts", exact=True).click()
    expect(page.get_by_role("slider", name="Jump to a letter")).to_be_visible()


View: TypeAlias = tuple[str, dict[str, Any], str, Callable[[Page], None]]
"""Its name, page and colours, and the way to it."""

VIEWS: tuple[View, ...] = (
    ("webmail-list", DESK, "light", conversation),
    ("webmail-dark", DESK, "dark", conversation),
    ("webmail-phone", PHONE, "light", phone_list),
    ("webmail-phone-message", PHONE, "light", phone_message),
    ("webmail-compose", DESK, "light", composer),
    ("webmail-settings", DESK, "light", settings),
)
"""Views of the mail."""

PLANNED: tuple[View, ...] = (
    ("webmail-calendar", DESK, "light", calendar_week),
    ("webmail-event", {"viewport": {"width": 1280, "height": 1100}}, "light", calendar_event),
    ("webmail-calendar-phone", PHONE, "light", calendar_phone),
    ("webmail-contacts", DESK, "light", contacts_card),
    ("webmail-contacts-phone", PHONE, "light", contacts_phone),
)
"""Views of the calendar and contacts, which come last: invitations are mail, and contacts change what mail shows."""

KNOWN = {
    "Choir": ("Ben Okafor", "Ada Lindqvist", "Émile Roux", "Nadia Amari", "Theo Winter"),
    "Neighbors": ("Ben Okafor", "Grandma", "Hanne Falk", "Юлія Коваль"),
    "School": ("Lena Ortiz", "Mr. Sato", "Rosa Blum", "Sam Keller", "Vera Dahl"),
}
"""People among the contacts, by their groups."""


def team_list(page: Page) -> None:
    """The Inbox of a team, in which a member has replied, and writes another answer."""
    page.locator(".mailbox", has_text="Inbox").last.locator(".mailbox-open").click()
    for words in (f"{GUEST} is replying…", f"{GUEST} replied"):
        expect(page.locator(".mark.word", has_text=words)).to_be_visible()
    open_row(page, "Gate code")


TEAM: tuple[View, ...] = (("webmail-team", DESK, "light", team_list),)
"""Views of a shared mailbox, which would be in the side bar of the others."""


def inboxes(page: Page) -> None:
    """The Inboxes of all accounts in one list."""
    page.keyboard.press("g")
    page.keyboard.press("u")
    expect(page.locator(".list-title")).to_have_text("All inboxes")
    expect(page.locator(".message", has_text="Seats 41 and 42")).to_be_visible()


LINKED: tuple[View, ...] = (("webmail-inboxes", DESK, "light", inboxes),)
"""Views with linked mailboxes, which would be in the side bar of the others."""

ELSEWHERE: dict[str, tuple[Letter, ...]] = {
    "Freemail": (
        Letter("Rail Tickets <tickets@trains.example>", "Seats 41 and 42", "Your seats are in coach 7.\n", 2),
        Letter("Nadia Amari <nadia@amari.example>", "Photos of the regatta", "The best ones are here.\n", 27, "\\Seen"),
    ),
    "Club": (
        Letter("Theo Winter <theo@winter.example>", "Boathouse keys", "Who has the second key?\n", 5),
        Letter("Hanne Falk <hanne@falk.example>", "Minutes of Tuesday", "Attached as always.\n", 50, "\\Seen"),
    ),
}
"""Mail at other providers, by the names of their links."""


def link_accounts(server: LocalServer, provider: LocalServer) -> None:
    """Link mailboxes at a server that stands for the providers, and wait for their mail."""
    for name, letters in ELSEWHERE.items():
        user = f"{name.lower()}@localhost"
        provider.cli("config", "account", "add", name.lower(), user)
        provider.cli("account", "set-password", name.lower(), stdin=f"{provider.password}\n")
        with imaplib.IMAP4("127.0.0.1", provider.port(143)) as session:
            session.login(user, provider.password)
            deliver(session, user, letters)
        place = [*("--host", "127.0.0.1"), *("--port", str(provider.port(143))), *("--tls", "none"), "--no-sending"]
        address = f"marit@{name.lower()}.example"
        server.cli("link", "add", NAME, address, "--user", user, "--name", name, *place, stdin=f"{provider.password}\n")


def zone() -> str:
    """A zone in which it is about that hour now; POSIX counts zones to the west."""
    ahead = (HOUR - time.gmtime().tm_hour + 11) % 24 - 11
    return f"Etc/GMT{-ahead:+}"


def plan(server: LocalServer) -> None:
    """Write events of this week into two calendars."""
    caller = Caller(server.port(80), f"{NAME}@{DOMAIN}", server.password)
    caller.log_in()
    own = caller.call("calendars")[0]["id"]
    work = caller.call("calendar_save", change={"name": "School board", "colour": "#7F56D9"})
    now = datetime.now(ZoneInfo(zone())).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    monday = now - timedelta(days=now.weekday())

    def add(calendar: int, title: str, day: int, hours: tuple[float, float], **more: Any) -> None:
        start, end = (monday + timedelta(days=day, hours=hour) for hour in hours)
        whole = hours == (0, 24)
        write = "%Y-%m-%d" if whole else "%Y-%m-%dT%H:%M"
        event = {
            "title": title,
            "place": "",
            "notes": "",
            "all_day": whole,
            "zone": "" if whole else zone(),
            "start": f"{start:{write}}",
            "end": f"{end:{write}}",
            "rule": "",
            "alarms": [],
            "mails": [],
            "free": False,
            "guests": [],
            **more,
        }
        caller.call("event_save", calendar_id=calendar, event=event)

    guests = [{"name": "Ben Okafor", "address": "ben@okafor.example"}, {"name": "", "address": f"{GUEST}@{DOMAIN}"}]
    add(own, "Swimming", 0, (16, 17), rule="FREQ=WEEKLY;BYDAY=MO,TH", place="Lake hall")
    add(work, "Budget", 1, (9.5, 11))
    add(work, "Call with the town", 2, (10, 10.5))
    add(own, "Dentist", 2, (14, 14.75), place="Hill Street 3", alarms=[60])
    add(own, "Choir", 2, (19.5, 21), rule="FREQ=WEEKLY", place="Parish hall")
    add(own, "Choir", 4, (18, 19), free=True)
    add(work, "Parents’ evening", 3, (18.5, 20))
    add(own, "Grandma visits", 4, (0, 24))
    add(own, "Boat to the island", 5, (10, 15), place="Pier 3", guests=guests, alarms=[60])


def form_team(server: LocalServer) -> None:
    """Give two people a mailbox with questions, of which one has an answer, and one a draft of an answer."""
    shared = f"support@{DOMAIN}"
    server.cli("config", "account", "add", "support", shared)
    for name in (NAME, GUEST):
        server.cli("account", "delegate", "set", "support", name, "as", "--whole")
    questions = {"Opening hours": "Ravi Menon", "A lost jacket": "Olga Brandt", "Gate code": "Tom Ferris"}
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        for number, (subject, sender) in enumerate(questions.items()):
            address = f"{sender.split()[0].lower()}@far.example"
            head = f"From: {sender} <{address}>\r\nTo: {shared}\r\nSubject: {subject}\r\n"
            head += f"Message-ID: <{number}@far.example>\r\n"
            client.sendmail(address, [shared], f"{head}\r\nHello,\r\ncan you help me with this today?\r\n")
    caller = Caller(server.port(80), f"{GUEST}@{DOMAIN}", server.password)
    caller.log_in()
    for number, call in enumerate(("message_submit", "draft_save")):
        answer = {
            "from": {"name": "", "address": shared},
            "to": [{"name": "", "address": "ravi@far.example"}],
            **{field: [] for field in ("cc", "bcc", "reply_to", "uploads")},
            "subject": "Re: your question",
            "text": "Yes.",
            "message_id": f"<answer{number}@{DOMAIN}>",
            "in_reply_to": f"<{number}@far.example>",
            "references": [f"<{number}@far.example>"],
        }
        given = {"message": answer, "submit_id": "1" * 32} if number == 0 else {"draft": answer, "save_id": "2" * 32}
        caller.call(call, **given)


def know(server: LocalServer) -> None:
    """Write contacts with groups and favorites."""
    caller = Caller(server.port(80), f"{NAME}@{DOMAIN}", server.password)
    caller.log_in()
    ids: dict[str, int] = {}
    for name in sorted({name for names in KNOWN.values() for name in names}):
        first, _, last = name.casefold().rpartition(" ")
        domain = last if last.isascii() else "post"
        emails = [{"value": f"{first if first.isascii() and first.isalpha() else 'me'}@{domain}.example", "kind": ""}]
        phones = [{"value": "+1 555 0132", "kind": "mobile"}] if name == "Ben Okafor" else []
        contact = {"name": name, "emails": emails, "phones": phones, "organization": "", "note": "", "groups": []}
        ids[name] = caller.call("contact_save", contact=contact)
    for group, names in KNOWN.items():
        caller.call("contact_group_save", name=group)
        caller.call("contacts_group", contact_ids=[ids[name] for name in names], group=group)
    caller.call("contacts_group", contact_ids=[ids["Ben Okafor"], ids["Grandma"]], group="starred")


def take(browser: Browser, server: LocalServer, folder: Path, views: Sequence[View]) -> None:
    """Take these pictures."""
    for name, options, scheme, show in views:
        visitor = Visitor(browser, server, color_scheme=scheme, timezone_id=zone(), **options)
        page = visitor.page
        page.goto(f"{visitor.base}/webmail/")
        page.get_by_label("Email address").fill(f"{NAME}@{DOMAIN}")
        page.get_by_label("Password").fill(server.password)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".message").first).to_be_visible()
        show(page)
        page.mouse.move(0, 0)  # the row below the pointer shows its actions
        page.wait_for_timeout(1000)  # the mail that is open becomes read
        settle(page)
        save_picture(page, folder / f"{name}.webp")
        visitor.context.close()


def main() -> None:
    """Take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TOP / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        with LocalServer(Path(place) / "server") as server:
            move_in(server, [NAME, GUEST])
            prepare(server, NAME, ENGLISH, (("School", 6), ("Travel", 4), ("Friends", 7)))
            take(browser, server, folder, VIEWS)
            plan(server)
            know(server)
            take(browser, server, folder, PLANNED)
            form_team(server)
            take(browser, server, folder, TEAM)
            with LocalServer(Path(place) / "provider") as provider:
                link_accounts(server, provider)
                take(browser, server, folder, LINKED)
        browser.close()


if __name__ == "__main__":
    main()
