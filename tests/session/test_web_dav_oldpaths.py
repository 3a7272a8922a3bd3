"""Devices with the paths of SOGo and Nextcloud, whose users moved here (DAV-12b)."""

from functools import partial
from urllib.parse import quote

import msgspec
import pytest

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.groupware.collection import collections_of, ensure_defaults, note_copied_from
from tests.session.test_groupware_copying import HOST, Way, copy, tom
from tests.session.test_web_dav import CR, C, D, Program, card, event, text
from tests.web_rig import Rig

__all__ = ["tom"]

pytestmark = pytest.mark.served

PATHS = {
    "nextcloud": ("/remote.php/dav/", "principals/users/{}/", "calendars/{}/", "addressbooks/users/{}/"),
    "mail-in-a-box": ("/cloud/remote.php/dav/", "principals/users/{}/", "calendars/{}/", "addressbooks/users/{}/"),
    "sogo": ("/SOGo/dav/", "{}/", "{}/Calendar/", "{}/Contacts/"),
}
"""The root, and below it a user's principal and homes."""


@pytest.mark.parametrize("user", ["mia@example.org", "mia"])
@pytest.mark.parametrize("kind", PATHS)
async def test_a_device_goes_on_at_its_paths(rig: Rig, tom: Program, kind: str, user: str) -> None:
    """DAV-12b, DAV-43: found from its principal, with names as they were; what it writes is in the account."""
    root, *below = PATHS[kind]
    principal, calendars, books = (root + path.format(quote(user)) for path in below)
    await copy(rig, Way(rig), f"{HOST}{root}")  # its calendar "Work & play" is at work/, the contacts in contacts/
    mia = Program(rig)
    homes = (await mia.find(principal, C + "calendar-home-set", CR + "addressbook-home-set"))[principal]
    assert [text(one.find(D + "href")) for one in homes.values()] == [calendars, books]
    listed = await mia.find(calendars, D + "displayname", depth="1")
    assert text(listed[f"{calendars}work/"][D + "displayname"]) == "Work & play"
    assert f"{calendars}personal/" in listed
    assert (await mia.put("new.ics", event("new"), f"{calendars}work/")).status == 201
    assert (await mia.put("own.ics", event("own"), f"{calendars}personal/")).status == 201
    assert (await mia.put("eve.vcf", card("eve"), f"{books}contacts/")).status == 201
    members = await mia.find(f"{calendars}work/", D + "getetag", depth="1")
    assert len(members) == 5
    assert f"{calendars}work/new.ics" in members
    answer = await mia.report(
        f"{calendars}work/",
        "C:calendar-multiget",
        f"<D:prop><D:getetag/></D:prop><D:href>{calendars}work/new.ics</D:href>",
        depth="1",
    )
    assert f"{calendars}work/new.ics".encode() in answer.body
    assert (await mia.ask("GET", "/dav/calendars/mia/calendar/own.ics")).status == 200
    assert (await mia.ask("GET", "/dav/addressbooks/mia/contacts/eve.vcf")).status == 200


async def test_old_paths_lead_to_the_users_own_places_alone(rig: Rig, tom: Program) -> None:
    """DAV-12b: not to other users', not to deeper places; a calendar that has the name itself keeps it."""
    mia = Program(rig)
    for path in ("calendars/tom/", "calendars/tom@example.org/work/", "calendars/mia/x/y/z/", "x/", "calendars/"):
        assert (await mia.ask("PROPFIND", f"/remote.php/dav/{path}", depth="0")).status == 404, path
    body = '<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"/>'
    assert (await mia.ask("MKCALENDAR", "/dav/calendars/mia/personal/", body)).status == 201
    assert (await mia.put("a.ics", event("a"), "/remote.php/dav/calendars/mia/personal/")).status == 201
    assert (await mia.ask("GET", "/dav/calendars/mia/personal/a.ics")).status == 200


def _note_copied(tx: AccountTx, path: str) -> None:
    """Note a path as the only one from which mia's calendar was copied."""
    ensure_defaults(tx)
    (calendar,) = collections_of(tx, "calendar")
    note_copied_from(tx, msgspec.structs.replace(calendar, dead={}), path)


async def test_names_of_a_previous_server_are_no_elements_of_paths(rig: Rig, tom: Program) -> None:
    """DAV-12b: where its paths have dots, controls, slashes or octets that aren't UTF-8."""
    mia = Program(rig)
    home = "/remote.php/dav/calendars/mia/"
    for name in ("..", "%FF", "%00", "a%2Fb", "%0A", "x" * 201):
        async with rig.account() as account:
            await account.write(partial(_note_copied, path=f"{home}{name}/"))
        assert f"{home}personal/" in await mia.find(home, D + "displayname", depth="1"), name


async def test_a_copy_goes_on_without_room_for_old_names(
    rig: Rig, tom: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-12b, DAV-43: the paths aren't noted; all entries come."""
    monkeypatch.setattr("moxlite.store.groupware.collection.MAX_DEAD_OCTETS", 2)
    done = await copy(rig, Way(rig), f"{HOST}/remote.php/dav/")
    assert (done.places, done.added, done.problems) == (3, 5, [])
    assert (await Program(rig).ask("PROPFIND", "/remote.php/dav/calendars/mia/work/", depth="0")).status == 404
