"""Secret links of calendars (DAV-42)."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from moxlite.admin.publicpages import calendar_link
from moxlite.config.static import PublicURLs
from moxlite.groupware.commands import GroupwareCommands
from moxlite.groupware.links import calendar_file
from moxlite.net.control.server import CommandFailed
from moxlite.operations import description
from moxlite.operations.groupware import ListLinks, MakeLink, RemoveCalendar, RemoveLink
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded
from moxlite.store.groupware.collection import collection_named
from moxlite.store.groupware.resources import ResourceFacts, put_resource
from moxlite.store.groupware.sharing import make_link
from tests.session.test_web_dav import HOME, Program, event
from tests.tools import eventually
from tests.web_rig import Answer, Browser, Rig

pytestmark = pytest.mark.served

REPEATED = event("2", "SUMMARY:Choir", "RRULE:FREQ=DAILY;COUNT=2")


class Links:
    """Links of mia's, and a program of a stranger that has them."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.stranger = rig.browser(app="/dav/", port=443, tls=True)
        house = rig.house
        self.commands = GroupwareCommands(
            rig.holder,
            rig.accounts,
            rig.auth,
            house.subscriptions,
            house.files.spools.directory,
        ).registry()

    async def run(self, operation: Any) -> Any:
        found = self.commands[description(type(operation)).name]
        return await found.run(operation, None)  # type: ignore[arg-type]  # no stream

    async def make(self, **more: Any) -> str:
        """Make a link; returns its path."""
        address: str = await self.run(MakeLink(account="mia", **more))
        assert address.startswith("https://mail.example.org/dav/links/mia/"), address
        return address.removeprefix("https://mail.example.org")

    async def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.stranger.fetch(path, method=method, headers=fields)


@pytest.fixture
async def links(rig: Rig) -> Links:
    mia = Program(rig)
    assert (await mia.put("a.ics", event("1", "SUMMARY:Boat"))).status == 201
    assert (await mia.put("b.ics", REPEATED)).status == 201
    return Links(rig)


async def test_a_link_names_a_host_that_others_reach(rig: Rig) -> None:
    """DAV-42, WEB-167: a listener for this machine alone is none, unless its host is said to be the pages' one."""
    snapshot = rig.holder.current
    assert calendar_link(snapshot, "mia", "x") == "https://mail.example.org/dav/links/mia/x.ics"
    web = msgspec.structs.replace(snapshot.static.web, public_url=PublicURLs())
    alone = msgspec.structs.replace(snapshot, static=msgspec.structs.replace(snapshot.static, web=web))
    assert calendar_link(alone, "mia", "x") is None


async def test_a_link_is_read_without_a_password_until_it_is_withdrawn(links: Links) -> None:
    """DAV-42: one calendar, unchanged ones are not sent again, and other links stay."""
    path, other = await links.make(note=" for  tom "), await links.make()
    token = path.rpartition("/")[2].removesuffix(".ics")
    assert len(token) == 32
    found = await links.get(path)
    assert (found.status, found.headers.get("content-type")) == (200, "text/calendar; charset=utf-8")
    assert found.headers.get("cache-control") == "private, no-cache"
    assert found.body.count(b"BEGIN:VCALENDAR") == 1
    assert found.body.count(b"BEGIN:VEVENT") == 2
    assert b"SUMMARY:Boat" in found.body
    assert b"X-WR-CALNAME:Calendar" in found.body
    tag = found.headers.get("etag") or ""
    assert (await links.get(path, if_none_match=tag)).status == 304
    head = await links.get(path, "HEAD")
    assert (head.status, head.body, head.headers.get("content-length")) == (200, b"", str(len(found.body)))
    assert (await Program(links.rig).ask("DELETE", HOME + "a.ics")).status == 204
    changed = await links.get(path, if_none_match=tag)
    assert (changed.status, b"Boat" in changed.body) == (200, False)
    first, second = await links.run(ListLinks(account="mia"))
    assert (first.calendar, first.shows, first.note) == ("calendar", "all", "for tom")
    await links.run(RemoveLink(first.id, account="mia"))
    assert (await links.get(path)).status == 404
    assert (await links.get(other)).status == 200
    with pytest.raises(CommandFailed, match="already revoked"):
        await links.run(RemoveLink(first.id, account="mia"))
    assert [one.id for one in await links.run(ListLinks(account="mia"))] == [second.id]


async def test_readers_of_a_link_get_the_meeting_link_in_every_program(links: Links) -> None:
    """DAV-25, DAV-42: in the place of the event, which stays as it is."""
    meeting = event("3", "SUMMARY:Call", "CONFERENCE;VALUE=URI:https://meet.example/r")
    await Program(links.rig).put("c.ics", meeting)
    assert b"LOCATION:https://meet.example/r\r\n" in (await links.get(await links.make())).body
    assert b"LOCATION" not in (await Program(links.rig).ask("GET", HOME + "c.ics")).body


async def test_a_damaged_entry_holds_up_no_other(links: Links) -> None:
    """DAV-42: neither a public one nor a private one."""
    private = event("3", "SUMMARY:Own", "CLASS:PRIVATE")
    await Program(links.rig).put("c.ics", private)
    path = await links.make()

    def damage(tx: AccountTx) -> None:
        where = collection_named(tx, "calendar", "calendar").id
        put_resource(tx, where, "a.ics", b"SUMMARY:Boat", ResourceFacts("1", "VEVENT"))
        octets = private.replace("VERSION:2.0", "VERSION:9").encode()
        put_resource(tx, where, "c.ics", octets, ResourceFacts("3", "VEVENT"))

    async with links.rig.account() as account:
        await account.write(damage)
    found = await links.get(path)
    assert (found.status, found.body.count(b"SUMMARY:")) == (200, 1)
    assert b"SUMMARY:Choir" in found.body


async def test_busy_times_tell_nothing_else(links: Links) -> None:
    """DAV-42: by the address or by the link itself, whose details cannot be had by another address."""
    mia = Program(links.rig)
    soon = datetime.now(UTC) + timedelta(days=3)
    lines = ("SUMMARY:Doctor", "LOCATION:Ward 7", "DESCRIPTION:Knee")
    text = event("3", *lines, start=f"{soon:%Y%m%dT100000Z}", end=f"{soon:%Y%m%dT110000Z}")
    assert (await mia.put("c.ics", text)).status == 201
    path, busy = await links.make(), await links.make(busy=True)
    for address in (f"{path}?free-busy", f"{path}?x=1&free-busy=1", busy, f"{busy}?free-busy=0"):
        found = await links.get(address)
        assert found.status == 200
        for word in (b"Doctor", b"Ward", b"Knee", b"Boat", b"Choir", b"CALNAME:Calendar"):
            assert word not in found.body, (address, word)
        assert f"DTSTART:{soon:%Y%m%dT100000Z}\r\n".encode() in found.body
    tags = {(await links.get(one)).headers.get("etag") for one in (path, busy)}
    assert len(tags) == 2


async def test_links_show_private_events_as_guests_see_them(links: Links) -> None:
    """DAV-42, DAV-41: the times of private ones, and secret ones not at all; their busy times count."""
    mia = Program(links.rig)
    assert (await mia.put("p.ics", event("p", "SUMMARY:Doctor", "CLASS:PRIVATE"))).status == 201
    assert (await mia.put("s.ics", event("s", "SUMMARY:Gift", "CLASS:CONFIDENTIAL"))).status == 201
    found = (await links.get(await links.make())).body
    assert [found.count(word) for word in (b"SUMMARY:Busy", b"UID:p", b"Doctor", b"UID:s", b"Gift")] == [1, 1, 0, 0, 0]


async def test_what_is_no_link_is_not_found(links: Links) -> None:
    """DAV-42: whether the account exists is not told; nothing can be written; by http nothing is told at all."""
    path = await links.make()
    token = path.rpartition("/")[2]
    answers = [
        await links.get(one)
        for one in (
            f"/dav/links/bo/{token}",
            "/dav/links/mia/" + "A" * 32 + ".ics",
            path.removesuffix(".ics"),
            f"{path}/x",
            "/dav/links/mia/",
            "/dav/links/",
            "/dav/links/mia/%00.ics",
        )
    ]
    assert {(one.status, one.body) for one in answers} == {(404, answers[0].body)}
    for method in ("PUT", "DELETE", "PROPFIND", "POST"):
        assert (await links.get(path, method)).status == 405
    plain = links.rig.browser(app="/dav/", port=80, tls=False)
    assert (await plain.fetch(path)).status != 200


async def test_the_log_has_no_token(links: Links, caplog: pytest.LogCaptureFixture) -> None:
    """DAV-42, WEB-16: nor has the audit log."""
    path = await links.make()
    token = path.rpartition("/")[2].removesuffix(".ics")
    with caplog.at_level(logging.DEBUG, "moxlite.web"):
        assert (await links.get(path)).status == 200
        await wait_all_tasks_blocked()
    lines = [str(getattr(one, "kv", "")) for one in caplog.records]
    assert any("'url': '/dav/links/'" in one for one in lines)
    assert not any(token in one for one in (*lines, caplog.text))
    assert token not in str(await links.rig.auth.audit.entries(AuditFilter()))


async def test_requests_for_links_are_limited(links: Links) -> None:
    """DAV-42: by network, as of other addresses without a password."""
    path = await links.make()
    found = [(await links.get(path, "HEAD")).status for _ in range(31)]
    assert found == [200] * 30 + [429]


async def test_a_slow_calendar_holds_up_no_link_of_others(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-42, STORE-199: of each account one calendar is made at a time."""
    made = []

    async def pieces(account: Any, *rest: Any) -> AsyncIterator[str]:
        made.append(account.name)
        if account.name == "mia":
            await trio.sleep_forever()
        async for one in calendar_file(account, *rest):
            yield one

    monkeypatch.setattr("moxlite.web.dav.links.calendar_file", pieces)
    path = await links.make()
    address = await links.run(MakeLink(account="tom"))
    other = Links(links.rig)
    async with trio.open_nursery() as nursery:
        for one in (links, other):
            nursery.start_soon(one.get, path)
        await eventually(lambda: made == ["mia"])
        found = await Links(links.rig).get(address.removeprefix("https://mail.example.org"))
        assert (found.status, made) == (200, ["mia", "tom"])
        nursery.cancel_scope.cancel()


async def test_links_go_with_their_calendar(links: Links) -> None:
    """DAV-42: and there is a limit of them."""
    path = await links.make()
    async with links.rig.account() as account:

        def unit(tx: Any) -> None:
            where = collection_named(tx, "calendar", "calendar")
            for _ in range(49):
                make_link(tx, where, "", busy=False)

        await account.write(unit)
        with pytest.raises(LimitExceeded):
            await account.write(lambda tx: make_link(tx, collection_named(tx, "calendar", "calendar"), "", busy=False))
    await links.run(RemoveCalendar("mia", "calendar"))
    assert (await links.get(path)).status == 404
    assert await links.run(ListLinks(account="mia")) == []


async def test_the_page_makes_and_withdraws_links(links: Links, browser: Browser) -> None:
    """DAV-42, WEBMAIL-174: of the user's own calendars alone."""
    (calendar,) = await browser.call("calendars")
    address = await browser.call("calendar_link_make", name=calendar["path"], note="Phone", busy=True)
    assert (await links.get(address.removeprefix("https://mail.example.org"))).status == 200
    (found,) = await browser.call("calendar_link_list")
    assert (found["note"], found["shows"]) == ("Phone", "busy")
    await browser.call("calendar_link_rm", id=found["id"])
    assert await browser.error("calendar_link_rm", id=found["id"]) == (404, "user:notFound")
    assert await browser.error("calendar_link_make", name="none") == (404, "user:notFound")
    log = [(one.action, one.actor, one.outcome) for one in await links.rig.auth.audit.entries(AuditFilter())]
    assert ("calendar link rm", "mia", "done") in log
    assert ("calendar link make", "mia", "done") in log
    assert (await links.get(address.removeprefix("https://mail.example.org"))).status == 404
