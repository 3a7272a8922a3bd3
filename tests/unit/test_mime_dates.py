"""Dates."""

from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz
from random import Random

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime.dates import format_date, format_internaldate, parse_date, parse_internaldate

AT = 1795158000_000_000  # Fri, 20 Nov 2026 07:00:00 UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri, 20 Nov 2026 08:00:00 +0100", (AT, 60)),
        ("20 Nov 2026 08:00:00 +0100", (AT, 60)),
        ("Fri,20 Nov 2026 07:00 GMT", (AT, 0)),
        ("fri, 20 nov 26 02:00:00 EST", (AT, -300)),
        ("Fri, 20 Nov 126 07:00:00 Z", (AT, 0)),
        ("Fri (day), 20 Nov 2026 (x) 07:00:00 -0000 (UTC)", (AT, 0)),
        ("Fri, 20 Nov 2026 08:00:00 +0100 (CET (Berlin (\\) DE)))", (AT, 60)),
        ("Fri, 20 Nov 26 07(comment):   00  :  00 +0000", (AT, 0)),
        ("((((Fri, 20 Nov 2026 07:00:00", None),
        (f"Fri, 20 Nov 2026 08:00:00{' ' * 12}+0100", (AT, 60)),
        (
            "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland)",
            (-27_723_480_000_000, -210),
        ),
        ("20-Nov-2026 07:00:00", (AT, 0)),
        ("Fri, 020 Nov 2026 08:00:00 +0100", (AT, 60)),
        ("Friday, November 20, 2026 7:00 AM", (AT, 0)),
        ("Fri 20 Nov 2026 08:00:00 p.m. +0100", (AT + 12 * 3600_000_000, 60)),
        ("20 Nov 2026 12:00 am", (AT - 7 * 3600_000_000, 0)),
        ("20 Nov 2026 13:00 PM", (AT + 6 * 3600_000_000, 0)),
        ("2026-11-20 07:00:00", (AT, 0)),
        ("2026-11-20T08:00:00.123+01:00", (AT, 60)),
        ("2026-13-20 07:00:00", None),
        ("2026-02-30T07:00:00Z", None),
        ("Friday, 20 November 2026 07:00:00 UT", (AT, 0)),
        ("Fri Nov 20 07:00:00 2026", (AT, 0)),
        ("Fri Nov 20 08:00:00 CET 2026", (AT + 3600_000_000, 0)),
        ("Fri, 20 Nov 2026 07:00:00 GMT+0000", (AT, 0)),
        ("Fri, 20 Nov 2026 08:00:00.123 +01:00", (AT, 60)),
        ("Fri, 20 Nov 2026 06:59:60 +0000", (AT, 0)),
        ("Fri, 20 Nov 2026 07:00:00 +2400", (AT, 0)),
        ("Fri, 20 Nov 2026 07:00:00 -9999", (AT, 0)),
        ("Fri, 20 Nov 2026 07:00:00 XYZ", (AT, 0)),
        ("1 Jan 70 00:00:00 +0000", (0, 0)),
        ("31 Dec 1969 23:59:59 +0000", (-1_000_000, 0)),
        ("Fri, 20 Nov 10000 07:00:00 +0000", None),
        ("Fri, 20 Nov 99999 07:00:00 +0000", None),
        ("30 Feb 2026 00:00:00 +0000", None),
        ("20 Nov 2026 25:00:00 +0000", None),
        ("20 Foo 2026 07:00:00 +0000", None),
        ("0 Nov 2026 07:00:00 +0000", None),
        ("20 Nov 0000 07:00:00 +0000", None),
        ("31 Dec 9999 23:00:00 -0100", None),
        ("31 Dec 9999 23:00:00 +0100", (253_402_293_600_000_000, 60)),
        ("1 Jan 0001 00:00:00 +0100", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_of_messages_are_read_tolerantly(text: str, expected: tuple[int, int] | None) -> None:
    """STORE-56"""
    assert parse_date(text) == expected
    assert parse_date(text.encode()) == expected


ZONES = {"": 0, " +0000": 0, " GMT": 0, " -0000 (UTC)": 0, " UT": 0, " +0530": 330, " EST": -300, " -08:00": -480}


@given(st.randoms(use_true_random=False), st.integers(0, 30_000_000))
def test_dates_in_the_forms_of_programs_are_read(chance: Random, minutes: int) -> None:
    """STORE-56: words in the orders and spellings that Python's reader knows, too, half days and ISO 8601."""
    at = datetime.fromtimestamp(minutes * 60, UTC)
    day = chance.choice([f"{at.day}", f"{at.day:02}", f"{at.day:03}"])
    month, weekday = chance.choice(["%b", "%B"]), chance.choice(["%a, ", "%a ", "%A, "])
    time = chance.choice(["%H:%M:%S", "%H.%M.%S", "%H:%M", "%I:%M:%S %p"])
    zone = chance.choice([*ZONES])
    form = chance.choice(
        [
            f"{chance.choice(['', weekday])}{day} {month} %Y {time}{zone}",
            f"{day}-{month}-%Y {time}{zone}",
            f"{weekday}{month} {at.day}, %Y {time}{zone}",
            f"{weekday}{month} {at.day} {time}{zone.partition(' (')[0]} %Y",
            f"%Y-%m-%d{chance.choice('T ')}{time}{zone}",
        ]
    )
    text = at.strftime(form).replace(" ", " " * chance.choice([1, 1, 2, 12]))
    assert parse_date(text) == ((minutes - ZONES[zone]) * 60_000_000, ZONES[zone]), text
    known = parsedate_tz(text)
    if known is not None and not {"%p", ":00"} & {time[-2:], zone[-3:]} and "%Y-" not in form:
        assert mktime_tz(known) == (minutes - ZONES[zone]) * 60, text


def test_dates_are_written_as_rfc_5322_has_them() -> None:
    """QUEUE-101"""
    assert format_date(AT, 60) == "Fri, 20 Nov 2026 08:00:00 +0100"
    assert format_date(0, -330) == "Wed, 31 Dec 1969 18:30:00 -0530"


def test_internal_dates_have_a_fixed_width() -> None:
    """IMAP-93"""
    assert format_internaldate(AT, 60) == "20-Nov-2026 08:00:00 +0100"
    assert format_internaldate(0) == " 1-Jan-1970 00:00:00 +0000"


@pytest.mark.parametrize(
    "text",
    [
        "1-Jan-1970 00:00:00 +0000",
        "01-Jan-70 00:00:00 +0000",
        "31-Feb-2026 00:00:00 +0000",
        " 1-Jan-1970 00:00:00",
        "01-Xyz-1970 00:00:00 +0000",
    ],
)
def test_a_malformed_internal_date_is_none(text: str) -> None:
    """IMAP-93"""
    assert parse_internaldate(text) is None


MOMENTS = st.integers(-2_000_000_000, 250_000_000_000).map(lambda seconds: seconds * 1_000_000)
OFFSETS = st.integers(-14 * 60, 14 * 60)


@given(MOMENTS, OFFSETS)
def test_written_dates_are_read_back(moment: int, offset: int) -> None:
    """STORE-56, IMAP-93"""
    assert parse_date(format_date(moment, offset)) == (moment, offset)
    assert parse_internaldate(format_internaldate(moment, offset)) == (moment, offset)


@given(st.text(alphabet="0123456789 :+-ADFNOVadnov,.()", max_size=60))
def test_no_text_makes_reading_fail(text: str) -> None:
    """STORE-56"""
    parsed = parse_date(text)
    if parsed is not None:
        format_date(*parsed)
        format_internaldate(*parsed)


@given(st.lists(st.sampled_from(["", " ", "\t", "\r\n ", " " * 12, "\n\t" * 30]), min_size=6, max_size=6), st.data())
def test_any_number_of_blanks_is_one(blanks: list[str], data: st.DataObject) -> None:
    """STORE-56: between all words of a date (RFC 5322 §4.2)."""
    words = data.draw(
        st.sampled_from([("Fri,", "20", "Nov", "2026", "07:00:00", "+0000"), ("20", "Nov", "2026", "7:00")])
    )
    text = "".join(f"{blank} {word}" for blank, word in zip(blanks, words, strict=False))
    assert parse_date(text) == (AT, 0)
