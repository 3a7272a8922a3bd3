"""``moxlite calendar`` and ``moxlite contacts`` of a running server (DAV-40)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import LocalServer

pytestmark = [pytest.mark.served, pytest.mark.slow]

ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Own/{name}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0300\r\n"
    "TZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)
EVENT = "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n{lines}\r\nSUMMARY:Plan {uid}\r\nEND:VEVENT\r\n"
GUEST = "ORGANIZER:mailto:moxlite@localhost\r\nATTENDEE:mailto:ada@remote.example\r\n"
FILE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
    + ZONE.format(name="One")
    + ZONE.format(name="Two")
    + EVENT.format(uid="1", lines="DTSTART;TZID=Own/One:20991124T100000\r\nRRULE:FREQ=DAILY;COUNT=3")
    + EVENT.format(uid="2", lines=f"{GUEST}DTSTART:20991124T100000Z")
    + EVENT.format(uid="1", lines="RECURRENCE-ID;TZID=Own/One:20991125T100000\r\nDTSTART;TZID=Own/One:20991125T120000")
    + EVENT.format(uid="bad", lines="DTSTART:x")
    + "END:VCALENDAR\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("groupware") / "server") as running:
        yield running


@pytest.mark.nightly
def test_a_calendar_is_made_filled_written_and_removed(server: LocalServer, tmp_path: Path) -> None:
    """DAV-40: entries by UID, with their zones; nothing is doubled, and no guest is told."""
    file = tmp_path / "file.ics"
    file.write_bytes(FILE.encode())
    server.cli("calendar", "create", "moxlite", "work", "--title", "Work")
    done = server.cli("calendar", "import", "moxlite", str(file), "--into", "work").stdout
    assert done.splitlines()[0] == "added 2, skipped 0 existing and 1 unreadable entries"
    again = json.loads(server.cli("--json", "calendar", "import", "moxlite", str(file)).stdout)
    assert (again["added"], again["known"], again["unread"]) == (0, 2, 1)
    rows = json.loads(server.cli("--json", "calendar", "list", "moxlite").stdout)
    assert {one["name"]: (one["title"], one["entries"]) for one in rows} == {
        "calendar": ("Calendar", 0),
        "work": ("Work", 2),
    }
    text = server.cli("calendar", "export", "moxlite", "work").stdout
    assert [text.count(one) for one in ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "TZID:Own/One", "Own/Two")] == [1, 3, 1, 0]
    assert json.loads(server.cli("--json", "queue", "list").stdout) == []
    server.cli("--yes", "calendar", "rm", "moxlite", "work")
    assert "work" not in server.cli("calendar", "list", "moxlite").stdout
    refused = server.cli("--yes", "calendar", "rm", "moxlite", "inbox", check=False)
    assert (refused.returncode, "can't be deleted" in refused.stderr) == (1, True)


def test_contacts_come_and_go_as_files(server: LocalServer, tmp_path: Path) -> None:
    """DAV-40, WEBMAIL-128"""
    file = tmp_path / "file.vcf"
    file.write_text("BEGIN:VCARD\nVERSION:3.0\nFN:Ada Lind\nEMAIL:ada@x.example\nEND:VCARD\nBEGIN:VCARD\nEND:VCARD\n")
    assert server.cli("contacts", "import", "moxlite", str(file)).stdout.startswith("added 1, skipped 0 existing and 1")
    assert "FN:Ada Lind\r\n" in server.cli("contacts", "export", "moxlite").stdout.replace("\n", "\r\n")
    assert "Ada Lind,Ada,Lind" in server.cli("contacts", "export", "moxlite", "--format", "csv").stdout
    assert json.loads(server.cli("--json", "contacts", "list", "moxlite").stdout)[0]["entries"] == 1
    none = server.cli("contacts", "share", "moxlite", "friends", "anyone", check=False)
    assert (none.returncode, none.stderr) == (
        1,
        'moxlite: address book not found: "friends"; to list address books, run: moxlite contacts list moxlite\n',
    )
    none = server.cli("calendar", "access", "moxlite", "work", "nothing", check=False)
    assert (none.returncode, none.stderr) == (
        1,
        'moxlite: calendar not found: "work"; to list calendars, run: moxlite calendar list moxlite\n',
    )
