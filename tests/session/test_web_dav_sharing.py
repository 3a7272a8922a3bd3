"""Calendars and address books that others may see, and change (DAV-41)."""

from typing import Any

import pytest

from moxlite.groupware.commands import GroupwareCommands
from moxlite.net.control.server import CommandFailed
from moxlite.operations.groupware import ShareCalendar
from moxlite.store.accounts.access import forget_shares
from moxlite.store.auth.credentials import change_password
from moxlite.store.groupware.eventnotices import event_notices
from tests.session.test_web_dav import D, Program, event, refused
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
            house.services.sandbox,
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
    assert refused(over) == (403, "need-privileges")
    assert refused(await family.tom.put("m.ics", meeting(TOM_ASKED, "LOCATION:x"), SHARED)) == (403, "need-privileges")
    assert (await family.tom.put("t.ics", meeting(TOM_ASKED, uid="t"), SHARED)).status == 201
    async with family.rig.account() as account:
        owed = await account.read(lambda r: r.value("SELECT count(*) FROM outbox WHERE kind = 'schedule'"), op="test")
        notices = await account.read(event_notices, op="test")
    assert [(notice.account, notice.kind) for notice in notices] == [
        ("tom", "created"),
        ("tom", "destroyed"),
        ("tom", "created"),
    ]
    assert owed <= 1  # mia's own


async def test_rights_go_with_the_guest(family: Family) -> None:
    """DAV-41, IMAP-157: a later account of the same name has none; who does not exist gets none."""
    await family.share()
    await forget_shares(family.rig.accounts, family.rig.auth, "tom")
    assert (await family.tom.ask("GET", SHARED + "a.ics")).status == 404
    with pytest.raises(CommandFailed, match="no account nobody"):
        await family.share(guest="nobody")
    with pytest.raises(CommandFailed, match="owner has all rights"):
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
