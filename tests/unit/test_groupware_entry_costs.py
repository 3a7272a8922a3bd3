"""Octets that entries of calendars and address books take in memory, as the ledger counts them (STORE-198a)."""

from functools import partial
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from moxlite.encoding import from_msgpack
from moxlite.groupware.davclient import COST, MAX_ANSWER, MAX_LIST, read_properties
from moxlite.groupware.entries import parsed_cost
from moxlite.groupware.files import calendar_cost, contacts_cost
from moxlite.groupware.subscribing import MAX_FILE, memory_of
from moxlite.ledger import WORK
from moxlite.proto.cards.calendarfiles import MAX_COMPONENTS, counted_calendars, file_lines
from moxlite.proto.cards.calendarobject import CalendarObject, read_object
from moxlite.proto.cards.cardobject import read_card
from moxlite.proto.cards.components import Instance, write_component
from moxlite.proto.cards.contactfiles import read_contacts
from moxlite.proto.cards.limits import MAX_ENTRY, AboveLimit, check_extent, octets_of
from moxlite.proto.cards.repeating import joined
from moxlite.proto.cards.vcard import Unreadable
from moxlite.proto.dav.xml import CALDAV, DAV, element, text
from moxlite.sandbox.jobs import MAX_ENTRIES, Split, SplitCalendar, UIDEntry, split_room
from moxlite.sandbox.messages import Refused, Reply
from moxlite.sandbox.work import split_calendar
from moxlite.web.dav.entrydata import PORTION, PORTION_MADE, DataWanted, instances_text, portions
from moxlite.web.dav.reports import AS_TEXT, ESCAPED, SLICE
from tests.memory import peak

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20261121T100000Z\r\n"
START = "DTSTART:20261121T100000Z\r\nRRULE:FREQ=DAILY\r\n"
END = "END:VEVENT\r\nEND:VCALENDAR\r\n"
FACE = "\N{GRINNING FACE}"

LINES = {
    "empty": "X:\r\n" * 9_900,
    "short": "X-LINE:some words of a line\r\n" * 9_900,
    "faces": f"X-LINE:{'y' * 60}{FACE}\r\n" * 9_900,
    "ampersands": f"X-LINE:{'&' * 90}{FACE}\r\n" * 9_500,
    "parameters": "X-A;A=b;C=d;E=f:x\r\n" * 9_900,
    "many parameters": f"X-A;{';'.join(f'P{number}=v' for number in range(50))}:x\r\n" * 700,
    "long": f"DESCRIPTION:{'z' * 250_000}{FACE}\r\n" * 4,
    "times": f"EXDATE:{','.join(['20261122T100000Z'] * 1_000)}\r\n" * 55,
}


def entry(kind: str) -> bytes:
    octets = f"{HEAD}{START}{LINES[kind]}{END}".encode()
    assert len(octets) <= MAX_ENTRY
    check_extent(read_object(octets).calendar)
    return octets


def some_instances(calendar: CalendarObject, number: int) -> list[Instance]:
    first = 1_795_255_200
    times = [first + 86_400 * day for day in range(number)]
    return [*joined(calendar.parts, calendar.zones, times, (first - 86_400, times[-1] + 86_400))][:number]


@pytest.mark.parametrize("kind", LINES)
def test_parsed_entries_take_what_is_counted(kind: str) -> None:
    """STORE-198a: while they are read, and with the text that is written of them."""
    octets = entry(kind)
    assert peak(lambda: read_object(bytes(bytearray(octets)))) <= parsed_cost(len(octets))

    def written() -> str:
        return write_component(read_object(bytes(bytearray(octets))).calendar)

    assert peak(written) <= parsed_cost(len(octets)) + AS_TEXT * len(octets)


def test_parsed_cards_take_what_is_counted() -> None:
    """STORE-198a."""
    for lines in ("X:\r\n" * 9_900, f"PHOTO:data:image/png;base64,{'A' * 1_000_000}\r\n"):
        octets = f"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:a\r\nFN:x\r\n{lines}END:VCARD\r\n".encode()
        assert peak(partial(read_card, octets)) <= parsed_cost(len(octets))


@pytest.mark.parametrize("kind", LINES)
def test_portions_of_instances_take_what_is_counted(kind: str) -> None:
    """DAV-9, STORE-198a: their objects and text, and each slice of it until it is written."""
    octets = entry(kind)
    most = parsed_cost(len(octets)) + AS_TEXT * len(octets) + PORTION_MADE * PORTION
    data_wanted = DataWanted(f"{CALDAV}calendar-data", expand=(0, 1 << 40))
    made: list[str] = []

    def expand() -> None:
        calendar = read_object(bytes(bytearray(octets)))
        sizes = [octets_of(part) for part in calendar.parts]
        instances = some_instances(calendar, 40)
        parts = [*portions(instances, sizes)]
        assert [instance for portion in parts for instance in portion] == instances
        for portion in parts[:2]:
            assert len(portion) * sizes[0] <= max(PORTION, sizes[0])
            made[:] = [instances_text(calendar, data_wanted, portion)]

    assert peak(expand) <= most
    piece = made[0][:SLICE]
    assert peak(lambda: element("x", text(piece)).encode()) <= ESCAPED * len(piece.encode()) + 1_000


def test_the_largest_entry_is_a_piece_of_work() -> None:
    """STORE-198a: a report of the largest entry has room on the smallest machine."""
    assert AS_TEXT * MAX_ENTRY + ESCAPED * SLICE + parsed_cost(MAX_ENTRY) + PORTION_MADE * PORTION <= WORK


CALENDARS = {
    "short": "BEGIN:VEVENT\r\nEND:VEVENT\r\n{}",
    "known": "BEGIN:VEVENT\r\nUID:{}\r\nEND:VEVENT\r\n",
    "long UIDs": "BEGIN:VEVENT\r\nUID:{}" + "x" * 350 + "\r\nEND:VEVENT\r\n",
    "one UID": "BEGIN:VEVENT\r\nUID:1\r\nX:{}\r\nEND:VEVENT\r\n",
    "changed dates": "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:{}\r\nEND:VEVENT\r\n",
    "zones": "BEGIN:VEVENT\r\nUID:{}\r\n" + "X;TZID={}:1\r\n" * 3 + "END:VEVENT\r\n",
    "long": "BEGIN:VEVENT\r\nUID:{}\r\n" + f"X:{'y' * 60}{FACE}\r\n" * 9_900 + "END:VEVENT\r\n",
}


@pytest.mark.parametrize("kind", CALENDARS)
def test_calendar_files_take_what_is_counted(tmp_path: Path, kind: str) -> None:
    """STORE-198a: whatever they have, as a file of 20 MiB doesn't."""
    one = CALENDARS[kind]
    number = 2 if kind == "long" else 10_000
    events = "".join(one.replace("{}", str(at)) for at in range(number))
    path = tmp_path / "a.ics"
    path.write_bytes(f"BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n".encode())

    def read() -> None:
        with path.open("rb") as file, (tmp_path / "texts").open("w+b") as texts:
            pieces = iter(partial(file.read, 64 << 10), b"")
            for _ in counted_calendars(file_lines(pieces), texts):
                pass

    assert peak(read) <= calendar_cost(path.stat().st_size) + (64 << 10) * 8


@pytest.mark.parametrize("row", ["Ada,a{}@e.example,some words of a note\n", f'Ada,,"{"z" * 100_000}{FACE}"\n'])
def test_tables_take_what_is_counted(row: str) -> None:
    """STORE-198a."""
    rows = (row.replace("{}", str(at)) for at in range(600_000 // len(row)))
    octets = f"Name,E-mail,Notes\n{''.join(rows)}".encode()
    pieces = [octets[at : at + (64 << 10)] for at in range(0, len(octets), 64 << 10)]
    assert peak(lambda: [None for _ in read_contacts(pieces)]) <= contacts_cost(len(octets))


def test_files_of_any_size_are_a_piece_of_work() -> None:
    """STORE-198a."""
    assert max(calendar_cost(1 << 30), contacts_cost(1 << 30)) <= WORK


def test_files_of_too_many_components_are_refused() -> None:
    """DAV-40: before they are held."""
    lines = ["BEGIN:VCALENDAR", *["BEGIN:VEVENT", "END:VEVENT"] * (MAX_COMPONENTS + 1), "END:VCALENDAR"]
    with pytest.raises(Unreadable, match="more than 50,000 events"):
        next(counted_calendars(lines, BytesIO()))


def test_lines_with_many_parameters_count_as_several() -> None:
    """DAV-5a."""
    line = f"X-A;{';'.join(f'P{number}=v' for number in range(40))}:x\r\n"
    check_extent(read_object(f"{HEAD}{START}{line * 900}{END}".encode()).calendar)
    with pytest.raises(AboveLimit, match="10,000 lines"):
        check_extent(read_object(f"{HEAD}{START}{line * 1_000}{END}".encode()).calendar)


ENTRIES = "BEGIN:VEVENT\r\nUID:{}\r\nSUMMARY:{}\r\nEND:VEVENT\r\n"
ZONED = "BEGIN:VEVENT\r\nUID:{}\r\nDTSTART;TZID=Here:20261121T100000\r\nSUMMARY:{}\r\nEND:VEVENT\r\n"
ZONE = f"BEGIN:VTIMEZONE\r\nTZID:Here\r\n{'X:y' * 200}\r\nEND:VTIMEZONE\r\n"


@pytest.mark.parametrize(
    ("head", "one", "words"),
    [("", ENTRIES, ""), ("", ENTRIES, FACE * 60), (ZONE, ZONED, ""), ("", ENTRIES, "y" * 900)],
    ids=["short", "faces", "zones", "long"],
)
def test_subscribed_calendars_take_what_is_counted(head: str, one: str, words: str) -> None:
    """STORE-198a, DAV-44: the file, and the sandbox's answer until its entries are stored."""
    events = "".join(one.format(number, words) for number in range(MAX_ENTRIES))
    file = f"BEGIN:VCALENDAR\r\n{head}{events}"[: MAX_FILE // 4].rpartition("BEGIN:VEVENT")[0].encode()
    reply = msgspec.msgpack.encode(Reply("done", answer=msgspec.Raw(msgspec.msgpack.encode(split(file)))))

    def read() -> Split:
        received = bytearray(reply)
        answer = from_msgpack(received, Reply).answer
        del received
        return from_msgpack(answer, Split)

    assert len(file) + peak(read) <= memory_of(len(file)) <= memory_of(MAX_FILE) <= WORK


def split(file: bytes) -> Split:
    try:
        return split_calendar(SplitCalendar(file))
    except Refused:  # as it has too many zones: the largest answer that could be
        entry = UIDEntry("x" * 30, bytes(1_000))
        return Split("", (entry,) * (split_room(len(file)) // 1_030))


RESPONSE = "<response><href>/{}</href><propstat><status> 200</status><prop>{}</prop></propstat></response>"


@pytest.mark.parametrize(
    "inner",
    [
        RESPONSE.format("a", "<getetag/>") * 20_000,
        RESPONSE.format("x" * 100, "<getetag>y</getetag>") * 20_000,
        "<response><href>/</href></response>" * 50_000,
        RESPONSE.format("a", "<b/>" * 1_900) * 70 + "<a b='c' d='e'/>" * 10_000,
        RESPONSE.format("a", f"<getetag>{'<a/>' * 1_900}</getetag>") * 70,
        RESPONSE.format("a", f"<getetag>{f'y{FACE}' * 300_000}</getetag>"),
    ],
    ids=["short", "usual", "addresses", "others", "nested", "faces"],
)
def test_answers_of_other_servers_take_what_is_counted(inner: str) -> None:
    """STORE-198a, DAV-43: the responses in it are parsed one by one."""
    body = f'<multistatus xmlns="DAV:">{inner}</multistatus>'.encode()
    names = (DAV + "getetag",)
    assert len(body) <= MAX_LIST
    assert read_properties(body, names)
    assert len(body) + peak(lambda: read_properties(body, names)) <= COST * min(len(body), MAX_ANSWER) <= WORK
