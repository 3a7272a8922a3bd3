"""The event loop goes on while the largest entries and cards that come in (DAV-5a) go through every interface.

A step of a task is measured by the processor time of its thread, so that a busy machine changes next to nothing. The
garbage collector's is left out, which may look through what all tests have made, and a slow machine has more. Where a
test fails here, work in proportion to an entry is on the loop: `groupware.entries.about` and `processor.off_loop` move
it.
"""

import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import trio

from tests.jmap_rig import Client, rig
from tests.session.test_web_dav import BOOK, HOME, Program, card, event, of
from tests.tools import slowness
from tests.web_rig import Browser, Rig

__all__ = ["rig"]

pytestmark = pytest.mark.served

LONGEST = 0.1
"""Seconds of processor time of a step on the loop. The largest entry takes a thread 0.3 to 1.5."""

GUESTS = [f"ATTENDEE;CN=Guest {number};PARTSTAT=NEEDS-ACTION:mailto:g{number}@remote.example" for number in range(499)]
PEOPLE = ("ORGANIZER:mailto:mia@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:mia@example.org", *GUESTS)


def exceptions(number: int, *lines: str) -> str:
    """As many changed dates of a series that begins in 2027."""
    parts = []
    for day in range(number):
        date = f"2027{1 + day // 28 % 12:02}{1 + day % 28:02}T{10 + day // 336:02}0000Z"
        times = (f"RECURRENCE-ID:{date}", f"DTSTART:{date}", f"DTEND:{date.replace('0000Z', '3000Z')}")
        parts.append("\r\n".join(("BEGIN:VEVENT", "UID:1", "DTSTAMP:20261101T000000Z", *times, *lines, "END:VEVENT")))
    return "\r\n".join(parts)


def series(*lines: str, more: str = "") -> str:
    text = event("1", "RRULE:FREQ=HOURLY", "SUMMARY:Large", *lines, start="20270101T100000Z", end="20270101T103000Z")
    return text.replace("END:VCALENDAR", f"{more}\r\nEND:VCALENDAR") if more else text


HOSTILE = {
    "lines": series(*(f"X-NOTE:{number} über die Brücke" for number in range(9_900))),
    "comments": series(*(f"COMMENT:{number}" for number in range(4_900)), *(f"CATEGORIES:a{n}" for n in range(4_900))),
    "exceptions": series(more=exceptions(1_000, "SUMMARY:Other")),
    "guests": series(*PEOPLE, more=exceptions(18, *PEOPLE)),
    "alarms": series(*["BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM"] * 4_900),
    "rules": series(*["RRULE:FREQ=MINUTELY;BYSECOND=1,2,3"] * 3, "EXDATE:" + ",".join(["20270301T100000Z"] * 15_000)),
    "text": series(*["DESCRIPTION:" + "ü\\n" * 60_000] * 3),
    "dates": series(*(f"RDATE:20270201T10{n // 60:02}{n % 60:02}Z" for n in range(3_600)), "CLASS:PRIVATE"),
}


class Stalls(trio.abc.Instrument):
    """The longest steps of tasks, in seconds of processor time."""

    def __init__(self) -> None:
        self._began = self._collecting = self._collected = 0.0
        self.steps: list[tuple[float, str]] = []

    def collecting(self, phase: str, _: object) -> None:
        """Of `gc.callbacks`: threads collect, too, and then the step of the loop waits."""
        if phase == "start":
            self._collecting = time.thread_time()
        else:
            self._collected += time.thread_time() - self._collecting

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._collected = 0.0
        self._began = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        taken = time.thread_time() - self._began - self._collected
        if taken > LONGEST and not task.name.startswith("<test "):  # which reads large answers
            taken /= slowness()
            if taken > LONGEST:
                self.steps.append((round(taken, 3), task.name))


@pytest.fixture
async def stalls() -> AsyncIterator[Stalls]:
    instrument = Stalls()
    trio.lowlevel.add_instrument(instrument)
    gc.callbacks.append(instrument.collecting)
    yield instrument
    gc.callbacks.remove(instrument.collecting)
    trio.lowlevel.remove_instrument(instrument)


@contextmanager
def said(stalls: Stalls, phase: str) -> Iterator[None]:
    """Fail if a step of the phase was long, and say which."""
    stalls.steps.clear()
    yield
    assert not stalls.steps, phase


@pytest.mark.parametrize("kind", HOSTILE)
async def test_no_entry_holds_up_the_loop(rig: Rig, stalls: Stalls, kind: str) -> None:
    """DAV-5a, WEB-12: by DAV, the webmail and JMAP."""
    mia = Program(rig)
    browser = rig.browser()
    await browser.log_in()
    [first] = await browser.call("calendars")
    text = HOSTILE[kind]
    with said(stalls, "put"):
        assert (await mia.put("a.ics", text)).status == 201
        assert (await mia.put("a.ics", text.replace("SUMMARY:Large", "SUMMARY:Larger"))).status == 204
    with said(stalls, "reports"):
        assert (await mia.ask("GET", HOME + "a.ics")).status == 200
        await mia.find(HOME, "{DAV:}getetag", depth="1")
        stretch = 'start="20270201T000000Z" end="20270301T000000Z"'
        data = f"<C:calendar-data><C:expand {stretch}/></C:calendar-data>"
        await mia.query(of("VEVENT", f"<C:time-range {stretch}/>"), data)
        words = '<C:prop-filter name="SUMMARY"><C:text-match>Larger</C:text-match></C:prop-filter>'
        await mia.query(of("VEVENT", words))
    with said(stalls, "webmail"):
        await webmail(browser, first["id"])
    with said(stalls, "jmap"):
        client = Client(rig)
        [number] = (await client.call("CalendarEvent/query", filter={"text": "Larger"}))["ids"]
        await client.call("CalendarEvent/get", ids=[number])
        await client.call("CalendarEvent/set", update={number: {"title": "Largest"}})
        month = {"after": "2027-02-01T00:00:00", "before": "2027-03-01T00:00:00"}
        await client.call("CalendarEvent/query", filter=month)
    with said(stalls, "remove"):
        assert (await mia.ask("MOVE", HOME + "a.ics", destination=HOME + "b.ics")).status == 201
        assert (await mia.ask("DELETE", HOME + "b.ics")).status == 204


async def webmail(browser: Browser, number: int) -> None:
    """What the page asks of a month, of one event, and when it is changed."""
    span = {"since": 1_801_000_000, "until": 1_803_500_000}
    events = (await browser.call("events", **span, calendar_ids=[number]))["events"]
    while True:  # scheduling notes in the entry how each guest was told
        one = await browser.call("event", event_id=events[0]["id"])
        # The form of the page has 200 guests.
        guests = one["form"]["guests"][:200]
        event = {**one["form"], "title": "Still larger", "alarms": [], "mails": [], "guests": guests}
        known = {"event_id": one["id"], "changed": one["changed"], "scope": "all"}
        answer = await browser.post("event_save", {"calendar_id": number, "event": event, **known})
        if answer.status != 409:
            assert answer.status == 200, answer.body
            break


@pytest.mark.parametrize("line", ["X-NOTE:über die Brücke", "EMAIL:a@x.example", "TEL:+1 234", "NOTE:" + "ü" * 40])
async def test_no_card_holds_up_the_loop(rig: Rig, stalls: Stalls, line: str) -> None:
    """DAV-5a, WEB-12"""
    mia = Program(rig)
    with said(stalls, "cards"):
        assert (await mia.put("a.vcf", card("1", *[line] * 9_900), BOOK)).status == 201
        assert (await mia.ask("GET", BOOK + "a.vcf")).status == 200
        client = Client(rig)
        [number] = (await client.call("ContactCard/query"))["ids"]
        await client.call("ContactCard/get", ids=[number])
        await client.call("ContactCard/set", update={number: {"name/full": "Other"}})
        browser = rig.browser()
        await browser.log_in()
        await browser.call("contacts", search="Other")
        assert (await mia.ask("DELETE", BOOK + "a.vcf")).status == 204
