"""Events of a form as calendars have them (WEBMAIL-174)."""

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.cards.calendarobject import CalendarObject, read_object
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.editing import Author, BadForm, Form, ended, following, form_of, new_event, series_changed

AUTHOR = Author("Mia", "mia@example.org", frozenset({"mia@example.org"}), 1_767_225_600)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def written(calendar: Component) -> CalendarObject:
    return read_object(write_component(calendar).encode())


def form(start: datetime, *, zone: str = "", rule: str = "", whole: bool = False, title: str = "Plan") -> Form:
    if whole:
        start = start.replace(hour=0, minute=0, second=0)
    return Form(
        title=title,
        place="",
        notes="",
        whole=whole,
        start=start,
        end=start + (timedelta(days=1) if whole else timedelta(hours=1)),
        zone="" if whole else zone,
        rule=rule,
        alarms=(),
        free=False,
        guests=(),
    )


TIMES = st.datetimes(at("0001-01-03"), at("9999-12-28")).map(lambda at: at.replace(microsecond=0))
TEXTS = st.text("aä,;:\\\n\"'^ ", max_size=10)
FORMS = st.builds(
    form,
    TIMES,
    zone=st.sampled_from(["", "UTC", "Europe/Berlin", "America/New_York"]),
    rule=st.sampled_from(["", "FREQ=WEEKLY;BYDAY=MO", "FREQ=DAILY;COUNT=5", "FREQ=MONTHLY;BYMONTHDAY=1"]),
    whole=st.booleans(),
    title=TEXTS.map(lambda text: " ".join(text.split())),
)


@given(FORMS)
def test_a_form_is_read_as_it_was_written(made: Form) -> None:
    """WEBMAIL-174: also in years before 1000, which people write as 26 for 2026."""
    entry = written(new_event(made, "1", AUTHOR))
    assert form_of(entry, entry.main) == made


@given(FORMS, st.integers(-172_800, 172_800))
def test_a_series_that_was_moved_is_where_it_was_moved_to(made: Form, seconds: int) -> None:
    """WEBMAIL-174: with days where all events move alike."""
    entry = written(new_event(made, "1", AUTHOR))
    moved = timedelta(days=seconds // 86_400) if made.whole else timedelta(seconds=seconds)
    target = msgspec.structs.replace(made, start=made.start + moved, end=made.end + moved)
    changed = written(series_changed(entry, target, made, AUTHOR))
    shown = form_of(changed, changed.main)
    assert (shown.start, shown.end - shown.start) == (target.start, made.end - made.start)


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("FREQ=DAILY;COUNT=5", "FREQ=DAILY;COUNT=3"),
        ("FREQ=DAILY;count=5", "FREQ=DAILY;COUNT=3"),
        ("FREQ=DAILY;COUNT=1", "FREQ=DAILY;COUNT=1"),
        ("FREQ=DAILY;UNTIL=20260110T090000Z", "FREQ=DAILY;UNTIL=20260110T090000Z"),
    ],
)
def test_a_series_that_goes_on_otherwise_has_the_events_that_are_left(rule: str, left: str) -> None:
    """WEBMAIL-174: those before are not counted again."""
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", "DTSTART:20260105T100000Z", f"RRULE:{rule}")
    entry = read_object("\r\n".join((*lines, "END:VEVENT", "END:VCALENDAR", "")).encode())
    shown = msgspec.structs.replace(form_of(entry, entry.main), start=at("2026-01-07T10"), end=at("2026-01-07T11"))
    later = msgspec.structs.replace(shown, title="Other")
    rest = written(following(entry, "20260107T100000Z", later, shown, AUTHOR, "2", 2))
    assert rest.main.value("RRULE") == left
    assert written(ended(entry, "20260107T100000Z")).main.value("RRULE") == "FREQ=DAILY;UNTIL=20260107T095959Z"


def test_an_event_must_not_end_before_it_starts() -> None:
    """WEBMAIL-174."""
    for made in (form(at("2026-01-01")), form(at("2026-01-01"), whole=True)):
        with pytest.raises(BadForm):
            new_event(msgspec.structs.replace(made, end=made.start - timedelta(seconds=1)), "1", AUTHOR)
