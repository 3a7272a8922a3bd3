"""Rules, zones and times without a zone in what DAV answers."""

import pytest

from tests.session.test_web_dav import HOME, SPACES, Program, between, event, found, in_notes, mia, of, refused

__all__ = ["mia"]

pytestmark = pytest.mark.served


async def test_a_rule_of_too_many_steps_is_refused_alike_each_time(mia: Program) -> None:
    """DAV-9: by its work, not by a clock."""
    costly = event("1", "RRULE:FREQ=HOURLY;BYDAY=MO,TU;COUNT=999999", start="18500101T000000Z", end="18500101T010000Z")
    for _ in range(3):
        answer = await mia.put("a.ics", costly)
        assert refused(answer) == (403, "valid-calendar-data")
        assert b"takes too long to expand" in answer.body
    assert (await mia.put("a.ics", event("1", "RRULE:FREQ=DAILY"))).status == 201


async def test_an_entry_that_cannot_be_expanded_hides_no_other(mia: Program, caplog: pytest.LogCaptureFixture) -> None:
    """DAV-9: its own instances are left out, with a line in the log; in queries and in free-busy."""
    await mia.put("a.ics", event("1", "RRULE:FREQ=HOURLY;BYSECOND=0;COUNT=999999"))
    await mia.put("b.ics", event("2", "RRULE:FREQ=DAILY"))
    stretch = 'start="20900101T000000Z" end="20900103T000000Z"'
    data = f"<C:calendar-data><C:expand {stretch}/></C:calendar-data>"
    caplog.clear()
    shown = await mia.query(of("VEVENT", f"<C:time-range {stretch}/>"), data)
    assert shown["b.ics"].count("BEGIN:VEVENT") == 2
    assert "a.ics" not in shown
    assert "failed to expand recurrence rule" in caplog.text
    busy = await mia.report(HOME, "C:free-busy-query", f"<C:time-range {stretch}/>")
    assert busy.body.count(b"FREEBUSY;FBTYPE=BUSY:") == 2


async def test_events_of_zones_of_a_file_are_at_their_hour(mia: Program) -> None:
    """DAV-8: by expand and in free-busy, in summer."""
    times = ('DTSTART;TZID="Oslo, Bergen":20260701T090000', "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")
    assert (await mia.put("a.ics", in_notes(event("1", *times)))).status == 201
    stretch = between("20260701T000000Z", "20260703T000000Z")
    data = '<C:calendar-data><C:expand start="20260701T000000Z" end="20260703T000000Z"/></C:calendar-data>'
    shown = await mia.query(of("VEVENT", stretch), data)
    assert "DTSTART:20260701T070000Z" in shown["a.ics"]
    busy = await mia.report(HOME, "C:free-busy-query", stretch)
    assert b"20260701T070000Z/20260701T080000Z" in busy.body


async def test_a_zone_that_is_not_known_is_refused(mia: Program) -> None:
    """DAV-8: the time would be the same on all clocks; a zone that Windows describes is known."""
    body = event("1", "DTSTART;TZID=Mars/Olympus:20260701T090000", "DURATION:PT1H")
    answer = await mia.put("a.ics", body)
    assert refused(answer) == (403, "valid-calendar-data")
    assert b"Mars/Olympus" in answer.body
    windows = '"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"'
    assert (await mia.put("a.ics", body.replace("Mars/Olympus", windows))).status == 201
    assert await mia.names(of("VEVENT", between("20260701T070000Z", "20260701T080000Z"))) == ["a.ics"]


async def test_times_without_a_zone_are_those_of_the_calendars(mia: Program) -> None:
    """DAV-8: RFC 4791 §5.2.2, §7.10, §9.8: noon, a day, and both as series, in a calendar of +10; the query's zone
    counts before it.
    """
    zone = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VTIMEZONE\r\nTZID:{}\r\nBEGIN:STANDARD\r\n"
        "DTSTART:19700101T000000\r\nTZOFFSETFROM:{}\r\nTZOFFSETTO:{}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR"
    )
    brisbane = zone.format("Australia/Brisbane", "+1000", "+1000")
    change = f"<D:set><D:prop><C:calendar-timezone>{brisbane}</C:calendar-timezone></D:prop></D:set>"
    await mia.ask("PROPPATCH", HOME, f"<D:propertyupdate {SPACES}>{change}</D:propertyupdate>")
    day = ("DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260302")
    noon = ("DTSTART:20260301T120000", "DTEND:20260301T130000")
    for name, lines in (("day", day), ("noon", noon)):
        await mia.put(f"{name}.ics", event(name, *lines))
        await mia.put(f"{name}s.ics", event(f"{name}s", *lines, "RRULE:FREQ=DAILY;COUNT=2"))
    first_hour = of("VEVENT", between("20260228T140000Z", "20260228T150000Z"))
    assert await mia.names(first_hour) == ["day.ics", "days.ics"]
    at_noon = of("VEVENT", between("20260301T020000Z", "20260301T023000Z"))
    assert await mia.names(at_noon) == ["day.ics", "days.ics", "noon.ics", "noons.ics"]
    assert await mia.names(of("VEVENT", between("20260302T140000Z", "20260303T140000Z"))) == []
    other = zone.format("Pacific/Honolulu", "-1000", "-1000")
    filters = f'<C:filter><C:comp-filter name="VCALENDAR">{first_hour}</C:comp-filter></C:filter>'
    asked = f"<D:prop><D:getetag/></D:prop>{filters}<C:timezone>{other}</C:timezone>"
    assert found(await mia.report(HOME, "C:calendar-query", asked, depth="1")) == {}
    for name in ("days", "noons", "noon"):
        await mia.ask("DELETE", f"{HOME}{name}.ics")
    busy = await mia.report(HOME, "C:free-busy-query", between("20260227T000000Z", "20260304T000000Z"))
    assert b":20260228T140000Z/20260301T140000Z" in busy.body
