"""A family plays the same day on a domain of ASCII letters, and on one of others, typed in any spelling."""

import imaplib
import json
import random
import smtplib
import ssl
import unicodedata
import urllib.request
from base64 import b64encode
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any, Final

import pytest

from moxlite.proto.address import one_spelling
from tests.firsthour import FirstHour, letter
from tests.running import LocalServer
from tests.tools import until

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

PASSWORD: Final = "one of the family"
PEOPLE: Final = {"mia": "mia", "juerg": "jürg"}
"""Localparts by account."""

CONFIG: Final = """
[domains."{domain}"]
localpart_separators = ["+"]
[domains."{domain}".aliases.family]
addresses = ["mia@{domain}", "jürg@{domain}"]
[accounts.mia]
domain = "{domain}"
[accounts.mia.destinations."mia@{domain}"]
[accounts.juerg]
domain = "{domain}"
[accounts.juerg.destinations."jürg@{domain}"]
"""

MEETING: Final = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:supper\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:20990105T180000Z\r\nDURATION:PT1H\r\nSUMMARY:Supper\r\nORGANIZER:mailto:{mia}\r\n"
    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:{me}\r\nATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{juerg}\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)

ALL_DATA: Final = (
    '<C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:calendar-data/></prop><C:filter>'
    '<C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
)


class Family:
    """Mia and Jürg on a server of theirs. `seen`: what they see, with a word for the domain in U-labels."""

    def __init__(self, server: LocalServer, domain: str, chance: random.Random) -> None:
        self.server, self.domain, self.chance = server, domain, chance
        self.context = ssl.create_default_context(cafile=str(server.folder / "config/localhost.crt"))
        self.seen: list[Any] = []

    def spell(self, localpart: str) -> str:
        """An address as somebody types it."""
        localpart = unicodedata.normalize(self.chance.choice(("NFC", "NFD")), localpart)
        domain = self.chance.choice((self.domain, self.domain.encode("idna").decode(), self.domain.upper()))
        return f"{localpart}@{domain}"

    def see(self, what: str, text: Any) -> None:
        """Note a text or structure."""
        shown = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        self.seen.append((what, shown.replace(self.domain, "DOMAIN")))

    def imap(self, account: str) -> imaplib.IMAP4:
        """A connection that has logged in."""
        imap = imaplib.IMAP4("127.0.0.1", self.server.port(143), timeout=60)
        user = self.spell(PEOPLE[account])
        imap.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
        return imap

    def mail(self, account: str, subject: str) -> list[str]:
        """Wait for mail with a subject in the Inbox; its authors in one spelling."""
        with self.imap(account) as imap:

            def there() -> bool:
                imap.select("INBOX")
                return bool(imap.search(None, "SUBJECT", json.dumps(subject))[1][0])

            until(there, what=f"{subject} of {account}; {self.server.log()[-2000:]}", pause=0.3)
            numbers = imap.search(None, "SUBJECT", json.dumps(subject))[1][0].decode().replace(" ", ",")
            parts = imap.fetch(numbers, "(BODY.PEEK[HEADER.FIELDS (FROM)])")[1]
        return [
            one_spelling(part[1].decode().strip().rpartition(" ")[2].strip("<>"))
            for part in parts
            if isinstance(part, tuple)
        ]

    def send(self, account: str, to: str, subject: str) -> None:
        """Submit a message."""
        with smtplib.SMTP("127.0.0.1", self.server.port(587), timeout=60) as smtp:
            smtp.ehlo()
            plain = b64encode(f"\0{self.spell(PEOPLE[account])}\0{PASSWORD}".encode()).decode()
            assert smtp.docmd("AUTH", f"PLAIN {plain}")[0] == 235
            self._hand_over(smtp, letter(self.spell(PEOPLE[account]), self.spell(to), subject))

    def receive(self, message: EmailMessage) -> None:
        """Deliver a message of somebody elsewhere."""
        with smtplib.SMTP("127.0.0.1", self.server.port(25), timeout=60) as smtp:
            self._hand_over(smtp, message)

    def _hand_over(self, smtp: smtplib.SMTP, message: EmailMessage) -> None:
        sender, to = str(message["From"]), str(message["To"])
        octets = message.as_bytes(policy=SMTPUTF8)
        smtp.ehlo()
        smtp.command_encoding = "utf-8"
        assert smtp.sendmail(sender, [to], octets, mail_options=["SMTPUTF8", "BODY=8BITMIME"]) == {}

    def dav(self, account: str, method: str, path: str, body: str = "", **fields: str) -> str:
        """A request for the account's calendar."""
        login = b64encode(f"{self.spell(PEOPLE[account])}:{PASSWORD}".encode()).decode()
        kind = "text/calendar" if method == "PUT" else "application/xml"
        url = f"https://localhost:{self.server.port(443)}/dav/calendars/{account}/calendar/{path}"
        headers = {"authorization": f"Basic {login}", "content-type": kind, **fields}
        request = urllib.request.Request(url, body.encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=60, context=self.context) as answer:
            return str(answer.read().decode())

    def supper(self, account: str) -> tuple[str, str]:
        """The path of the event in an account's calendar, and its state: of the guest, and of the event."""
        found = self.dav(account, "REPORT", "", ALL_DATA, depth="1").replace("\r", "").replace("\n ", "")
        [entry] = [entry for entry in found.split("<D:response>")[1:] if "SUMMARY:Supper" in entry] or [""]
        state = "ACCEPTED" if entry.count("PARTSTAT=ACCEPTED") == 2 else "asked" if entry else ""
        path = entry.partition("href>")[2].partition("<")[0].rpartition("/")[2]
        return path, "canceled" if "STATUS:CANCELLED" in entry else state


def first_hour(family: Family) -> None:
    """Mail of HTML, an answer, an event, an invitation, a script."""
    with family.imap("mia") as imap:
        hour = FirstHour(
            family.spell("mia"),
            PASSWORD,
            port=family.server.port(80),
            dav=f"https://localhost:{family.server.port(443)}/dav/",
            imap=imap,
            send=family.receive,
            context=family.context,
        )
        hour.live("eve@peer.test")


def mail(family: Family) -> None:
    """They write to each other, to all, and below an own address."""
    family.send("mia", "jürg", "Bread")
    family.see("mail", family.mail("juerg", "Bread"))
    family.send("juerg", "mia+list", "Butter")
    family.see("mail", family.mail("mia", "Butter"))
    family.send("juerg", "family", "Cheese")
    family.see("alias", family.mail("mia", "Cheese"))


def calendars(family: Family) -> None:
    """An invitation is answered, and called off."""
    family.dav(
        "mia",
        "PUT",
        "s.ics",
        MEETING.format(mia=family.spell("mia"), me="mia@" + family.domain, juerg=family.spell("jürg")),
    )
    until(lambda: family.supper("juerg")[1] == "asked", what="the invitation", pause=0.3)
    path, _ = family.supper("juerg")
    entry = family.dav("juerg", "GET", path).replace("\r\n ", "")
    family.dav("juerg", "PUT", path, entry.replace("NEEDS-ACTION", "ACCEPTED"))
    until(lambda: family.supper("mia")[1] == "ACCEPTED", what="the answer", pause=0.3)
    family.dav("mia", "DELETE", "s.ics")
    until(lambda: family.supper("juerg")[1] == "canceled", what="the cancellation", pause=0.3)


def vacation(family: Family) -> None:
    """One reply to two messages."""
    family.server.cli("account", "vacation", "set", "juerg", "-", "--subject", "Away", stdin="At the sea\n")
    for subject in ("Milk", "Salt"):
        family.send("mia", "jürg", subject)
        family.mail("juerg", subject)
    family.see("vacation", family.mail("mia", "Away"))
    shown = family.server.cli("account", "vacation", "show", "juerg", "--json").stdout
    family.see("vacation", [one["address"] for one in json.loads(shown)["answered"]])


def move(family: Family, folder: Path) -> None:
    """More people come from another server, whose files have the domain in several spellings."""
    names = ("ana", "zoë")
    users, virtual, plan = (folder / name for name in ("users", "virtual", "plan.toml"))
    users.write_text("".join(f"{family.spell(name)}:{{PLAIN}}{PASSWORD}::::::\n" for name in names))
    lines = [(family.spell("ana"), family.spell("ana")), (family.spell("a"), family.spell("ana"))]
    lines += [(family.spell("both"), f"{family.spell('ana')}, {family.spell('zoë')}, {family.spell('mia')}")]
    virtual.write_text("".join(f"{left} {right}\n" for left, right in lines))
    files = (str(users), "--virtual", str(virtual), "--out", str(plan))
    family.see("move", family.server.cli("move", "plan", "dovecot", *files).stdout.replace(str(folder), ""))
    ran = family.server.cli("move", "run", str(plan), check=False)
    family.see("move", (ran.returncode, ran.stdout.partition("move: done")[2], ran.stderr))
    checked = family.server.cli("move", "check", str(plan), check=False)
    family.see("move", (checked.returncode, checked.stdout))
    family.see("alias", json.loads(family.server.cli("--json", "config", "alias", "list", family.domain).stdout))


def day(folder: Path, domain: str, chance: random.Random) -> list[Any]:
    """What a family sees on its day."""
    server = LocalServer(folder)
    file = server.config_folder / "domains.toml"
    file.write_text(file.read_text() + CONFIG.format(domain=domain))
    with server:
        for account in PEOPLE:
            server.cli("account", "set-password", account, stdin=f"{PASSWORD}\n")
        family = Family(server, domain, chance)
        first_hour(family)
        mail(family)
        calendars(family)
        vacation(family)
        move(family, folder)
        assert "l=error" not in server.log()
        server.stop()
    return family.seen


def test_a_day_is_the_same_on_a_domain_of_other_letters(tmp_path: Path) -> None:
    """SMTP-2a, SMTP-2e: first hour, mail, calendar, vacation and move."""
    seed = random.randrange(1 << 32)
    seen = [day(tmp_path / name, name, random.Random(seed)) for name in ("buecher.example", "bücher.example")]
    assert seen[0] == seen[1], f"seed {seed}"
