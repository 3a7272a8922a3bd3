"""Two phones and a browser change the same events: all converge, and no acknowledged change is lost (DAV-1, DAV-2,
WEBMAIL-174).

Each change adds a mark of its own to an event's notes, removes an event, or makes a removed one again. One phone syncs
by sync-collection (RFC 6578), the other one compares the entity tags of a whole listing; both change a few events
between two syncs, with If-Match, and after a 412 take the server's event and try again. The browser changes the event
that it was shown (`changed`). At the end:
- each device has the same events as the server, to the letter;
- an event has each acknowledged mark, unless the event was removed with it.
"""

import base64
import http.client
import random
import re
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from tests.campaigns.kill import insecure
from tests.campaigns.report import Finding, Report
from tests.running import LocalServer
from tests.webcalls import Caller

__all__ = ["run"]

SECONDS = 3_600.0
EVENTS = 500
FEWEST = 12.0, 30
"""Seconds and events, however small the share."""

MOST_AT_ONCE = 6
"""Events that a phone changes between two syncs."""

HOME = "/dav/calendars/moxlite/calendar/"
D, C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
START = 4_099_680_000
"""Seconds UTC of the first event's day; each event is an hour after the one before."""

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:{n}\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:{start}\r\nDURATION:PT1H\r\nSUMMARY:Event {n}\r\nDESCRIPTION:{marks}\r\nX-PHONE:kept\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)
NOTES = re.compile(r"^DESCRIPTION:(.*)\r\n", re.MULTILINE)
MARK = re.compile(r"[a-z]\d+")


@dataclass
class Ledger:
    """The marks of each event that were asked for, acknowledged, and removed with it; and how often what happened."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: dict[int, set[str]] = field(default_factory=dict)
    known: dict[int, set[str]] = field(default_factory=dict)
    void: dict[int, set[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, where: dict[int, set[str]], number: int, *marks: str) -> None:
        """Add marks of an event."""
        with self.lock:
            where.setdefault(number, set()).update(marks)

    def count(self, what: str) -> None:
        """One more."""
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1


def marks_of(text: str) -> list[str]:
    """The marks in the notes of an event."""
    found = NOTES.search(text.replace("\r\n ", ""))
    return [] if found is None else MARK.findall(found[1])


def new_text(number: int, marks: list[str]) -> str:
    """An event as a phone makes it."""
    start = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(START + number * 3600))
    return EVENT.format(n=number, start=start, marks=" ".join(marks))


class Device:
    """What all devices have: a letter, changes that are counted, and a ledger."""

    def __init__(self, letter: str, ledger: Ledger, events: int, chance: random.Random) -> None:
        self.letter = letter
        self.ledger = ledger
        self.events = events
        self.chance = chance
        self._marks = 0

    def mark(self, number: int) -> str:
        """A mark that no other change has."""
        self._marks += 1
        mark = f"{self.letter}{self._marks}"
        self.ledger.note(self.ledger.asked, number, mark)
        return mark


class Phone(Device):
    """A program with a copy of the calendar. `whole`: it compares a whole listing, else it syncs by a token."""

    def __init__(
        self, server: LocalServer, letter: str, ledger: Ledger, events: int, chance: random.Random, *, whole: bool
    ) -> None:
        super().__init__(letter, ledger, events, chance)
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port(443), timeout=120, context=insecure())
        pair = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
        self._headers = {"authorization": f"Basic {pair}"}
        self._whole = whole
        self._token = ""
        self.copy: dict[str, tuple[str, str]] = {}
        """Entity tag and text by name."""

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, str]:
        """Status, entity tag and text of an answer."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body.encode(), self._headers | fields)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 500:
            raise Finding(f"{method} {path}: status {answer.status}: {text[:300]}")
        return answer.status, answer.headers.get("etag", ""), text

    def _listing(self, method: str, body: str) -> tuple[Element, dict[str, str | None]]:
        """The answer, and the entity tags of entries by name, None for a removed one."""
        status, _, text = self.ask(method, HOME, body, depth="1", content_type="application/xml")
        if status != 207:
            raise Finding(f"{method}: status {status}: {text[:300]}")
        root = fromstring(text)
        tags: dict[str, str | None] = {}
        for response in root.iter(D + "response"):
            name = (response.findtext(D + "href") or "").rpartition("/")[2]
            if name:
                tags[name] = next((one.text for one in response.iter(D + "getetag")), None)
        return root, tags

    def sync(self) -> None:
        """Have the copy as the server has it."""
        if self._whole:
            body = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
            _, tags = self._listing("PROPFIND", body)
            for name in self.copy.keys() - tags.keys():
                del self.copy[name]
            self._fetch(tags)
            return
        while True:
            token, limit = f"<sync-token>{self._token}</sync-token>", "<limit><nresults>100</nresults></limit>"
            inner = f"{token}<sync-level>1</sync-level>{limit}<prop><getetag/></prop>"
            root, tags = self._listing("REPORT", f'<sync-collection xmlns="DAV:">{inner}</sync-collection>')
            for name in [name for name, tag in tags.items() if tag is None]:
                self.copy.pop(name, None)
            self._fetch(tags)
            self._token = root.findtext(D + "sync-token") or ""
            if not any("507" in (one.text or "") for one in root.iter(D + "status")):
                return

    def _fetch(self, tags: dict[str, str | None]) -> None:
        wanted = [name for name, tag in tags.items() if tag is not None and self.copy.get(name, ("", ""))[0] != tag]
        for start in range(0, len(wanted), 50):
            hrefs = "".join(f"<D:href>{HOME}{name}</D:href>" for name in wanted[start : start + 50])
            prop = "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
            spaces = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
            body = f"<C:calendar-multiget {spaces}>{prop}{hrefs}</C:calendar-multiget>"
            _, _, text = self.ask("REPORT", HOME, body, content_type="application/xml")
            for response in fromstring(text).iter(D + "response"):
                name = (response.findtext(D + "href") or "").rpartition("/")[2]
                data = next((one.text for one in response.iter(C + "calendar-data")), None)
                tag = next((one.text for one in response.iter(D + "getetag")), None)
                if data is None or tag is None:
                    self.copy.pop(name, None)
                else:  # XML has no carriage returns (§2.11)
                    self.copy[name] = tag, data.replace("\r\n", "\n").replace("\n", "\r\n")

    def step(self) -> None:
        """Sync, then change a few events of the copy."""
        self.sync()
        for number in self.chance.sample(range(self.events), self.chance.randint(1, MOST_AT_ONCE)):
            while not self._change(number):
                self.ledger.count("conflicts of phones")

    def _change(self, number: int) -> bool:
        """Change an event; False if the server has another one, which is taken."""
        name = f"{number}.ics"
        tag, text = self.copy.get(name, ("", ""))
        if text and self.chance.random() < 0.05:
            status, _, answer = self.ask("DELETE", HOME + name, if_match=tag)
            if status == 204:
                del self.copy[name]
                self.ledger.note(self.ledger.void, number, *marks_of(text))
                self.ledger.count("removals")
        else:
            mark = self.mark(number)
            body, headers = new_text(number, [mark]), {"if_none_match": "*"}
            if text:
                marks = [*marks_of(text), mark]
                body = NOTES.sub(f"DESCRIPTION:{' '.join(marks)}\r\n", text.replace("\r\n ", ""))
                headers = {"if_match": tag}
            status, tag, answer = self.ask("PUT", HOME + name, body, content_type="text/calendar", **headers)
            if status in (201, 204):
                self.copy[name] = tag, body
                self.ledger.note(self.ledger.known, number, mark)
                self.ledger.count("changes by phones")
        if status in (412, 404):
            status, tag, text = self.ask("GET", HOME + name)
            if status == 404:
                self.copy.pop(name, None)
            else:
                self.copy[name] = tag, text
            return False
        if status not in (201, 204):
            raise Finding(f"event {number}: status {status}: {answer[:300]}")
        return True


class Page(Device):
    """The webmail in a browser, as far as its calls go."""

    def __init__(self, server: LocalServer, letter: str, ledger: Ledger, events: int, chance: random.Random) -> None:
        super().__init__(letter, ledger, events, chance)
        self.caller = Caller(server.port(80), server.user, server.password)
        self.caller.log_in()
        self.calendar: int = self.caller.call("calendars")[0]["id"]

    def view(self) -> dict[int, int]:
        """Ids of the events by number."""
        since, until = START - 86_400, START + (self.events + 48) * 3600
        found = self.caller.call("events", since=since, until=until, calendar_ids=[self.calendar])
        if found["more"]:
            raise Finding("more events than there can be")
        return {int(item["title"].removeprefix("Event ")): item["id"] for item in found["events"]}

    def step(self) -> None:
        """Look at a few events, and change each as it was shown."""
        view = self.view()
        for number in self.chance.sample(sorted(view), min(len(view), self.chance.randint(1, MOST_AT_ONCE))):
            try:
                self._change(number, view[number])
            except Finding as refusal:
                if "409" not in str(refusal) and "404" not in str(refusal) and "removed" not in str(refusal):
                    raise
                self.ledger.count("conflicts of the browser")

    def _change(self, number: int, event_id: int) -> None:
        event: dict[str, Any] = self.caller.call("event", event_id=event_id)
        form, changed = event["form"], event["changed"]
        if self.chance.random() < 0.05:
            self.caller.call("event_remove", event_id=event_id, changed=changed)
            self.ledger.note(self.ledger.void, number, *MARK.findall(form["notes"]))
            self.ledger.count("removals")
            return
        mark = self.mark(number)
        form["notes"] = f"{form['notes']} {mark}"
        self.caller.call(
            "event_save", calendar_id=self.calendar, event=form, event_id=event_id, changed=changed, scope="all"
        )
        self.ledger.note(self.ledger.known, number, mark)
        self.ledger.count("changes by the browser")


def judge(ledger: Ledger, fresh: Phone, phones: list[Phone], page: Page) -> None:
    """Compare all at the end with a phone that knows nothing yet. Raises Finding."""
    fresh.sync()
    for phone in phones:
        phone.sync()
        differing = sorted(name for name in {*fresh.copy, *phone.copy} if fresh.copy.get(name) != phone.copy.get(name))
        if differing:
            first = differing[0]
            there, own = fresh.copy.get(first), phone.copy.get(first)
            raise Finding(f"phone {phone.letter} differs in {differing[:10]} ({len(differing)}): {there} / {own}")
    names = {int(name.removesuffix(".ics")) for name in fresh.copy}
    if (shown := page.view().keys()) != names:
        raise Finding(f"the browser differs in {sorted(shown ^ names)[:10]}")
    for number in range(page.events):
        _, text = fresh.copy.get(f"{number}.ics", ("", ""))
        marks = marks_of(text)
        lost = ledger.known.get(number, set()) - ledger.void.get(number, set()) - set(marks)
        strange = set(marks) - ledger.asked.get(number, set())
        if lost or strange or len(set(marks)) < len(marks) or (text and "X-PHONE:kept" not in text):
            raise Finding(f"event {number}: lost {sorted(lost)[:10]}, strange {sorted(strange)[:10]}:\n{text}")


def run(seed: int, share: float, report: Report) -> None:
    """SECONDS × share, EVENTS; the fewest for shares under a tenth."""
    seconds, events = max(FEWEST[0], SECONDS * share), EVENTS if share >= 0.1 else FEWEST[1]
    ledger, stop, faults = Ledger(), threading.Event(), list[BaseException]()
    with tempfile.TemporaryDirectory(prefix="moxlite-devices-") as folder, LocalServer(Path(folder) / "l") as server:
        chances = [random.Random(seed * 10 + number) for number in range(3)]
        first = Phone(server, "a", ledger, events, chances[0], whole=False)
        first.ask("PROPFIND", HOME, depth="0")
        for number in range(events):
            first._change(number)
        second = Phone(server, "b", ledger, events, chances[1], whole=True)
        page = Page(server, "w", ledger, events, chances[2])

        def work(step: Callable[[], None]) -> None:
            try:
                while not stop.is_set():
                    step()
            except BaseException as fault:
                faults.append(fault)
                stop.set()

        threads = [threading.Thread(target=work, args=(one.step,), daemon=True) for one in (first, second, page)]
        for thread in threads:
            thread.start()
        stop.wait(seconds)
        stop.set()
        for thread in threads:
            thread.join(timeout=180)
        if faults:
            raise faults[0]
        if any(thread.is_alive() for thread in threads):
            raise Finding("a device was not answered for three minutes")
        fresh = Phone(server, "c", ledger, events, chances[0], whole=True)
        judge(ledger, fresh, [first, second], page)
        checked = server.cli("store", "check", "--deep", check=False)
        if checked.returncode != 0:
            raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    told = ", ".join(f"{number:,} {what}" for what, number in sorted(ledger.counts.items()))
    report.tell(f"two phones and a browser at {events} events for {seconds:.0f} s: {told}; all had the same at the end")
    report.tell("each acknowledged change is there, or went with its event")
