"""Facts by which views show entries (DAV-9b)."""

import msgspec
import pytest

from moxlite.proto.cards.calendarobject import read_object
from moxlite.proto.cards.components import Instance
from moxlite.proto.cards.entryfacts import EntryFacts, decode_facts, encode_facts
from moxlite.proto.cards.entryreading import entry_facts

OWN = frozenset({"mia@example.org", "mia@example.net"})


def facts(*components: str) -> EntryFacts:
    inner = "".join(f"BEGIN:VEVENT\r\nUID:1\r\n{component}END:VEVENT\r\n" for component in components)
    return entry_facts(read_object(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inner}END:VCALENDAR\r\n".encode()))


def lines(*given: str) -> str:
    return "".join(f"{line}\r\n" for line in given)


def test_facts_of_a_series() -> None:
    """DAV-9b: of each component what views show, in one form that is stored."""
    found = facts(
        lines("DTSTART:20261124T100000Z", "RRULE:FREQ=DAILY", "SUMMARY:Plan\\, b", "LOCATION:Room", "STATUS:tentative"),
        lines("RECURRENCE-ID:20261125T100000Z", "DTSTART;VALUE=DATE:20261126", "TRANSP:TRANSPARENT", "SUMMARY:x"),
        lines("RECURRENCE-ID:20261126T100000Z", "DTSTART:20261126T110000", "DTEND:20261126T120000"),
    )
    assert decode_facts(encode_facts(found)) == found
    assert (found.repeated, found.main, found.privacy, found.organizer) == (True, 0, "public", None)
    first, second, third = found.parts
    assert (first.title, first.place, first.status, first.free, first.clock) == (
        "Plan, b",
        "Room",
        "TENTATIVE",
        False,
        "utc",
    )
    assert (second.clock, second.free, second.ends - second.starts) == ("date", True, 86_400)
    assert (third.clock, third.ends - third.starts) == ("local", 3600)


def test_single_instance() -> None:
    """DAV-9b: an entry that does not repeat has its own time."""
    assert facts(lines("DTSTART:20261124T100000Z")).single == Instance(1_795_514_400, 1_795_514_400, "", 0)


@pytest.mark.parametrize(
    ("organizer", "guest", "invited"),
    [
        ("mailto:tom@x.example", "mailto:MIA@example.org", True),
        ("mailto:mia@example.net", "mailto:mia@example.org", False),
        ("mailto:tom@x.example", "mailto:ann@x.example", False),
    ],
)
def test_people(organizer: str, guest: str, invited: bool) -> None:
    """DAV-9b: who is invited, and has answered what."""
    found = facts(lines("DTSTART:20261124T100000Z", f"ORGANIZER:{organizer}", f"ATTENDEE;PARTSTAT=accepted:{guest}"))
    assert found.invites(OWN) is invited
    assert [*found.parts[0].people.values()] == ["ACCEPTED"]


def test_an_agent_of_the_client_answers() -> None:
    """DAV-9b, RFC 6638 §7.1: then the server does not."""
    people = "ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:tom@x.example", "ATTENDEE:mailto:mia@example.org"
    assert not facts(lines("DTSTART:20261124T100000Z", *people)).invites(OWN)


def test_guests_see_times_alone() -> None:
    """DAV-9b, DAV-41: of private entries; nothing of secret ones."""
    event = ("DTSTART:20261124T100000Z", "SUMMARY:x", "LOCATION:y", "COLOR:red", "ATTENDEE:mailto:a@x.example")
    public = facts(lines(*event))
    assert public.for_guest() == public
    assert facts(lines(*event, "CLASS:CONFIDENTIAL")).for_guest() is None
    private = facts(lines(*event, "CLASS:PRIVATE", "ORGANIZER:mailto:a@x.example")).for_guest()
    assert private is not None
    assert private.organizer is None
    [part] = private.parts
    assert part == msgspec.structs.replace(public.parts[0], title="", place="", people={}, colour="")
    # A field that is added must be decided here, too.
    assert set(part.__struct_fields__) == {
        *("starts", "ends", "clock", "free"),  # guests see them
        *("title", "place", "status", "people", "link", "colour"),
    }
