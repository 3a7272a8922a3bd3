"""Hours at which a user is available (RFC 7953), and busy times outside of them."""

from collections import Counter
from typing import Any

import pytest

from moxlite.groupware import busy as busy_module
from tests.session.test_web_dav import SPACES, C, D, Program, between, calendar, event, found, mia, text
from tests.session.test_web_dav_scheduling import Office
from tests.web_rig import Rig

__all__ = ["mia"]

pytestmark = pytest.mark.served

HOME = "/dav/calendars/mia/calendar/"
INBOX = "/dav/calendars/mia/inbox/"
OFFICE = (
    "UID:h1\r\nDTSTAMP:20261101T000000Z\r\nBEGIN:AVAILABLE\r\nUID:h2\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART;TZID=Europe/Berlin:20261102T090000\r\nDTEND;TZID=Europe/Berlin:20261102T170000\r\n"
    "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\r\nEND:AVAILABLE"
)
TUESDAY = ("20261124T000000Z", "20261125T000000Z")


def hours(*lines: str, inner: str = OFFICE) -> str:
    return calendar(*lines, inner, kind="VAVAILABILITY")


async def busy(mia: Program, since: str = TUESDAY[0], until: str = TUESDAY[1]) -> list[str]:
    answer = await mia.report(HOME, "C:free-busy-query", between(since, until))
    assert answer.status == 200
    return [line[16:] for line in answer.body.decode().splitlines() if line.startswith("FREEBUSY")]


async def test_outside_of_hours_is_unavailable(mia: Program) -> None:
    """DAV-48a: local hours of weekdays around an event; a holiday of a higher priority covers them; a whole Sunday."""
    assert (await mia.put("h.ics", hours())).status == 201
    assert (await mia.put("e.ics", event("1"))).status == 201
    assert await busy(mia) == [
        "BUSY:20261124T100000Z/20261124T110000Z",
        "BUSY-UNAVAILABLE:20261124T000000Z/20261124T080000Z",
        "BUSY-UNAVAILABLE:20261124T160000Z/20261125T000000Z",
    ]
    assert await busy(mia, "20261129T000000Z", "20261130T000000Z") == [
        "BUSY-UNAVAILABLE:20261129T000000Z/20261130T000000Z"
    ]
    times = ("UID:h3", "DTSTAMP:20261101T000000Z", "DTSTART:20261124T120000Z", "DURATION:PT20H")
    await mia.put("away.ics", hours(*times, "BUSYTYPE:BUSY-TENTATIVE", inner="PRIORITY:1"))
    assert (await busy(mia))[1:] == [
        "BUSY-TENTATIVE:20261124T120000Z/20261125T000000Z",
        "BUSY-UNAVAILABLE:20261124T000000Z/20261124T080000Z",
    ]
    names = await mia.names(f'<C:comp-filter name="VAVAILABILITY">{between(*TUESDAY)}</C:comp-filter>')
    assert names == ["away.ics", "h.ics"]


async def test_hours_of_the_inbox_count_when_colleagues_ask(rig: Rig, mia: Program) -> None:
    """DAV-48a: as Apple's programs set them; what is no VAVAILABILITY is refused, and they can be removed."""
    office = Office(rig)
    await office.begin()
    space = 'xmlns:A="http://calendarserver.org/ns/"'
    await mia.find(INBOX, D + "resourcetype")

    async def change(step: str, data: str) -> str:
        inner = f"<A:calendar-availability>{data}</A:calendar-availability>"
        body = f"<D:propertyupdate {SPACES} {space}><D:{step}><D:prop>{inner}</D:prop></D:{step}></D:propertyupdate>"
        return (await mia.ask("PROPPATCH", INBOX, body)).body.decode()

    async def asked() -> str:
        lines = ("UID:q", f"DTSTART:{TUESDAY[0]}", f"DTEND:{TUESDAY[1]}", "ORGANIZER:mailto:tom@example.org")
        question = calendar(*lines, "ATTENDEE:mailto:mia@example.org", kind="VFREEBUSY").replace(
            "PRODID", "METHOD:REQUEST\r\nPRODID"
        )
        answer = await office.tom.ask("POST", "/dav/calendars/tom/outbox/", question, content_type="text/calendar")
        return answer.body.decode()

    assert "409" in await change("set", event())
    assert "UNAVAILABLE" not in await asked()
    assert "200" in await change("set", hours())
    assert "FBTYPE=BUSY-UNAVAILABLE:20261124T160000Z/20261125T000000Z" in (await asked()).replace("\n ", "")
    [props] = (await mia.find(INBOX, C + "calendar-availability")).values()
    assert "BEGIN:AVAILABLE" in text(props[C + "calendar-availability"])
    rows = found(await mia.ask("PROPFIND", INBOX, depth="0"))
    assert C + "calendar-availability" in rows[INBOX]
    assert "200" in await change("remove", "")
    assert "UNAVAILABLE" not in await asked()


async def test_hours_that_cannot_be_expanded_make_nobody_busy(mia: Program) -> None:
    """DAV-48a: rules that are not taken, and more hours than count."""
    await mia.put("h.ics", hours(inner=OFFICE.replace("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "FREQ=SECONDLY")))
    assert await busy(mia) == []
    many = "\r\n".join([OFFICE[OFFICE.index("BEGIN") :]] * 60)
    await mia.put("h.ics", hours("UID:h1", "DTSTAMP:20261101T000000Z", inner=many))
    assert await busy(mia) == []


async def test_an_entry_with_thousands_of_parts_counts_for_few(mia: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-48a: parts of hours, and periods of VFREEBUSY."""
    looked = Counter[str]()

    def counted(name: str) -> None:
        function = getattr(busy_module, name)

        def count(*args: Any, **options: Any) -> Any:
            looked[name] += 1
            return function(*args, **options)

        monkeypatch.setattr(busy_module, name, count)

    counted("_available")
    parts = (
        f"UID:h1\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:20260101T{number // 60:02}{number % 60:02}00Z"
        for number in range(200)
    )
    await mia.put(
        "h.ics", calendar("\r\nEND:VAVAILABILITY\r\nBEGIN:VAVAILABILITY\r\n".join(parts), kind="VAVAILABILITY")
    )
    guests = [f"ATTENDEE:mailto:guest{number}@far.example" for number in range(300)]
    await mia.put("e.ics", event("1", "RRULE:FREQ=HOURLY", *guests))
    assert [line for line in await busy(mia) if line.startswith("BUSY:")] == ["BUSY:20261124T100000Z/20261125T000000Z"]
    assert looked["_available"] <= 20
    monkeypatch.setattr(busy_module, "MAX_BUSY", 10)
    periods = (f"20261124T{number // 60:02}{number % 60:02}00Z/PT1M" for number in range(0, 1_400, 2))
    outside = (f"20261123T{number // 60:02}{number % 60:02}00Z/PT1M" for number in range(0, 1_400, 2))
    line = f"FREEBUSY:{','.join((*outside, *periods))}"
    await mia.ask("DELETE", f"{HOME}e.ics")
    await mia.ask("DELETE", f"{HOME}h.ics")
    assert (
        await mia.put("f.ics", calendar("UID:f1", "DTSTAMP:20261101T000000Z", line, kind="VFREEBUSY"))
    ).status == 201
    assert len(await busy(mia)) == 10
