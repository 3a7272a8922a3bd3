"""All calendars and contacts as one .zip, and what a browser hears of an import (DAV-49a, DAV-49b, WEBMAIL-128)."""

import base64
import io
import itertools
import random
import zipfile
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from moxlite.groupware import files
from moxlite.groupware.commands import GroupwareCommands
from moxlite.ledger import begin
from moxlite.net.control.server import CommandFailed
from moxlite.operations import description
from moxlite.operations.groupware import ExportCalendar, ExportContacts
from moxlite.processor import act_for
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.groupware.collection import (
    Collection,
    CollectionChange,
    collection_named,
    collections_of,
    patch_collection,
)
from moxlite.store.groupware.resources import ResourceFacts, card_facts, put_resource
from moxlite.store.groupware.subscriptions import subscribe
from tests.memory import at_most
from tests.session.test_web_addressbooks import tom
from tests.session.test_web_dav import BOOK, Program, calendar, card, event
from tests.web_rig import Browser, Rig

__all__ = ["tom"]

pytestmark = pytest.mark.served

JPEG = b"\xff\xd8\xff" + bytes(range(256)) * 400  # 100 KiB
PHOTO = "PHOTO:data:image/jpeg;base64," + base64.b64encode(JPEG).decode()


async def upload(browser: Browser, data: bytes) -> str:
    headers = {"x-moxlite-csrf": browser.csrf}
    answer = await browser.fetch("/webmail/upload?filename=x", method="POST", headers=headers, body=data)
    found: str = msgspec.json.decode(answer.body)["result"]["upload_id"]
    return found


async def take(browser: Browser, data: bytes) -> Any:
    return await browser.call("contacts_import", upload_id=await upload(browser, data))


def packed(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def saved(browser: Browser) -> dict[str, bytes]:
    answer = await browser.fetch("/webmail/calendars-and-contacts.zip")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    return unpacked(answer.body)


async def fill(rig: Rig) -> None:
    """Two calendars, two address books; one contact with a photo of 100 KiB."""
    program = Program(rig)
    await program.put("1.ics", event("1", "SUMMARY:Plan"))
    await program.put("2.ics", calendar("UID:2", "DTSTAMP:20260101T000000Z", "SUMMARY:Do", kind="VTODO"))
    await program.ask("MKCALENDAR", "/dav/calendars/mia/choir/")
    await program.ask("MKCOL", "/dav/addressbooks/mia/friends/", _new_book("Friends / 2"))
    await program.put("3.ics", event("3", "SUMMARY:Song"), "/dav/calendars/mia/choir/")
    await program.put("a.vcf", card("a", PHOTO, "X-OWN:kept", name="Ada"), BOOK)
    await program.put("b.vcf", card("b", name="Bo", version="3.0"), "/dav/addressbooks/mia/friends/")


def _new_book(title: str) -> str:
    kind = "<D:resourcetype><D:collection/><CR:addressbook/></D:resourcetype>"
    spaces = 'xmlns:D="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
    prop = f"<D:prop>{kind}<D:displayname>{title}</D:displayname></D:prop>"
    return f"<D:mkcol {spaces}><D:set>{prop}</D:set></D:mkcol>"


def _paint(tx: AccountTx) -> None:
    choir = collection_named(tx, "calendar", "choir")
    patch_collection(tx, choir, CollectionChange(colour="#3a87ad"))


async def test_all_is_saved_as_one_file_and_comes_back(rig: Rig, browser: Browser, tom: Browser) -> None:
    """DAV-49a: to the letter, each in the calendar or address book of its name; what is there stays."""
    await fill(rig)
    async with rig.account() as account:
        await account.write(_paint)
    members = await saved(browser)
    assert sorted(members) == [
        "address-books/Contacts.vcf",
        "address-books/Friends _ 2.vcf",
        "calendars/Calendar.ics",
        "calendars/choir.ics",
    ]
    assert PHOTO in members["address-books/Contacts.vcf"].decode().replace("\r\n ", "")
    assert b"X-OWN:kept" in members["address-books/Contacts.vcf"]
    assert b"VERSION:3.0" in members["address-books/Friends _ 2.vcf"]
    assert b"BEGIN:VTODO" in members["calendars/Calendar.ics"]
    whole = packed(members)
    done = await take(tom, whole)
    assert done == {"added": 5, "known": 0, "unread": 0, "dropped": 0, "problems": []}
    assert (await take(tom, whole))["known"] == 5
    again = await saved(tom)
    assert again.keys() == members.keys()
    for name in ("address-books/Contacts.vcf", "calendars/choir.ics"):
        assert len(again[name]) > 100
    shown = {one["name"]: one for one in await tom.call("calendars")}
    assert {"Calendar", "choir"} <= shown.keys()
    assert shown["choir"]["colour"] == "#3a87ad"
    calendar_id = shown["Calendar"]["id"]
    found = await tom.call("calendar_import", calendar_id=calendar_id, upload_id=await upload(tom, whole))
    assert found["known"] == 5
    [ada] = (await tom.call("contacts", search="ada"))["contacts"]
    photo = await tom.fetch(f"/webmail/photo/{ada['photo']}")
    assert photo.body == JPEG


async def test_cards_with_all_ends_of_lines_come_back(rig: Rig, browser: Browser, tom: Browser) -> None:
    """DAV-11, DAV-49a: each is saved as it was put, CR alone too, and found among the others."""
    program = Program(rig)
    for number, end in enumerate(("\r", "\r\n", "\n", "\r")):
        written = card(str(number), "NOTE:folded\r\n  line", name=f"P{number}").replace("\r\n", end)
        assert (await program.put(f"{number}.vcf", written, BOOK)).status == 201
    whole = packed(await saved(browser))
    assert await take(tom, whole) == {"added": 4, "known": 0, "unread": 0, "dropped": 0, "problems": []}
    assert b"NOTE:folded\n  line\nEND:VCARD\n" in (await saved(tom))["address-books/Contacts.vcf"]
    assert (await take(tom, whole))["known"] == 4


async def test_exports_of_contacts_have_their_photos(rig: Rig, browser: Browser, tom: Browser) -> None:
    """WEBMAIL-128, WEBMAIL-128b: of up to 128 KiB, in version 4.0, and an import takes them."""
    await fill(rig)
    text = (await browser.fetch("/webmail/contacts.vcf")).body.decode()
    assert PHOTO in text.replace("\r\n ", "")
    assert text.count("VERSION:4.0") == 2
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert (await take(tom, text.encode()))["added"] == 2
    [ada] = (await tom.call("contacts", search="ada"))["contacts"]
    assert (await tom.fetch(f"/webmail/photo/{ada['photo']}")).body == JPEG


class Download:
    """What a command sends."""

    def __init__(self) -> None:
        self.octets = bytearray()
        self.ended = False

    async def send(self, octets: bytes) -> None:
        self.octets += octets
        await trio.lowlevel.checkpoint()

    async def end(self) -> None:
        self.ended = True
        await trio.lowlevel.checkpoint()


async def test_damaged_entries_are_left_out_and_told(
    rig: Rig, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """DAV-40, DAV-49, DAV-49a: the others are written; a command fails, a .zip has a list, the log too."""
    await fill(rig)
    program = Program(rig)
    await program.put("4.ics", event("4", "SUMMARY:Trip"))
    await program.put("c.vcf", card("c", name="Cy"), BOOK)

    def damage(tx: AccountTx) -> None:
        home, book = collection_named(tx, "calendar", "calendar"), collections_of(tx, "contact")[0]
        put_resource(tx, home.id, "1.ics", b"SUMMARY;LANGUAGE=en:Pl\x1ban\r\nX", ResourceFacts("1", "VEVENT"))
        put_resource(tx, home.id, "2.ics", b"\0", ResourceFacts("2", "VTODO"))
        put_resource(tx, book.id, "a.vcf", b"BEGIN:VCARD\nFN:Ada\n", card_facts(card("a", name="Ada").encode()))

    async with rig.account() as account:
        await account.write(damage)
    [calendar_id] = [one["id"] for one in await browser.call("calendars") if one["name"] == "Calendar"]
    text = (await browser.fetch(f"/webmail/calendar/{calendar_id}.ics")).body
    assert (text.count(b"BEGIN:VEVENT"), b"SUMMARY:Trip" in text, text[-15:]) == (1, True, b"END:VCALENDAR\r\n")
    members = await saved(browser)
    assert members["calendars/Calendar.ics"] == text
    plan, task = members["errors.txt"].decode().splitlines()
    assert plan.startswith("Calendar: Pl an: ")
    assert task.startswith("Calendar: an entry: ")
    assert (await browser.fetch("/webmail/contacts.vcf")).body.count(b"FN:") == 2
    assert sum("skipped damaged entry" in record.message for record in caplog.records) == 5
    house = rig.house
    run = GroupwareCommands(
        rig.holder,
        rig.accounts,
        rig.auth,
        house.subscriptions,
        house.files.spools.directory,
    ).registry()
    for request, told in (
        (ExportCalendar("mia"), 2),
        (ExportCalendar("mia", all=True), 2),
        (ExportContacts("mia"), 1),
    ):
        download = Download()
        exchange: Any = SimpleNamespace(download=download)
        with pytest.raises(CommandFailed) as failed:
            await run[description(type(request)).name].run(request, exchange)
        assert str(failed.value).count("; ") == told - 1
        assert (download.ended, len(download.octets) > 50) == (True, True)


async def test_subscribed_calendars_and_messages_about_events_are_left_out(rig: Rig) -> None:
    """DAV-49a: names that differ in case alone are numbered."""
    mia = rig.browser()
    await mia.log_in()
    await mia.call("calendars")
    await mia.call("calendar_save", change={"name": "CALENDAR"})
    holidays = Collection(0, "calendar", "holidays", display_name="Holidays", components=("VEVENT",))
    async with rig.account() as account:
        await account.write(lambda tx: subscribe(tx, holidays, "https://x.example/a.ics"))
    assert sorted(await saved(mia)) == [
        "address-books/Contacts.vcf",
        "calendars/CALENDAR (2).ics",
        "calendars/Calendar.ics",
    ]


@pytest.mark.parametrize("name", ["../../etc/x.ics", "/etc/x.ics", "calendars\\..\\x.ics", "C:\\x.ics", "x\ty.ics"])
async def test_names_in_a_zip_are_no_paths(browser: Browser, name: str) -> None:
    """DAV-49a: nothing is written by them."""
    text = event("1").replace("VERSION:2.0", "VERSION:2.0\r\nX-WR-CALNAME:../../up")
    assert (await take(browser, packed({name: text.encode()})))["added"] == 1
    assert "../../up" in [one["name"] for one in await browser.call("calendars")]


async def test_hostile_archives_are_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-49a: too many files, too many octets, sizes that lie, damage; what else is in one is left out."""
    monkeypatch.setattr(files, "MAX_MEMBERS", 5)
    text = event("1").encode()
    many = packed({f"{number}.ics": text for number in range(6)})
    lying = packed({"a.ics": b" " * 2_000_000 + text})
    size = (2_000_000 + len(text)).to_bytes(4, "little")
    for data, words in (
        (many, "more than 5 files"),
        (packed({"a.ics": b" " * (21 << 20)}), None),
        (lying.replace(size, (1000).to_bytes(4, "little")), "checksum"),
        (packed({"a.ics": text})[:-30], "zip file"),
    ):
        upload_id = await upload(browser, data)
        if words is None:
            done = await browser.call("contacts_import", upload_id=upload_id)
            assert done["problems"][0]["message"] == "a: the file is larger than 20 MiB"
            continue
        answer = await browser.post("contacts_import", {"upload_id": upload_id})
        assert answer.status == 400
        assert words in answer.body.decode(), answer.body
    assert await browser.error("contacts_import", upload_id=await upload(browser, packed({"readme.txt": b"x"}))) == (
        400,
        "user:error",
    )
    strange = packed({"__MACOSX/._a.ics": b"\0", "notes.txt": b"x", "b.zip": many, "c.vcf": card("c").encode()})
    assert (await take(browser, strange))["added"] == 1


async def test_a_bomb_takes_no_memory(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-49a, STORE-199: the directory says how large the files are, and none is read beyond that."""
    monkeypatch.setattr(files, "MAX_UNPACKED", 8 << 20)
    bomb = packed({f"{number}.vcf": b"\n" * (4 << 20) for number in range(3)})
    assert len(bomb) < 100_000
    upload_id = await upload(browser, bomb)
    with at_most(10_000_000):
        answer = await browser.post("contacts_import", {"upload_id": upload_id})
    assert b"larger than 8 MiB" in answer.body
    large = packed({"a.vcf": b"BEGIN:VCARD\nNOTE:" + (b"x" * 127 + b"\n") * (32 << 10)})
    upload_id = await upload(browser, large)
    with at_most(25_000_000):
        done = await browser.call("contacts_import", upload_id=upload_id)
    assert done["unread"] == 1


async def test_files_are_read_once_there_is_room(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198a, DAV-40: an import reserves what its file needs, and is refused in words without room."""
    monkeypatch.setattr("moxlite.ledger.MAX_WAITING", 0)
    book = begin(64 << 20)
    large = await upload(browser, packed({"a.ics": event("1").encode()}))
    small = await upload(browser, card("c").encode())
    act_for("mia")
    hold = book.hold()
    hold.count("report", 20 << 20)
    answer = await browser.post("contacts_import", {"upload_id": large})
    assert answer.status == 503
    assert b"the server is busy" in answer.body
    assert (await browser.call("contacts_import", upload_id=small))["added"] == 1
    hold.close()
    assert book.octets == 0


async def test_a_zip_of_large_entries_is_written_as_a_stream(rig: Rig) -> None:
    """DAV-49a, STORE-199: some at a time, however many there are."""
    note = "x" * 800_000

    def add(tx: AccountTx, number: int) -> None:
        octets = card(f"c{number}", f"NOTE:{note}").encode()
        [book] = collections_of(tx, "contact")
        put_resource(tx, book.id, f"{number}.vcf", octets, card_facts(octets))

    mia = rig.browser()
    await mia.log_in()
    await mia.call("calendars")
    async with rig.account() as account:
        for number in range(30):
            await account.write(lambda tx: add(tx, number))  # noqa: B023 at once
    with at_most(20_000_000):
        answer = await mia.fetch("/webmail/calendars-and-contacts.zip")
    assert unpacked(answer.body)["address-books/Contacts.vcf"].count(b"BEGIN:VCARD") == 30


async def test_the_state_of_an_import_is_told_and_it_can_be_stopped(
    browser: Browser, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-49b: entries so far, and about how many there are; what was added by the end stays."""
    cards = "".join(card(str(number), name=f"Person {number}") for number in range(500))
    upload_id = await upload(browser, cards.encode())
    assert await browser.call("file_import_state", upload_id=upload_id) is None
    reached, go_on = trio.Event(), trio.Event()
    add = files._add_contacts

    async def held(*arguments: Any) -> None:
        await add(*arguments)
        if arguments[-1].done >= 100:
            reached.set()
            await go_on.wait()

    monkeypatch.setattr(files, "_add_contacts", held)
    done: list[Any] = []

    async def run() -> None:
        done.append(await browser.call("contacts_import", upload_id=upload_id))

    nursery.start_soon(run)
    await reached.wait()
    state = await browser.call("file_import_state", upload_id=upload_id)
    assert state["done"] == 100
    assert 90 < state["about"] <= 600
    await browser.call("file_import_stop", upload_id=upload_id)
    go_on.set()
    while not done:
        await trio.testing.wait_all_tasks_blocked(0.01)
    assert done[0]["added"] == 100
    assert await browser.call("file_import_state", upload_id=upload_id) is None
    await browser.call("file_import_stop", upload_id=upload_id)
    assert (await browser.call("contacts"))["total"] == 100


async def test_many_broken_entries_take_no_memory(browser: Browser) -> None:
    """DAV-49a: of an archive full of cards that cannot be read all are counted, and the first are told."""
    broken = b"BEGIN:VCARD\r\nVERSION:9\r\nEND:VCARD\r\n" * 15_000
    upload_id = await upload(browser, packed({f"{number}.vcf": broken for number in range(3)}))
    done = await browser.call("contacts_import", upload_id=upload_id)
    assert (done["added"], done["unread"], len(done["problems"])) == (0, 45_000, 20)


ODD = """
BEGIN:VEVENT\nUID:1\nSUMMARY:Underscore\nDTSTART:20261201T100000Z\nX-COST_CENTER:7\nX-a/b:8\nEND:VEVENT
BEGIN:VEVENT\nUID:2\nSUMMARY:No colon\nDTSTART:20261202T100000Z\nDESCRIPTION:first\nsecond\nEND:VEVENT
BEGIN:VEVENT\nUID:3\nSUMMARY:End\nDTSTART:20261203T100000Z\nDTEND:20261203T1100000Z\nEND:VEVENT
BEGIN:VEVENT\nUID:4\nSUMMARY:Rule\nDTSTART:20261204T100000Z\nRRULE:FREQ=OFTEN\nEND:VEVENT
BEGIN:VEVENT\nUID:5\nSUMMARY:Zone\nDTSTART;TZID=Customized Time Zone:20261205T100000\nEND:VEVENT
BEGIN:VEVENT\nUID:6\nSUMMARY:Dates\nDTSTART:20261206T100000Z\nRRULE:FREQ=DAILY;COUNT=2\nEXRULE:FREQ=OFTEN\nEND:VEVENT
BEGIN:VEVENT\nUID:7\nSUMMARY:Stamp\nDTSTART:20261208T100000Z\nCREATED:today\nEND:VEVENT
BEGIN:VEVENT\nUID:8\nSUMMARY:Start\nDTSTART:yesterday\nEND:VEVENT
"""
"""Events of which each has a line that is wrong. Without the last one's there would be no event."""


async def test_one_odd_line_drops_no_event(rig: Rig, browser: Browser) -> None:
    """DAV-40, DAV-49: the entry stays as far as a calendar can have it; CalDAV stays strict (RFC 4791 §5.3.2.1)."""
    data = f"BEGIN:VCALENDAR\nVERSION:2.0\n{ODD.strip()}\nEND:VCALENDAR\n".encode()
    [calendar] = [one["id"] for one in await browser.call("calendars")]
    for added in (7, 0):
        done = await browser.call("calendar_import", calendar_id=calendar, upload_id=await upload(browser, data))
        assert (done["added"], done["unread"]) == (added, 1)
    assert [problem["message"] for problem in done["problems"]] == [
        "No colon: skipped lines that can't be read",
        "End: skipped the end because it isn't valid",
        "Rule: skipped the repeat rule because it isn't valid",
        "Zone: unknown time zone, so times are the same in all time zones",
        "Dates: kept dates that a second rule (EXRULE) excludes",
        "Start: DTSTART is invalid",
    ]
    shown = await browser.call("events", since=1_764_000_000, until=1_797_000_000, calendar_ids=[calendar])
    titles = ["Underscore", "No colon", "End", "Rule", "Zone", "Dates", "Dates", "Stamp"]
    assert [one["title"] for one in sorted(shown["events"], key=lambda one: one["starts"])] == titles
    whole = (await browser.fetch(f"/webmail/calendar/{calendar}.ics")).body.decode()
    assert "X-COST_CENTER:7\r\nX-a/b:8\r\n" in whole
    assert (await Program(rig).put("odd.ics", event("odd", "X-COST_CENTER:7"))).status == 201
    assert (await Program(rig).put("text.ics", event("text", "X-A:7", "second"))).status == 403


async def test_times_of_an_unknown_zone_are_in_the_zone_of_the_file(rig: Rig, browser: Browser) -> None:
    """DAV-40: else in that of the calendar, and the import says so."""
    event_lines = "BEGIN:VEVENT\nUID:{}\nSUMMARY:Choir\nDTSTART;TZID=Customized Time Zone:20261205T100000\nEND:VEVENT\n"
    [calendar] = [one["id"] for one in await browser.call("calendars")]
    for uid, head in (("own", "X-WR-TIMEZONE:Asia/Tokyo\n"), ("none", "")):
        data = f"BEGIN:VCALENDAR\nVERSION:2.0\n{head}{event_lines.format(uid)}END:VCALENDAR\n".encode()
        done = await browser.call("calendar_import", calendar_id=calendar, upload_id=await upload(browser, data))
        told = "times are in Asia/Tokyo" if head else "times are the same in all time zones"
        assert [problem["message"] for problem in done["problems"]] == [f"Choir: unknown time zone, so {told}"]
    whole = (await browser.fetch(f"/webmail/calendar/{calendar}.ics")).body.decode()
    assert "DTSTART;TZID=Asia/Tokyo:20261205T100000\r\n" in whole
    assert "BEGIN:VTIMEZONE\r\nTZID:Asia/Tokyo\r\n" in whole
    assert "DTSTART:20261205T100000\r\n" in whole


async def test_a_calendar_without_uids_is_imported_once(browser: Browser) -> None:
    """DAV-40, DAV-49: events of a club, and those that share one UID; a second import changes nothing."""
    lines = "BEGIN:VEVENT\r\n{}DTSTART:2026120{}T100000Z\r\nSUMMARY:Match {}\r\nEND:VEVENT\r\n"
    events = [lines.format(uid, number, number) for uid in ("", "UID:same\r\n") for number in (1, 2, 3)]
    data = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n".encode()
    [calendar] = [one["id"] for one in await browser.call("calendars")]
    for added in (6, 0):
        done = await browser.call("calendar_import", calendar_id=calendar, upload_id=await upload(browser, data))
        assert (done["added"], done["problems"]) == (added, [])
    shown = await browser.call("events", since=1_764_000_000, until=1_797_000_000, calendar_ids=[calendar])
    assert len(shown["events"]) == 6


WHOLE = {
    "DTEND": ":20261205T110000Z",
    "DURATION": ":PT1H",
    "RRULE": ":FREQ=WEEKLY;COUNT=3",
    "EXRULE": ":FREQ=WEEKLY;INTERVAL=2;COUNT=2",
    "EXDATE": ":20261212T100000Z",
    "RDATE": ":20261207T100000Z",
    "SEQUENCE": ":1",
    "STATUS": ":CONFIRMED",
    "CLASS": ":PRIVATE",
    "TRANSP": ":OPAQUE",
    "PRIORITY": ":5",
    "GEO": ":48.85;2.35",
    "LOCATION": ";LANGUAGE=fr:Paris",
    "DESCRIPTION": ":Bring cake",
    "CATEGORIES": ":Work,Home",
    "ORGANIZER": ";CN=Ann:mailto:ann@else.example",
    "ATTENDEE": ";PARTSTAT=ACCEPTED;CN=Bo:mailto:bo@else.example",
    "ATTACH": ";FMTTYPE=text/plain:https://else.example/a.txt",
    "URL": ":https://else.example/",
    "CONTACT": ":Ann",
    "COMMENT": ":none",
    "RELATED-TO": ";RELTYPE=PARENT:other",
    "RECURRENCE-ID": ":20261205T100000Z",
    "REQUEST-STATUS": ":2.0;Success",
    "DTSTAMP": ":20261201T100000Z",
    "CREATED": ":20261201T100000Z",
    "LAST-MODIFIED": ":20261201T100000Z",
    "COLOR": ":red",
    "X-OWN": ";X-P=1:2",
}
"""Properties of an event, with what follows their names."""

DAMAGES: dict[str, Callable[[str, str], str]] = {
    "nothing": lambda name, rest: name + rest,
    "no colon": lambda name, rest: name + rest.replace(":", " "),
    "no value": lambda name, rest: name + ":",
    "a word": lambda name, rest: f"{name}:xyz",
    "a digit too many": lambda name, rest: f"{name}{rest}9",
    "one too few": lambda name, rest: name + rest[:-2],
    "an odd name": lambda name, rest: f"{name}_/ x{rest}",
    "a parameter without a value": lambda name, rest: f"{name};X{rest}",
    "an open quote": lambda name, rest: f'{name};CN="Ann{rest}',
    "an odd parameter": lambda name, rest: f"{name};A_b/c=1;;={rest}",
    "an unknown type": lambda name, rest: f"{name};VALUE=LUNAR{rest}",
    "an unknown zone": lambda name, rest: f"{name};TZID=Moon{rest}".replace("Z", ""),
    "a control": lambda name, rest: f"{name}{rest}\x01\x7f",
    "an octet": lambda name, rest: f"{name}{rest}\udcff",
    "twice": lambda name, rest: f"{name}{rest}\n{name}{rest}",
    "a text below": lambda name, rest: f"{name}{rest}\nthe second line of it",
    "an empty line below": lambda name, rest: f"{name}{rest}\n\n",
    "a component below": lambda name, rest: f"{name}{rest}\nBEGIN:X-OTHER\n{name}{rest}\nEND:X-OTHER",
    "an odd alarm below": lambda name, rest: f"{name}{rest}\nBEGIN:VALARM\nTRIGGER:x\n{name}{rest}\nEND:VALARM",
}


def odd_events(seed: int) -> dict[str, str]:
    """Events by title: each has one property that is damaged in one way, between others in any order."""
    chance, made = random.Random(seed), dict[str, str]()
    for name, (damage, change) in itertools.product(WHOLE, DAMAGES.items()):
        title = f"{name} with {damage}"
        others = [other for other in chance.sample([*WHOLE], 3) if other != name and other[-2:] not in ("ID", "LE")]
        lines = [other + WHOLE[other] for other in others if not {other, name} >= {"DTEND", "DURATION"}]
        lines += [change(name, WHOLE[name]), f"UID:{len(made)}", f"SUMMARY:{title}", "DTSTART:20261205T100000Z"]
        chance.shuffle(lines)
        made[title] = "\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])
    return made


async def test_no_odd_line_of_any_property_drops_an_event(browser: Browser) -> None:
    """DAV-40: generated events, as lenient readers show them: each is at its time, or its title is named."""
    events = odd_events(54)
    data = f"BEGIN:VCALENDAR\nVERSION:2.0\n{''.join(events.values())}END:VCALENDAR\n".encode(errors="surrogateescape")
    [calendar] = [one["id"] for one in await browser.call("calendars")]
    done = await browser.call("calendar_import", calendar_id=calendar, upload_id=await upload(browser, data))
    whole = (await browser.fetch(f"/webmail/calendar/{calendar}.ics")).body.decode()
    kept = {block.partition("SUMMARY:")[2].partition("\r\n")[0] for block in whole.split("BEGIN:VEVENT")[1:]}
    assert events.keys() - kept == set()
    assert (done["added"], done["unread"]) == (len(events), 0)


ZONE_NAMES = {
    "(GMT +01:00)": 9,
    "(GMT-03:30)": 13.5,
    "(GMT-03:30) Somewhere": 13.5,
    "(UTC+05:30) Chennai, Kolkata": 4.5,
    "UTC+01": 9,
    "UTC-5": 15,
    "GMT+0100": 9,
    "+01:00": 9,
    "-0800": 18,
    "UTC": 10,
    "Etc/UTC": 10,
    "W. Europe Standard Time": 9,
    "Europe/Berlin": 9,
    '"Europe/Berlin"': 9,
    "/freeassociation.sourceforge.net/Europe/Berlin": 9,
    "/mozilla.org/20050126_1/America/New_York": 15,
    "/citadel.org/20190914_1/Asia/Tokyo": 1,
    "Eastern Standard Time": 15,
    "US/Pacific": 18,
    **dict.fromkeys(("Customized Time Zone", "Western/Central Europe", "Europe/Germany", "Moon", "x" * 300, "ÄÖ"), 1),
    "": 10,
}
"""Names of zones, with the hour UTC of 10 o'clock on 5 December, in a file for Tokyo; without a name the time has no
zone, and the rig is in UTC.
"""


async def test_no_odd_zone_drops_an_event_or_moves_one(browser: Browser) -> None:
    """DAV-40: an offset or a place in the name counts, else the zone that the file names."""
    names = [f'"{zone}"' if {*zone} & {*":,;"} else zone for zone in ZONE_NAMES]
    lines = "".join(
        f"BEGIN:VEVENT\nUID:{number}\nSUMMARY:{number}\nDTSTART;TZID={zone}:20261205T100000\nEND:VEVENT\n"
        for number, zone in enumerate(names)
    )
    data = f"BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-TIMEZONE:Asia/Tokyo\n{lines}END:VCALENDAR\n".encode()
    [calendar] = [one["id"] for one in await browser.call("calendars")]
    done = await browser.call("calendar_import", calendar_id=calendar, upload_id=await upload(browser, data))
    assert (done["added"], done["unread"]) == (len(ZONE_NAMES), 0)
    shown = await browser.call("events", since=1_764_000_000, until=1_797_000_000, calendar_ids=[calendar])
    starts = {int(one["title"]): (one["starts"] - 1_796_428_800) / 3600 for one in shown["events"]}
    assert {zone: starts.get(number) for number, zone in enumerate(ZONE_NAMES)} == ZONE_NAMES
