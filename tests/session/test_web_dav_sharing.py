"""Calendars and address books that others may see, and change (DAV-41)."""

from typing import Any

import pytest

from moxlite.groupware.commands import GroupwareCommands
from moxlite.net.control.server import CommandFailed
from moxlite.operations.groupware import ShareCalendar
from moxlite.store.accounts.access import forget_shares
from moxlite.store.auth.credentials import change_password
from moxlite.store.groupware.eventnotices import event_notices
from tests.session.test_web_dav import D, Program, event, of, refused, responses, text
from tests.session.test_web_dav_scheduling import TOM_ASKED, meeting
from tests.web_rig import PASSWORD, Rig

pytestmark = pytest.mark.served

HOME = "/dav/calendars/mia/calendar/"
SHARED = "/dav/calendars/tom/shared~mia~calendar/"


class Family:
    """Mia and tom, and what mia shares."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.mia = Program(rig)
        self.tom = Program(rig, "tom@example.org")
        house = rig.house
        self.commands = GroupwareCommands(
            rig.holder,
            rig.accounts,
            rig.auth,
            house.subscriptions,
            house.files.spools.directory,
        ).registry()

    async def share(self, **more: Any) -> None:
        given = {"account": "mia", "name": "calendar", "guest": "tom", **more}
        await self.commands["calendar share"].run(ShareCalendar(**given), None)  # type: ignore[arg-type]  # no stream

    async def seen(self) -> list[str]:
        """The paths of the collections that tom's programs find."""
        return sorted(await self.tom.find("/dav/calendars/tom/", D + "resourcetype", depth="1"))


@pytest.fixture
async def family(rig: Rig) -> Family:
    async with rig.account("tom") as account:
        await change_password(account, PASSWORD)
    found = Family(rig)
    assert (await found.mia.put("a.ics", event("1", "SUMMARY:Boat"))).status == 201
    return found


async def test_a_guest_sees_what_is_shared_and_no_more(family: Family) -> None:
    """DAV-41, DAV-12: read, listed in the guest's own home, with the owner's name; gone when the right is."""
    own = ["/dav/calendars/tom/", "/dav/calendars/tom/calendar/"]
    assert await family.seen() == own
    assert (await family.tom.ask("GET", SHARED + "a.ics")).status == 404
    await family.share()
    assert await family.seen() == [*own, SHARED]
    names = (D + "displayname", D + "owner", D + "current-user-principal", D + "current-user-privilege-set")
    shown = (await family.tom.find(SHARED, *names, D + "sync-token"))[SHARED]
    assert shown[D + "displayname"].text == "Calendar (mia)"
    assert shown[D + "owner"].findtext(D + "href") == "/dav/principals/mia/"
    assert shown[D + "current-user-principal"].findtext(D + "href") == "/dav/principals/tom/"
    assert not list(shown[D + "current-user-privilege-set"].iter(D + "write-content"))
    assert b"SUMMARY:Boat" in (await family.tom.ask("GET", SHARED + "a.ics")).body
    assert list(await family.tom.query('<C:comp-filter name="VEVENT"/>', path=SHARED)) == ["a.ics"]
    assert refused(await family.tom.put("b.ics", event("2"), SHARED)) == (403, "need-privileges")
    assert refused(await family.tom.ask("DELETE", SHARED + "a.ics")) == (403, "need-privileges")
    for path in ("/dav/calendars/mia/calendar/", "/dav/calendars/tom/shared~mia~inbox/", "/dav/calendars/mia/"):
        assert (await family.tom.ask("PROPFIND", path, depth="0")).status == 404
    assert (await family.tom.ask("GET", "/dav/addressbooks/tom/shared~mia~contacts/x")).status == 404
    await family.share(end=True)
    assert await family.seen() == own
    assert (await family.tom.ask("GET", SHARED + "a.ics")).status == 404


async def test_the_owner_is_told_who_has_rights(family: Family) -> None:
    """DAV-41: in DAV:acl (RFC 3744 §5.5), of the calendar and its entries; a guest sees no other guests."""

    async def acl(program: Program, path: str, depth: str = "0") -> list[tuple[str, list[str]]]:
        found = (await program.find(path.removesuffix("a.ics") if depth == "1" else path, D + "acl", depth=depth))[path]
        return [
            (
                text(ace.find(f"{D}principal/{D}href")) or next(iter(ace.find(D + "principal") or ())).tag,
                [one.tag.removeprefix(D) for name in ace.findall(f"{D}grant/{D}privilege") for one in name],
            )
            for ace in found[D + "acl"]
        ]

    owner = (D + "property", ["all"])
    assert await acl(family.mia, HOME) == [owner]
    await family.share(write=True)
    await family.share(guest="anyone")
    guests = [owner, (D + "authenticated", ["read"]), ("/dav/principals/tom/", ["read", "write"])]
    for path, depth in ((HOME, "0"), (HOME + "a.ics", "0"), (HOME + "a.ics", "1")):
        assert await acl(family.mia, path, depth) == guests
    assert await acl(family.tom, SHARED) == [owner, (D + "self", ["read", "write"])]


async def test_a_guest_with_the_right_changes_entries(family: Family) -> None:
    """DAV-41, JMAP-79: not the calendar itself, and no entry that has guests; each side sees the other's changes, of
    which the owner is told.
    """
    await family.share(write=True)
    assert (await family.tom.ask("COPY", SHARED + "a.ics", destination=SHARED + "d.ics")).status == 409
    assert (await family.tom.put("b.ics", event("2"), SHARED)).status == 201
    assert (await family.mia.ask("GET", HOME + "b.ics")).status == 200
    moved = await family.tom.ask("MOVE", SHARED + "b.ics", destination=SHARED + "c.ics")
    assert moved.status == 201
    assert (await family.tom.ask("DELETE", SHARED + "c.ics")).status == 204
    assert (await family.tom.ask("DELETE", SHARED)).status == 403
    name = "<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>"
    body = f'<D:propertyupdate xmlns:D="DAV:">{name}</D:propertyupdate>'
    assert (await family.tom.ask("PROPPATCH", SHARED, body)).status == 403
    away = await family.tom.ask("COPY", SHARED + "a.ics", destination="/dav/calendars/tom/calendar/a.ics")
    assert away.status == 403
    assert (await family.mia.put("m.ics", meeting(TOM_ASKED))).status == 201
    over = await family.tom.ask("MOVE", SHARED + "a.ics", destination=SHARED + "m.ics")
    no = (403, "allowed-organizer-scheduling-object-change")
    assert refused(over) == no
    assert refused(await family.tom.put("m.ics", meeting(TOM_ASKED, "LOCATION:x"), SHARED)) == no
    assert refused(await family.tom.put("t.ics", meeting(TOM_ASKED, uid="t"), SHARED)) == no
    async with family.rig.account() as account:
        owed = await account.read(lambda r: r.value("SELECT count(*) FROM outbox WHERE kind = 'schedule'"), op="test")
        notices = await account.read(event_notices, op="test")
    assert [(notice.account, notice.kind) for notice in notices] == [
        ("tom", "created"),
        ("tom", "destroyed"),
    ]
    assert owed <= 1  # mia's own


async def test_rights_go_with_the_guest(family: Family) -> None:
    """DAV-41, IMAP-157: a later account of the same name has none; who does not exist gets none."""
    await family.share()
    await forget_shares(family.rig.accounts, family.rig.auth, "tom")
    assert (await family.tom.ask("GET", SHARED + "a.ics")).status == 404
    with pytest.raises(CommandFailed, match="isn't an account on this server"):
        await family.share(guest="nobody")
    with pytest.raises(CommandFailed, match="is your own account"):
        await family.share(guest="mia")
    await family.share(guest="anyone")
    assert SHARED in await family.seen()


async def test_a_guest_copies_and_moves_nothing_into_what_is_not_shared(family: Family) -> None:
    """DAV-41: the right to change one calendar holds for no other of its owner, and no name of another is found out."""
    await family.share(write=True)
    diary = "/dav/calendars/mia/diary/"
    assert (await family.mia.ask("MKCALENDAR", diary)).status == 201
    assert (await family.mia.put("x.ics", event("9", "SUMMARY:Mine"), diary)).status == 201
    for method in ("COPY", "MOVE"):
        for place in ("shared~mia~diary/x.ics", "shared~mia~diary/new.ics", "shared~mia~none/x.ics"):
            there = await family.tom.ask(method, SHARED + "a.ics", destination="/dav/calendars/tom/" + place)
            assert there.status == 403
    assert b"SUMMARY:Mine" in (await family.mia.ask("GET", diary + "x.ics")).body
    assert (await family.mia.ask("GET", diary + "new.ics")).status == 404
    assert (await family.mia.ask("GET", HOME + "a.ics")).status == 200


HIDDEN_LINES = (
    "SUMMARY:Doctor",
    "LOCATION:Ward 7",
    "DESCRIPTION:Knee",
    "CATEGORIES:Health",
    "COMMENT:Scalpel",
    "ATTACH:https://x.example/xray",
    "X-APPLE-NOTE:Plaster",
    "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:Leave\r\nEND:VALARM",
)
HIDDEN_WORDS = (b"Doctor", b"Ward", b"Knee", b"Health", b"Scalpel", b"xray", b"Plaster", b"VALARM")
TIMES = {"start": "20261201T100000Z", "end": "20261201T110000Z"}


async def hospital(family: Family, *, write: bool) -> None:
    """A private and a secret event of mia's in the calendar that tom sees."""
    await family.share(write=write)
    folded = "CLA\r\n SS:PRIVATE"
    private = event("p", "DTSTART;X-NOTE=Ward:20261201T100000Z", "DTEND:20261201T110000Z", folded, *HIDDEN_LINES)
    assert (await family.mia.put("p.ics", private)).status == 201
    secret = event("s", "CLASS:confidential", *HIDDEN_LINES, **TIMES)
    assert (await family.mia.put("s.ics", secret)).status == 201


async def test_of_a_private_event_guests_see_the_time_alone(family: Family) -> None:
    """DAV-41, JMAP-78a: by each way of reading; filters do not find what is not shown."""
    await hospital(family, write=False)
    got = await family.tom.ask("GET", SHARED + "p.ics")
    expand = '<C:calendar-data><C:expand start="20261201T000000Z" end="20261202T000000Z"/></C:calendar-data>'
    path = f"<D:href>{SHARED}p.ics</D:href>"
    multiget = await family.tom.report(SHARED, "C:calendar-multiget", f"<D:prop><C:calendar-data/></D:prop>{path}")
    bodies = [got.body, multiget.body, (await family.tom.query(of("VEVENT"), path=SHARED))["p.ics"].encode()]
    bodies.append((await family.tom.query(of("VEVENT"), expand, path=SHARED))["p.ics"].encode())
    for body in bodies:
        assert not [word for word in HIDDEN_WORDS if word in body]
        assert b"DTSTART:20261201T100000Z" in body
        assert b"SUMMARY:Busy" in body
    assert b"SUMMARY:Doctor" in (await family.mia.ask("GET", HOME + "p.ics")).body
    head = await family.tom.ask("HEAD", SHARED + "p.ics")
    shown = (await family.tom.find(SHARED + "p.ics", D + "getcontentlength"))[SHARED + "p.ics"]
    length = str(len(got.body))
    assert (head.headers.get("content-length"), text(shown[D + "getcontentlength"])) == (length, length)
    for name, word in (("SUMMARY", "Doctor"), ("LOCATION", "Ward"), ("X-APPLE-NOTE", "Plaster")):
        wanted = of("VEVENT", f'<C:prop-filter name="{name}"><C:text-match>{word}</C:text-match></C:prop-filter>')
        assert await family.tom.query(wanted, path=SHARED) == {}
        assert [*await family.mia.query(wanted)] == ["p.ics", "s.ics"]
    alarms = of("VEVENT", of("VALARM"))
    assert await family.tom.query(alarms, path=SHARED) == {}
    assert [*await family.mia.query(alarms)] == ["p.ics", "s.ics"]


async def test_of_a_private_series_guests_see_all_times(family: Family) -> None:
    """DAV-41: an exception with a CLASS of its own makes the series private."""
    await family.share()
    rule = event("r", "SUMMARY:Weekly", "RRULE:FREQ=WEEKLY;COUNT=3", **TIMES).replace("END:VCALENDAR\r\n", "")
    exception = event(
        "r",
        *("RECURRENCE-ID:20261208T100000Z", "SUMMARY:Doctor", "CLASS:X-OWN"),
        start="20261208T120000Z",
        end="20261208T130000Z",
    )
    series = rule + exception[exception.index("BEGIN:VEVENT") :]
    assert (await family.mia.put("r.ics", series)).status == 201
    expand = '<C:calendar-data><C:expand start="20261201T000000Z" end="20270101T000000Z"/></C:calendar-data>'
    seen = (await family.tom.query(of("VEVENT"), expand, path=SHARED))["r.ics"]
    assert [seen.count(words) for words in ("BEGIN:VEVENT", "SUMMARY:Busy", "Weekly", "Doctor")] == [3, 3, 0, 0]
    assert "DTSTART:20261208T120000Z" in seen


async def test_a_secret_event_is_not_there_for_guests(family: Family) -> None:
    """DAV-41, JMAP-78a: not listed, found, synchronised; one that becomes secret is gone. Its time counts (DAV-48)."""
    await family.share()
    sync = "<D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"

    async def synced(token: str) -> tuple[dict[str, str], str]:
        answer = await family.tom.report(SHARED, "D:sync-collection", sync.format(token))
        told = {
            (one.findtext(D + "href") or "").rpartition("/")[2]: one.findtext(D + "status") or "200"
            for one in responses(answer)
        }
        return told, answer.body.partition(b"<D:sync-token>")[2].partition(b"<")[0].decode()

    _, before = await synced("")
    await hospital(family, write=False)
    assert (await synced(""))[0] == {"a.ics": "200", "p.ics": "200"}
    told, token = await synced(before)
    assert told == {"p.ics": "200"}
    for method in ("GET", "HEAD", "PROPFIND"):
        assert (await family.tom.ask(method, SHARED + "s.ics", depth="0")).status == 404
    listed = await family.tom.find(SHARED, D + "getetag", depth="1")
    assert sorted(listed) == [SHARED, SHARED + "a.ics", SHARED + "p.ics"]
    assert sorted(await family.tom.query(of("VEVENT"), "", path=SHARED)) == ["a.ics", "p.ics"]
    path = f"<D:href>{SHARED}s.ics</D:href>"
    multiget = await family.tom.report(SHARED, "C:calendar-multiget", f"<D:prop><D:getetag/></D:prop>{path}")
    assert [one.findtext(D + "status") for one in responses(multiget)] == ["HTTP/1.1 404 Not Found"]
    assert (await family.mia.put("a.ics", event("1", "SUMMARY:Boat", "CLASS:CONFIDENTIAL"))).status == 204
    assert (await synced(token))[0] == {"a.ics": "HTTP/1.1 404 Not Found"}
    assert (await family.mia.ask("DELETE", HOME + "p.ics")).status == 204
    stretch = '<C:time-range start="20261201T000000Z" end="20261202T000000Z"/>'
    busy = await family.tom.report(SHARED, "C:free-busy-query", stretch)
    assert b"20261201T100000Z/20261201T110000Z" in busy.body


async def test_guests_change_no_event_of_which_they_do_not_see_all(family: Family) -> None:
    """DAV-41, JMAP-78a: by PUT, DELETE, MOVE and COPY, nor by another name with its UID."""
    await hospital(family, write=True)
    no = (403, "need-privileges")
    for name, uid in (("p.ics", "p"), ("s.ics", "s")):
        assert refused(await family.tom.put(name, event(uid, "SUMMARY:Mine"), SHARED)) == no
        assert refused(await family.tom.ask("MOVE", SHARED + "a.ics", destination=SHARED + name)) == no
    assert refused(await family.tom.ask("DELETE", SHARED + "p.ics")) == no
    assert (await family.tom.ask("DELETE", SHARED + "s.ics")).status == 404
    for method in ("MOVE", "COPY"):
        assert refused(await family.tom.ask(method, SHARED + "p.ics", destination=SHARED + "n.ics")) == no
        assert (await family.tom.ask(method, SHARED + "s.ics", destination=SHARED + "n.ics")).status == 404
    other = await family.tom.put("n.ics", event("s", "SUMMARY:Mine"), SHARED)
    assert (refused(other), b"s.ics" in other.body) == (no, False)
    assert refused(await family.tom.put("n.ics", event("p", "SUMMARY:Mine"), SHARED)) == (409, "no-uid-conflict")
    for name in ("p.ics", "s.ics"):
        assert b"SUMMARY:Doctor" in (await family.mia.ask("GET", HOME + name)).body
