"""Entries that reports show as instances: how many of them, and how large."""

from xml.etree.ElementTree import fromstring

import pytest

from moxlite.web.dav import reports
from tests.session.test_web_dav import HOME, C, D, Program, event, mia, of, responses

__all__ = ["mia"]

pytestmark = pytest.mark.served


async def test_a_report_has_an_end_to_its_instances(mia: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-18: a report of 400 octets makes no answer of 130 MB: the client hears that there is more, and what is left
    of a multiget. Changes aren't expanded.
    """
    names = [f"d{number}.ics" for number in range(8)]
    for name in names:
        assert (await mia.put(name, event(name, "DTSTART:20260101T080000Z", "RRULE:FREQ=DAILY"))).status == 201
    data = '<C:calendar-data><C:expand start="20260101T000000Z" end="20270101T000000Z"/></C:calendar-data>'
    whole = await mia.query(of("VEVENT"), data)
    assert [*whole] == names
    monkeypatch.setattr(reports, "MAX_ALL_EXPANDED", 5 * len(whole["d0.ics"]) // 2)
    prop = f"<D:prop>{data}</D:prop>"
    asked = f'{prop}<C:filter><C:comp-filter name="VCALENDAR">{of("VEVENT")}</C:comp-filter></C:filter>'
    multiget = prop + "".join(f"<D:href>{HOME}{name}</D:href>" for name in names)
    for report, cut in (
        (await mia.report(HOME, "C:calendar-query", asked, depth="1"), [HOME]),
        (await mia.report(HOME, "C:calendar-multiget", multiget), [HOME + name for name in names[2:]]),
    ):
        assert report.status == 207
        responses = [*fromstring(report.body)]
        full = [one for one in responses if "507" in (one.findtext(D + "status") or "")]
        assert [one.findtext(D + "href") for one in full] == cut
        assert all(one.find(f"{D}error/{D}number-of-matches-within-limits") is not None for one in full)
        assert len(responses) - len(full) == 2
    changes = await mia.report(HOME, "D:sync-collection", f"<D:sync-token/><D:sync-level>1</D:sync-level>{prop}")
    assert changes.status == 403
    assert b"supported-calendar-data" in changes.body


async def test_large_but_right_entries(mia: Program) -> None:
    """DAV-5, DAV-9: 10,000 days taken out, and an event of each hour, of which an answer has the first 1,000."""
    days = ",".join(f"{1980 + n // 360}{n // 30 % 12 + 1:02}{n % 28 + 1:02}T100000Z" for n in range(10_000))
    out = event("1", "RRULE:FREQ=DAILY;UNTIL=20300101T000000Z", f"EXDATE:{days}", start="20260101T100000Z")
    assert (await mia.put("a.ics", out.replace("DTEND:20261124T110000Z", "DTEND:20260101T110000Z"))).status == 201
    assert (await mia.put("b.ics", event("2", "RRULE:FREQ=HOURLY"))).status == 201
    stretch = 'start="20261124T000000Z" end="20270401T000000Z"'
    data = f"<C:calendar-data><C:expand {stretch}/></C:calendar-data>"
    shown = await mia.query(of("VEVENT", f"<C:time-range {stretch}/>"), data)
    assert shown["b.ics"].count("BEGIN:VEVENT") == 1000


async def test_an_expansion_of_a_large_entry_is_bounded(mia: Program) -> None:
    """DAV-9: each instance has all of its text; data of the other kind is left out."""
    await mia.put("a.ics", event("1", "ATTACH;VALUE=BINARY;ENCODING=BASE64:" + "x" * 900_000, "RRULE:FREQ=HOURLY"))
    stretch = 'start="20261124T100000Z" end="20261124T190000Z"'
    data = f"<C:calendar-data><C:expand {stretch}/></C:calendar-data>"
    shown = await mia.query(of("VEVENT", f"<C:time-range {stretch}/>"), data)
    assert shown["a.ics"].count("BEGIN:VEVENT") == 9
    assert shown["a.ics"].count("BEGIN:VCALENDAR") == shown["a.ics"].count("END:VCALENDAR") == 1
    assert shown["a.ics"].split()[-1] == "END:VCALENDAR"
    other = '<CR:address-data version="3.0"/>'
    assert await mia.query(of("VEVENT"), other) == {"a.ics": ""}


async def test_an_entry_too_large_to_expand_hides_no_other(mia: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-18: the client hears why it has none of that entry's instances."""
    await mia.put("a.ics", event("1", "DESCRIPTION:" + "x" * 1_000, "RRULE:FREQ=DAILY"))
    await mia.put("b.ics", event("2", "RRULE:FREQ=DAILY"))
    await mia.put("c.ics", event("3", "DTSTART:20261201T100000Z"))
    monkeypatch.setattr(reports, "MAX_ALL_EXPANDED", 20_000)
    stretch = 'start="20261124T000000Z" end="20261224T000000Z"'
    data = f"<D:prop><C:calendar-data><C:expand {stretch}/></C:calendar-data></D:prop>"
    within = of("VEVENT", f"<C:time-range {stretch}/>")
    for name, inner in (
        ("C:calendar-query", f'{data}<C:filter><C:comp-filter name="VCALENDAR">{within}</C:comp-filter></C:filter>'),
        ("C:calendar-multiget", data + "".join(f"<D:href>{HOME}{one}.ics</D:href>" for one in "abc")),
    ):
        answer = await mia.report(HOME, name, inner, depth="1")
        shown = {one.findtext(D + "href"): one for one in responses(answer)}
        texts = [str(shown[f"{HOME}{one}.ics"].findtext(f".//{C}calendar-data")) for one in "bc"]
        assert [whole.count("BEGIN:VEVENT") for whole in texts] == [30, 1]
        beyond = shown[HOME + "a.ics"]
        assert " 507 " in str(beyond.findtext(D + "status"))
        assert beyond.findtext(D + "responsedescription") == reports.TOO_MUCH
        assert beyond.find(f".//{C}calendar-data") is None
