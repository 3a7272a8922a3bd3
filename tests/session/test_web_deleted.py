"""Deleted events and contacts come back for 30 days (DAV-46)."""

from typing import Any

import pytest

from moxlite.store.groupware import kept
from moxlite.store.groupware.collection import collection_named
from moxlite.store.groupware.kept import KEPT, MAX_KEPT_OCTETS, keep_entries, purge_kept
from tests.session.test_web_dav import BOOK, HOME, D, Program, card, event
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served


@pytest.fixture
async def browser(rig: Rig) -> Browser:
    browser = rig.browser()
    await browser.log_in()
    return browser


async def deleted(browser: Browser, kind: str = "calendar") -> list[dict[str, Any]]:
    found = await browser.call("deleted_list", kind=kind)
    assert isinstance(found, list)
    return found


async def test_a_deleted_event_comes_back_as_it_was(rig: Rig, browser: Browser) -> None:
    """DAV-46: with its octets and address; programs see a removal and a new entry, nothing of what is kept."""
    mia = Program(rig)
    text = event("1", "SUMMARY:Boat", "X-CLIENT:kept")
    assert (await mia.put("a.ics", text)).status == 201
    assert (await mia.ask("DELETE", HOME + "a.ics")).status == 204
    assert list(await mia.find(HOME, D + "getetag", depth="1")) == [HOME]
    (one,) = await deleted(browser)
    assert (one["title"], one["place"], one["starts"]) == ("Boat", "Calendar", 1_795_514_400)
    await browser.call("deleted_restore", deleted_id=one["id"])
    assert (await mia.ask("GET", HOME + "a.ics")).body.decode() == text
    assert await deleted(browser) == []
    assert await browser.error("deleted_restore", deleted_id=one["id"]) == (404, "user:notFound")


async def test_events_of_a_deleted_calendar_come_back_to_the_first(rig: Rig, browser: Browser) -> None:
    """DAV-46."""
    mia, work = Program(rig), "/dav/calendars/mia/work/"
    assert (await mia.ask("MKCALENDAR", work)).status == 201
    for name in ("x", "y"):
        assert (await mia.put(f"{name}.ics", event(name, f"SUMMARY:{name}"), work)).status == 201
    assert (await mia.put("x.ics", event("other"))).status == 201
    assert (await mia.ask("DELETE", work)).status == 204
    found = await deleted(browser)
    assert sorted(one["title"] for one in found) == ["x", "y"]
    for one in found:
        await browser.call("deleted_restore", deleted_id=one["id"])
    assert len(await mia.find(HOME, D + "getetag", depth="1")) == 4
    assert b"UID:other" in (await mia.ask("GET", HOME + "x.ics")).body


async def test_what_is_there_again_is_not_kept(rig: Rig, browser: Browser) -> None:
    """DAV-46: by Undo, or as a program puts it again; nor what was moved."""
    mia = Program(rig)
    assert (await mia.put("a.ics", event("1"))).status == 201
    (calendar,) = await browser.call("calendars")
    span = {"since": 1_795_000_000, "until": 1_796_000_000, "calendar_ids": [calendar["id"]]}
    (item,) = (await browser.call("events", **span))["events"]
    gone = await browser.call("event_remove", event_id=item["id"])
    assert len(await deleted(browser)) == 1
    await browser.call("event_undo", steps=gone["undo"])
    assert await deleted(browser) == []
    assert (await mia.ask("MOVE", HOME + "a.ics", destination=HOME + "b.ics")).status == 201
    assert await deleted(browser) == []


async def test_a_deleted_contact_comes_back(rig: Rig, browser: Browser) -> None:
    """DAV-46: from the webmail and from a phone, found again by completion."""
    mia = Program(rig)
    assert (await mia.put("ada.vcf", card("1", "EMAIL:ada@x.example"), BOOK)).status == 201
    assert (await mia.put("bob.vcf", card("2", "EMAIL:bob@x.example", name="Bob"), BOOK)).status == 201
    assert (await mia.ask("DELETE", BOOK + "ada.vcf")).status == 204
    (bob,) = (await browser.call("contacts", search="", group="", after=0))["contacts"]
    await browser.call("contact_remove", contact_id=bob["id"])
    assert await deleted(browser) == []
    found = await deleted(browser, "contact")
    assert [(one["title"], one["place"], one["starts"]) for one in found] == [
        ("Bob", "Contacts", None),
        ("Ada", "Contacts", None),
    ]
    for one in found:
        await browser.call("deleted_restore", deleted_id=one["id"])
    names = [one["name"] for one in (await browser.call("contacts", search="", group="", after=0))["contacts"]]
    assert sorted(names) == ["Ada", "Bob"]


async def test_a_guest_is_invited_anew(rig: Rig, browser: Browser) -> None:
    """DAV-46: deleting had called the event off."""
    (calendar,) = await browser.call("calendars")
    form = {
        "title": "Plan",
        "place": "",
        "notes": "",
        "all_day": False,
        "rule": "",
        "alarms": [],
        "mails": [],
        "free": False,
        "start": "2099-01-05T10:00",
        "end": "2099-01-05T11:00",
        "zone": "UTC",
        "guests": [{"name": "", "address": "tom@example.org"}],
    }
    number = (await browser.call("event_save", calendar_id=calendar["id"], event=form))["id"]
    await browser.call("event_remove", event_id=number)
    (one,) = await deleted(browser)
    await browser.call("deleted_restore", deleted_id=one["id"])
    span = {"since": 4_070_000_000, "until": 4_080_000_000, "calendar_ids": [calendar["id"]]}
    (item,) = (await browser.call("events", **span))["events"]
    assert (await browser.call("event", event_id=item["id"]))["guests"][0]["address"] == "tom@example.org"


async def test_what_is_kept_is_bounded(rig: Rig) -> None:
    """DAV-46: in octets, and in time."""
    mia = Program(rig)
    large = event("1", "ATTACH;ENCODING=BASE64;VALUE=BINARY:" + "x" * 900_000)
    assert (await mia.put("a.ics", large)).status == 201
    async with rig.account() as account:

        def size(r: Any) -> tuple[int, int]:
            found = r.row("SELECT count(*), coalesce(sum(size), 0) FROM resource_kept")
            return found[0], found[1]

        home = await account.read(lambda r: collection_named(r, "calendar", "calendar"), op="test")
        for _ in range(30):
            await account.write(lambda tx: keep_entries(tx, "calendar", home.id, "Calendar"))
        number, octets = await account.read(size, op="test")
        assert number == 23
        assert octets <= MAX_KEPT_OCTETS
        await account.write(lambda tx: tx.execute("UPDATE resource_kept SET removed = removed - ?", KEPT))
        assert await account.write(purge_kept) == 23


async def test_only_what_will_stay_is_copied(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-46: of a large calendar that is deleted; one old entry of it is kept however large the others are."""
    monkeypatch.setattr(kept, "MAX_KEPT_OCTETS", 1_000_000)
    mia = Program(rig)
    for name in "abc":
        assert (
            await mia.put(f"{name}.ics", event(name, "ATTACH;ENCODING=BASE64;VALUE=BINARY:" + "x" * 600_000))
        ).status == 201
    async with rig.account() as account:
        home = await account.read(lambda r: collection_named(r, "calendar", "calendar"), op="test")
        await account.write(lambda tx: keep_entries(tx, "calendar", home.id, "Calendar", "a.ics"))
        assert await account.read(lambda r: r.rows("SELECT name FROM resource_kept"), op="test") == [("a.ics",)]
        await account.write(lambda tx: tx.execute("DELETE FROM resource_kept"))
        monkeypatch.setattr(kept, "SIZES", "SELECT 0, 0 WHERE 0")  # nothing is dropped afterwards
        await account.write(lambda tx: keep_entries(tx, "calendar", home.id, "Calendar"))
        assert await account.read(lambda r: r.rows("SELECT name FROM resource_kept"), op="test") == [("c.ics",)]
