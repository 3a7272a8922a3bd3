"""Single dates of a series that are moved or called off: what guests hear of them, and what is in their calendars."""

from email.message import EmailMessage

import pytest

from tests.session.test_web_dav_scheduling import ADA_ASKED, TOM_ASKED, Office, meeting, office

__all__ = ["office"]

pytestmark = pytest.mark.served

SERIES = "RRULE:FREQ=WEEKLY;COUNT=10"


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text.replace("\r\n", "\n").replace(" \n", " ").rstrip()  # lines that flow (RFC 3676 §4.1)


def calendar_of(mail: EmailMessage) -> str:
    [invite] = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    octets = invite.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode().replace("\r\n ", "")


def with_date(series: str, date: str, *lines: str, hour: str = "10") -> str:
    """A series with an exception at one date."""
    part = series[series.index("BEGIN:VEVENT") : series.index("END:VEVENT")] + "END:VEVENT\r\n"
    kept = [one for one in part.split("\r\n") if not one.startswith(("RRULE", "DTSTART", "DTEND", "EXDATE"))]
    end = str(int(hour) + 1)
    times = (f"RECURRENCE-ID:{date}T100000Z", f"DTSTART:{date}T{hour}0000Z", f"DTEND:{date}T{end}0000Z")
    if any(one.startswith("SUMMARY") for one in lines):
        kept = [one for one in kept if not one.startswith("SUMMARY")]
    made = "\r\n".join([kept[0], *times, *lines, *kept[1:]])
    return series.replace("END:VCALENDAR", f"{made}END:VCALENDAR")


async def test_a_moved_date_is_told_alone(office: Office) -> None:
    """DAV-24, DAV-25: the date, its old and new hour, and that the others stay; the mail's calendar has it alone."""
    series = meeting(SERIES, TOM_ASKED, ADA_ASKED)
    await office.mia.put("m.ics", series)
    await office.settle()
    office.mails.clear()
    await office.mia.put("m.ics", with_date(series, "20991208", "LOCATION:Kiruna", hour="14"))
    await office.settle()
    [mail] = office.mails
    assert mail["Subject"] == "Updated: Plan (Tuesday, December 8, 2099)"
    assert words(mail) == (
        "mia@example.org changed one date of this event.\n\nPlan\n\n"
        "When: Tuesday, December 8, 2099, 14:00–15:00 (UTC) (was: Tuesday, December 8, 2099, 10:00–11:00 (UTC))\n"
        "Where: Kiruna\n\nThe other dates don't change.\n\nReply in your calendar or mail app."
    )
    text = calendar_of(mail)
    assert text.count("BEGIN:VEVENT") == 1
    assert "RECURRENCE-ID:20991208T100000Z" in text
    assert "SEQUENCE:1" in text
    assert "RRULE" not in text
    toms = await office.entry("tom")
    assert toms.count("BEGIN:VEVENT") == 2
    assert "RRULE" in toms
    assert "DTSTART:20991208T140000Z" in toms


async def test_a_date_that_is_called_off_is_told_alone(office: Office) -> None:
    """DAV-24, DAV-25: with EXDATE; the series goes on, and its number is raised."""
    series = meeting(SERIES, TOM_ASKED, ADA_ASKED)
    await office.mia.put("m.ics", series)
    await office.settle()
    office.mails.clear()
    await office.mia.put("m.ics", series.replace(SERIES, f"{SERIES}\r\nEXDATE:20991208T100000Z"))
    await office.settle()
    [mail] = office.mails
    assert mail["Subject"] == "Canceled: Plan (Tuesday, December 8, 2099)"
    assert words(mail) == (
        "mia@example.org canceled one date of this event.\n\nPlan\n\n"
        "When: Tuesday, December 8, 2099, 10:00–11:00 (UTC)\n\nThe other dates don't change."
    )
    text = calendar_of(mail)
    assert "METHOD:CANCEL" in text
    assert "RECURRENCE-ID:20991208T100000Z" in text
    assert "STATUS:CANCELLED" in text
    assert "SEQUENCE:1" in text
    assert "SEQUENCE:1" in await office.entry("mia")
    main, exception = (await office.entry("tom")).split("BEGIN:VEVENT")[1:]
    assert "STATUS:CANCELLED" not in main
    assert "RECURRENCE-ID:20991208T100000Z" in exception
    assert "STATUS:CANCELLED" in exception


async def test_several_dates_are_a_list(office: Office) -> None:
    """DAV-25: those that change in one mail, those that are called off in another; a title of its own is named."""
    series = meeting(SERIES, ADA_ASKED)
    await office.mia.put("m.ics", series)
    await office.settle()
    office.mails.clear()
    after = with_date(with_date(series, "20991201", hour="12"), "20991208", "SUMMARY:Plan with cake")
    after = after.replace(SERIES, f"{SERIES}\r\nEXDATE:20991215T100000Z,20991222T100000Z", 1)
    await office.mia.put("m.ics", after)
    await office.settle()
    changed, off = office.mails
    assert changed["Subject"] == "Updated: Plan (Tuesday, December 1, 2099, …)"
    assert words(changed).split("\n\n")[:4] == [
        "mia@example.org changed several dates of this event.",
        "Plan",
        "When: Tuesday, December 1, 2099, 12:00–13:00 (UTC) (was: Tuesday, December 1, 2099, 10:00–11:00 (UTC))",
        "Plan with cake\nWhen: Tuesday, December 8, 2099, 10:00–11:00 (UTC)",
    ]
    assert off["Subject"] == "Canceled: Plan (Tuesday, December 15, 2099, …)"
    assert words(off).split("\n\n")[:4] == [
        "mia@example.org canceled several dates of this event.",
        "Plan",
        "When: Tuesday, December 15, 2099, 10:00–11:00 (UTC)",
        "When: Tuesday, December 22, 2099, 10:00–11:00 (UTC)",
    ]


async def test_a_date_that_moves_twice_and_is_called_off(office: Office) -> None:
    """DAV-24: each time against what the guests had last; the calendars of both agree."""
    series = meeting(SERIES, TOM_ASKED, ADA_ASKED)
    await office.mia.put("m.ics", series)
    await office.mia.put("m.ics", with_date(series, "20991208", hour="12"))
    await office.mia.put("m.ics", with_date(await office.entry("mia"), "20991215", hour="13"))
    await office.settle()
    office.mails.clear()
    again = (await office.entry("mia")).replace("DTSTART:20991208T120000Z", "DTSTART:20991208T140000Z")
    await office.mia.put("m.ics", again.replace("DTEND:20991208T130000Z", "DTEND:20991208T150000Z"))
    await office.settle()
    [mail] = office.mails
    assert "14:00–15:00 (UTC) (was: Tuesday, December 8, 2099, 12:00–13:00 (UTC))" in words(mail)
    assert "13:00" not in words(mail).replace("12:00–13:00", "")
    office.mails.clear()
    now = await office.entry("mia")
    first = now.index("BEGIN:VEVENT", now.index("RRULE"))
    parts = now[first:].split("BEGIN:VEVENT")[1:]
    moved = next(f"BEGIN:VEVENT{one}" for one in parts if "RECURRENCE-ID:20991208" in one)
    off = now.replace(moved.removesuffix("END:VCALENDAR\r\n"), "").replace(
        SERIES, f"{SERIES}\r\nEXDATE:20991208T100000Z"
    )
    await office.mia.put("m.ics", off)
    await office.settle()
    [mail] = office.mails
    assert mail["Subject"] == "Canceled: Plan (Tuesday, December 8, 2099)"
    assert "When: Tuesday, December 8, 2099, 14:00–15:00 (UTC)\n" in words(mail)
    toms = await office.entry("tom")
    assert toms.count("BEGIN:VEVENT") == 3
    assert toms.count("STATUS:CANCELLED") == 1


@pytest.mark.parametrize("what", ["rule", "title", "eleven dates", "a date is back"])
async def test_a_change_of_the_series_is_told_whole(office: Office, what: str) -> None:
    """DAV-24: also where a date is at its place by the rule again, which no message about it can say."""
    series = meeting("RRULE:FREQ=WEEKLY;COUNT=20", ADA_ASKED)
    before = with_date(series, "20991208", hour="12") if what == "a date is back" else series
    await office.mia.put("m.ics", before)
    await office.settle()
    office.mails.clear()
    dates = ",".join(f"2100{month:02}{day:02}T100000Z" for month, day in ((1, 5), (1, 12), (1, 19), (1, 26), (2, 2)))
    dates += ",20991201T100000Z,20991208T100000Z,20991215T100000Z,20991222T100000Z,20991229T100000Z,21000209T100000Z"
    match what:
        case "rule":
            after = series.replace("COUNT=20", "COUNT=19")
        case "title":
            after = with_date(series.replace("SUMMARY:Plan", "SUMMARY:Talk"), "20991208", hour="12")
        case "eleven dates":
            after = series.replace("COUNT=20", f"COUNT=20\r\nEXDATE:{dates}")
        case _:
            after = series
    await office.mia.put("m.ics", after)
    await office.settle()
    [mail] = office.mails
    assert "(" not in mail["Subject"]
    assert "changed this event" in words(mail)
    assert "RRULE" in calendar_of(mail)


async def test_a_guest_of_one_date_is_told_of_that_one(office: Office) -> None:
    """DAV-24: who isn't invited to the series hears nothing of other dates."""
    series = meeting(SERIES)
    with_ada = with_date(series, "20991208", ADA_ASKED)
    await office.mia.put("m.ics", with_ada)
    await office.settle()
    [mail] = office.mails
    assert mail["Subject"] == "Invitation: Plan (Tuesday, December 8, 2099)"
    await office.mia.put("m.ics", with_ada.replace(SERIES, f"{SERIES}\r\nEXDATE:20991215T100000Z"))
    await office.settle()
    assert len(office.mails) == 1
    await office.mia.put("m.ics", series)
    await office.settle()
    assert office.mails[1]["Subject"] == "Canceled: Plan (Tuesday, December 8, 2099)"
