"""Mail as a household gets it, in English and in German: for the walks of seven people, and for pictures.

Nothing in it is real: names end in `.example`. Ages are hours before the delivery, so that the list has all its groups.
"""

# ruff: noqa: E501 - lines of mail, as long as such mail has them

import imaplib
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final

from tests.running import LocalServer
from tests.webcalls import Caller

__all__ = ["DOMAIN", "ENGLISH", "GERMAN", "Letter", "deliver", "move_in", "photo", "prepare"]

DOMAIN: Final = "hill.example"
"""The domain of the household."""

DAY: Final = 24.0
"""Hours."""


@dataclass(frozen=True)
class Letter:
    """A message. `files` are names and octets; `flags` are IMAP flags, \\Seen for mail that was read."""

    sender: str
    subject: str
    text: str
    hours: float
    flags: str = ""
    html: str = ""
    thread: str = ""
    """Name of the conversation; its messages follow each other."""
    files: tuple[tuple[str, bytes], ...] = ()
    leave: str = ""
    """The link of List-Unsubscribe."""
    event: str = ""
    """A calendar with `{start}`, `{end}`, `{stamp}` and `{to}`."""
    mailbox: str = "INBOX"


def photo(width: int = 640, height: int = 400) -> bytes:
    """A picture as PNG: evening light over a lake."""
    top, low, lake = (250, 190, 120), (240, 120, 90), (40, 80, 110)
    shore, sun = int(height * 0.58), (width * 0.68, height * 0.46)
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            if y < shore:
                share = y / shore
                colour = tuple(int(a + (b - a) * share) for a, b in zip(top, low, strict=True))
                if (x - sun[0]) ** 2 + (y - sun[1]) ** 2 < (height * 0.09) ** 2:
                    colour = (255, 240, 200)
                if y > shore - height * 0.12 * abs((x / width * 3) % 2 - 1):
                    colour = (60, 70, 80)
            else:
                glitter = abs(x - sun[0]) < (y - shore) * 0.5 and (y // 3 + x // 17) % 3 == 0
                colour = (230, 170, 120) if glitter else lake
            rows += bytes(colour)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + chunk(b"IEND", b"")
    )


PDF: Final = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n"
"""A document without a page."""

SHOP: Final = """<!doctype html><html><head><style>
body {{ margin: 0; background: #eef2ea; font-family: Georgia, serif; color: #24382b }}
.card {{ max-width: 560px; margin: 20px auto; background: #ffffff; border-radius: 10px; overflow: hidden }}
.head {{ background: #2f5d43; color: #ffffff; padding: 26px 30px; font-size: 27px }}
.card p {{ margin: 16px 30px; line-height: 1.5 }}
.button {{ display: inline-block; margin: 4px 30px 28px; padding: 11px 22px; background: #c4622d; color: #ffffff; border-radius: 6px; text-decoration: none }}
</style></head><body bgcolor="#eef2ea"><div class="card"><div class="head">{title}</div>
<p>{text}</p><p><img src="https://pictures.shopwell.example/{number}.jpg" width="500" height="200" alt=""></p>
<a class="button" href="https://shopwell.example/walks">{button}</a></div></body></html>"""

EVENT: Final = """BEGIN:VCALENDAR\r
VERSION:2.0\r
METHOD:REQUEST\r
BEGIN:VEVENT\r
UID:{uid}@woodside.example\r
DTSTAMP:{{stamp}}\r
DTSTART:{{start}}\r
DTEND:{{end}}\r
SUMMARY:{title}\r
LOCATION:{place}\r
ORGANIZER;CN=Elin Dahl:mailto:elin.dahl@woodside.example\r
ATTENDEE;CN=Ben Okafor;PARTSTAT=ACCEPTED:mailto:ben@okafor.example\r
ATTENDEE:mailto:{{to}}\r
END:VEVENT\r
END:VCALENDAR\r
"""

BOAT: Final = """Hi,

the forecast says light wind and sun. Shall we take the red boat on Sunday, at ten from the pier? I bring the soup.

Ben
"""

TRIP: Final = """Dear parents,

next Thursday class 6b walks round the lake. We meet at half past eight in front of the school and are back at three. The route is attached.

Please answer by Monday whether your child takes part, and tell us of allergies: lunch is from the school kitchen.

Kind regards
Woodside School, office
"""

BENCH: Final = (
    "Hello dear,\n\nthe old bench in the garden has lost a leg. Do you know somebody who mends such things, or do we buy a new one?\n\nMum\n",
    "Hi Mum,\n\nI can mend it. I need two screws, and Jonas to hold it. On Saturday?\n",
    "Saturday is fine, come at two. There will be apple cake, and the neighbours bring their saw. The screws are in the shed, in the tin with the ship.\n\nMum\n",
)

HARBOUR: Final = (
    "Three new piers",
    "The red one won",
    "Wind from the west",
    "How to tie a bowline",
    "A lighthouse for sale",
    "Seals at the bridge",
)


def _harbour() -> Iterator[Letter]:
    for week, title in enumerate(HARBOUR):
        text = f"{title}: this and more in the letter of this week.\n\nThe Weekly Harbour\n"
        html = f"<h1>{title}</h1><p>This and more in the letter of this week.</p><p>The Weekly Harbour</p>"
        leave = "<https://harbour.example/leave>"
        yield Letter(
            "The Weekly Harbour <letter@harbour.example>",
            title,
            text,
            26 + week * 7 * DAY,
            "\\Seen" if week > 1 else "",
            html,
            leave=leave,
        )


ENGLISH: Final[Sequence[Letter]] = (
    Letter("Ben Okafor <ben@okafor.example>", "Boat on Sunday?", BOAT, 0.4),
    Letter(
        "Woodside School <office@woodside.example>",
        "Class trip next Thursday",
        TRIP,
        1.6,
        "school",
        files=(("Route.png", photo(480, 300)), ("Consent.pdf", PDF)),
    ),
    Letter(
        "Shopwell <news@shopwell.example>",
        "Ten walks in winter light",
        "Ten walks in winter light, and warm socks for each.\n",
        2.7,
        html=SHOP.format(
            title="Ten walks in winter light",
            text="The days are short, the light is low, and the paths are empty. Ten walks of two hours, each with a place for soup at its end.",
            button="See the walks",
            number=1,
        ),
        leave="<mailto:leave@shopwell.example?subject=leave>",
    ),
    Letter(
        "Elin Dahl <elin.dahl@woodside.example>",
        "Parents’ evening",
        "Elin Dahl invites you to the parents’ evening.\n",
        4.1,
        event=EVENT.format(uid="evening", title="Parents’ evening", place="Woodside School\\, room 12"),
    ),
    Letter("Margaret Berg <margaret@hill.example>", "The garden bench", BENCH[0], 30, "\\Seen", thread="bench"),
    Letter("", "Re: The garden bench", BENCH[1], 27, "\\Seen", thread="bench", mailbox="Sent"),
    Letter("Margaret Berg <margaret@hill.example>", "Re: The garden bench", BENCH[2], 5.5, "\\Seen", thread="bench"),
    Letter(
        "Ravi Menon <ravi@menon.example>",
        "Photos from the lake",
        "The evening light was worth the cold feet. More when we meet.\n\nRavi\n",
        29,
        "\\Seen \\Flagged friends",
        files=(("Lake.png", photo()),),
    ),
    *_harbour(),
    Letter(
        "City Library <loans@library.example>",
        "Two books are due on Friday",
        "“The Sea Chart” and “Bread at Home” are due on Friday. You can extend each of them once.\n",
        33,
        "\\Seen",
    ),
    Letter(
        "Nordic Rail <tickets@nordicrail.example>",
        "Your tickets to Uppsala",
        "Thank you for your order. Your tickets are attached. Coach 4, seats 21 and 22, departure 9:12.\n",
        50,
        "\\Seen travel",
        files=(("Tickets.pdf", PDF),),
    ),
    Letter(
        "Harbour Choir <choir@harbour-choir.example>",
        "Rehearsal moved to Thursday",
        "The hall is taken on Wednesday, so we sing on Thursday at seven. Bring the blue folder.\n",
        56,
        "\\Seen",
    ),
    Letter(
        "Dr. Chen <practice@chen.example>",
        "Your appointment on Monday",
        "We expect you on Monday at 8:40. Please bring your vaccination card.\n",
        76,
        "\\Seen \\Answered",
    ),
    Letter(
        "Hill Power <service@hillpower.example>",
        "Power cut on Tuesday morning",
        "On Tuesday the power is off from 9 to 11 while a cable is laid in your street.\n",
        100,
        "\\Seen",
    ),
    Letter(
        "Elin Dahl <elin.dahl@woodside.example>",
        "Volunteers for the bazaar",
        "We still look for two people for the cake stand, from two to four.\n",
        124,
        "\\Seen school",
    ),
    Letter(
        "Jonas Berg <jonas@hill.example>",
        "Homework is done",
        "Can I go to the lake now? Ravi has the ball.\n",
        150,
        "\\Seen",
    ),
    Letter(
        "City Museum <tours@museum.example>",
        "Tours in December",
        "Each Sunday at eleven a tour through the new wing, free for children.\n",
        9 * DAY,
        "\\Seen",
    ),
    Letter(
        "Hill Water <bills@hillwater.example>",
        "Your bill for the quarter",
        "Your bill for the last quarter: 84.20. It is paid from your account on the 15th.\n",
        12 * DAY,
        "\\Seen",
        files=(("Bill.pdf", PDF),),
    ),
)
"""Mail of a parent, the newest first but for conversations and lists."""

GERMAN: Final[Sequence[Letter]] = (
    Letter(
        "Jörg Möller <joerg@moeller.example>",
        "Wanderung am Sonntag?",
        "Hallo,\n\nkommt ihr am Sonntag mit auf den Brocken? Wir treffen uns um neun am Bahnhof.\n\nGrüße\nJörg\n",
        0.5,
    ),
    Letter(
        "Elin Dahl <elin.dahl@woodside.example>",
        "Elternabend",
        "Elin Dahl lädt Sie zum Elternabend ein.\n",
        1.4,
        event=EVENT.format(uid="abend", title="Elternabend", place="Aula"),
    ),
    Letter(
        "Stadtbücherei <ausleihe@buecherei.example>",
        "Zwei Bücher sind am Freitag fällig",
        "Sie können jedes Buch einmal verlängern.\n",
        3.2,
    ),
    Letter(
        "Bahnreisen <karten@bahnreisen.example>",
        "Ihre Fahrkarten nach Goslar",
        "Vielen Dank für Ihre Bestellung. Die Fahrkarten sind angehängt: Wagen 4, Plätze 21 und 22.\n",
        28,
        "\\Seen",
        files=(("Fahrkarten.pdf", PDF),),
    ),
    Letter("Käthe Brandt <kaethe@brandt.example>", "Rezept für den Pflaumenkuchen", "Mit viel Zimt!\n", 52, "\\Seen"),
)
"""Mail in German."""


def _octets(letter: Letter, to: str, moment: float, place: int, before: str) -> bytes:
    """A message of a letter; `before` is the Message-ID of the one that it answers."""
    host = letter.sender.rpartition("@")[2].rstrip(">") or DOMAIN
    made = EmailMessage()
    made["From"] = letter.sender or to
    made["To"] = to if letter.sender else "Margaret Berg <margaret@hill.example>"
    made["Subject"] = letter.subject
    made["Date"] = formatdate(moment, localtime=True)
    made["Message-ID"] = f"<{place}.{to}.{host}>".replace("@", ".").replace(".", "@", 1)
    if before:
        made["In-Reply-To"] = made["References"] = before
    if letter.leave:
        made["List-Id"] = f"<letter.{host}>"
        made["List-Unsubscribe"] = letter.leave
    made.set_content(letter.text)
    if letter.html:
        made.add_alternative(letter.html, subtype="html")
    if letter.event:
        day = time.gmtime(moment + 9 * DAY * 3600)
        times = {"start": time.strftime("%Y%m%dT170000Z", day), "end": time.strftime("%Y%m%dT183000Z", day)}
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
        event = letter.event.format(**times, stamp=stamp, to=to)
        made.add_alternative(event.encode(), "text", "calendar", params={"method": "REQUEST", "charset": "utf-8"})
    for name, octets in letter.files:
        kind = ("image", "png") if name.endswith(".png") else ("application", "pdf")
        made.add_attachment(octets, *kind, filename=name)
    return made.as_bytes(policy=SMTP)


def deliver(session: imaplib.IMAP4, to: str, letters: Sequence[Letter]) -> None:
    """Put the letters into the mailboxes of an account, the oldest first."""
    now = time.time()
    last: dict[str, str] = {}
    for place, letter in enumerate(sorted(letters, key=lambda one: -one.hours)):
        moment = now - letter.hours * 3600
        octets = _octets(letter, to, moment, place, last.get(letter.thread, ""))
        if letter.thread:
            [last[letter.thread]] = [
                line.partition(b": ")[2].decode() for line in octets.split(b"\r\n") if line.startswith(b"Message-ID: ")
            ]
        status, _ = session.append(letter.mailbox, f"({letter.flags})", imaplib.Time2Internaldate(moment), octets)
        assert status == "OK"


def move_in(server: LocalServer, people: Sequence[str]) -> None:
    """Give a server the household's domain, and an account to each person, with the server's password."""
    server.cli("config", "domain", "add", DOMAIN, "moxlite")
    for name in people:
        server.cli("config", "account", "add", name, f"{name}@{DOMAIN}")
        server.cli("account", "set-password", name, stdin=f"{server.password}\n")


def prepare(server: LocalServer, name: str, letters: Sequence[Letter], labels: Sequence[tuple[str, int]] = ()) -> None:
    """Deliver the letters to a person who has moved in, whose labels have these names and colours."""
    address = f"{name}@{DOMAIN}"
    caller = Caller(server.port(80), address, server.password)
    caller.log_in()
    for title, colour in labels:
        caller.call("label_save", name=title, color=colour)
    session = imaplib.IMAP4("127.0.0.1", server.port(143))
    session.login(address, server.password)
    deliver(session, address, letters)
    session.logout()
