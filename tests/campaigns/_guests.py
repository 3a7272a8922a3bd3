"""The people of `invitations`: what programs show of their calendars, and the mail about events that they got."""

import base64
import email
import email.policy
import http.client
import imaplib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import fromstring

from moxlite.proto.cards.components import Component, read_components
from moxlite.proto.cards.itip import address_of, attendees_of
from moxlite.proto.cards.moments import iana_zone, seconds_of, value_of
from tests.campaigns.kill import insecure
from tests.campaigns.report import Finding
from tests.running import ServedServer
from tests.webcalls import Caller

__all__ = ["STRETCH", "Invitation", "Key", "Person", "Showing", "key_of", "parts_of"]

Key = tuple[str, int]
"""UID of an event, and seconds UTC of a date by its rule; 0 for an event that isn't repeated."""

STRETCH: Final = "20270101T000000Z", "20300101T000000Z"
QUERY: Final = """<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data>
<C:expand start="{0}" end="{1}"/></C:calendar-data></D:prop><C:filter><C:comp-filter name="VCALENDAR">
<C:comp-filter name="VEVENT"><C:time-range start="{0}" end="{1}"/></C:comp-filter></C:comp-filter></C:filter>
</C:calendar-query>"""


@dataclass(frozen=True)
class Showing:
    """One date of an event, as a calendar shows it. `answers`: of those who are asked, by address."""

    organizer: str
    starts: int
    ends: int
    title: str
    place: str
    answers: frozenset[tuple[str, str]]

    @property
    def people(self) -> frozenset[str]:
        """The addresses of those who are asked."""
        return frozenset(address for address, _ in self.answers)

    def answer(self, address: str) -> str:
        """PARTSTAT of one of them."""
        return dict(self.answers).get(address, "")

    @property
    def told(self) -> tuple[object, ...]:
        """What guests hear of."""
        return self.starts, self.ends, self.title, self.place, self.people


@dataclass(frozen=True)
class Invitation:
    """A message of an organizer: its method, the components of its calendar, subject and text of the mail."""

    method: str
    parts: tuple[Component, ...]
    subject: str
    text: str

    @property
    def uid(self) -> str:
        return self.parts[0].value("UID")

    @property
    def dates(self) -> list[Key] | None:
        """The dates of a series that it is about; None for the event itself."""
        keys = [key_of(part, "RECURRENCE-ID") for part in self.parts]
        return None if any(part.first("RECURRENCE-ID") is None for part in self.parts) else keys


def key_of(part: Component, name: str) -> Key:
    """Which date of its event a component is, by one of its lines."""
    return part.value("UID"), _seconds(part, name)


def parts_of(text: str) -> list[Component]:
    """The events of a calendar."""
    return [part for part in read_components(text, "VCALENDAR").components if part.name == "VEVENT"]


def _seconds(part: Component, name: str) -> int:
    line = part.first(name)
    moment = None if line is None else value_of(line.value.strip())
    if line is None or moment is None:
        return 0
    zone = line.parameter("TZID")
    return seconds_of(moment.replace(tzinfo=iana_zone(zone)) if zone else moment)


@dataclass
class Person:
    """A user of one of the servers."""

    server: ServedServer
    name: str
    address: str
    dav: int
    web: int
    read: int = 0
    """The highest UID of the Inbox that was read."""

    _connections: list[http.client.HTTPSConnection] = field(default_factory=list)
    _boxes: list[imaplib.IMAP4_SSL] = field(default_factory=list)
    _browsers: list[Caller] = field(default_factory=list)

    @property
    def home(self) -> str:
        """The path of the calendar."""
        return f"/dav/calendars/{self.name}/calendar/"

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, Mapping[str, str], str]:
        """Status, fields and body of a request of a program."""
        if not self._connections:
            connection = http.client.HTTPSConnection("127.0.0.1", self.dav, timeout=60, context=insecure())
            self._connections.append(connection)
        login = base64.b64encode(f"{self.address}:{self.server.password}".encode()).decode()
        fields = {"authorization": f"Basic {login}"} | {name.replace("_", "-"): text for name, text in headers.items()}
        self._connections[0].request(method, path, body.encode(), fields)
        answer = self._connections[0].getresponse()
        return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read().decode()

    def entry(self, name: str) -> str:
        """The text of an entry, "" for none."""
        status, _, text = self.ask("GET", self.home + name)
        return text if status == 200 else ""

    def put(self, name: str, text: str) -> None:
        """Put an entry. Raises Finding."""
        status, _, answer = self.ask("PUT", self.home + name, text, content_type="text/calendar")
        if status not in (201, 204):
            raise Finding(f"PUT by {self.name}: {status} {answer[:500]}\n{text}")

    def remove(self, name: str) -> None:
        """Remove an entry. Raises Finding."""
        status, _, answer = self.ask("DELETE", self.home + name)
        if status != 204:
            raise Finding(f"DELETE by {self.name}: {status} {answer[:500]}")

    @property
    def browser(self) -> Caller:
        """The webmail."""
        if not self._browsers:
            self._browsers.append(Caller(self.web, self.address, self.server.password))
            self._browsers[0].log_in()
        return self._browsers[0]

    def entries(self) -> Iterator[tuple[str, str]]:
        """Name and text of each entry with all its dates."""
        query = QUERY.format(*STRETCH)
        status, _, text = self.ask("REPORT", self.home, query, depth="1", content_type="application/xml")
        if status != 207:
            raise Finding(f"REPORT of {self.name}: {status} {text[:500]}")
        for response in fromstring(text).iter("{DAV:}response"):
            name = (response.findtext("{DAV:}href") or "").rpartition("/")[2]
            data = next((one.text for one in response.iter("{urn:ietf:params:xml:ns:caldav}calendar-data")), None)
            if data:
                yield name, data

    def calendar(self) -> dict[Key, Showing]:
        """What the calendar shows: all dates that aren't called off."""
        shown: dict[Key, Showing] = {}
        for _, text in self.entries():
            for part in parts_of(text):
                if part.value("STATUS").upper() != "CANCELLED":
                    key = key_of(part, "RECURRENCE-ID")
                    if key in shown:
                        raise Finding(f"{self.name} has a date twice: {key}\n{text}")
                    shown[key] = _showing(part)
        return shown

    def mail(self) -> list[Invitation]:
        """The messages about events that came since the last call."""
        if not self._boxes:
            box = imaplib.IMAP4_SSL("127.0.0.1", self.server.ports["imaps"], ssl_context=insecure(), timeout=60)
            box.login(self.address, self.server.password)
            box.select("INBOX", readonly=True)
            self._boxes.append(box)
        box = self._boxes[0]
        box.noop()
        _, answer = box.uid("FETCH", f"{self.read + 1}:*", "(UID BODY.PEEK[])")
        came: list[Invitation] = []
        for item in answer:
            if not isinstance(item, tuple):
                continue
            uid = int(item[0].split(b"UID ")[1].split()[0])
            if uid > self.read:
                came += _invitations(item[1])
                self.read = uid
        return came

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections:
            connection.close()
        for box in self._boxes:
            box.logout()
        self._connections.clear()
        self._boxes.clear()


def _showing(part: Component) -> Showing:
    answers = {
        (address, line.parameter("PARTSTAT").upper() or "NEEDS-ACTION") for address, line in attendees_of(part).items()
    }
    organizer = address_of(part.first("ORGANIZER"))
    answers = {(address, answer) for address, answer in answers if address != organizer}
    texts = (part.value("SUMMARY"), part.value("LOCATION"))
    return Showing(organizer, _seconds(part, "DTSTART"), _seconds(part, "DTEND"), *texts, frozenset(answers))


def _invitations(octets: bytes) -> Iterator[Invitation]:
    mail = email.message_from_bytes(octets, policy=email.policy.default)
    body = mail.get_body(("plain",))
    text = "" if body is None else body.get_content().replace("\r\n", "\n").replace(" \n", " ")
    for inner in mail.walk():
        if inner.get_content_type() == "text/calendar":
            calendar = inner.get_content().replace("\r\n", "\n").replace("\n", "\r\n")
            method = read_components(calendar, "VCALENDAR").value("METHOD")
            if method in ("REQUEST", "CANCEL"):
                yield Invitation(method, tuple(parts_of(calendar)), str(mail["Subject"]), text)
