"""News about events for users of the same server: in the webmail, on devices and by mail (WEBMAIL-129b, DAV-25a)."""

import email
import email.policy
from typing import Any

import pytest

from moxlite.store.content.body import message_range
from moxlite.store.groupware.alarms import MAX_NEWS, DueAlarm, alarms_after, note_news
from moxlite.store.mail.settings import patch_settings
from tests.session.test_web_dav_scheduling import TOM, TOM_ASKED, Office, line, meeting, office
from tests.web_rig import Browser

__all__ = ["office"]

pytestmark = pytest.mark.served


async def news(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await browser.call("event_news")
    return found


async def subjects(office: Office, name: str) -> list[str]:
    """The subjects in the Inbox of an account."""
    sql = "SELECT m.id FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = 'Inbox' ORDER BY m.id"
    async with office.rig.account(name) as account:
        found = await account.read(lambda r: [message_range(r, one) for (one,) in r.rows(sql)], op="test")
    mails = [email.message_from_bytes(one, policy=email.policy.default) for one in found]
    assert all(one["Auto-Submitted"] == "auto-generated" for one in mails)
    return [one["Subject"] for one in mails]


async def pushed(office: Office, name: str) -> list[tuple[str, str]]:
    async with office.rig.account(name) as account:
        rows = await account.read(lambda r: alarms_after(r, 0, 0, 50, news=True), op="test")
        assert await account.read(lambda r: alarms_after(r, 0, 0, 50), op="test") == []  # no alarm in an open page
    return [(one.title, one.place) for one in reversed(rows)]


async def answer(office: Office, status: str) -> None:
    got = await office.entry("tom")
    mine = line(got, "ATTENDEE", "tom@")
    path = next(one for one in await office.tom.find(TOM, "{DAV:}getetag", depth="1") if one != TOM)
    changed = got.replace(mine, mine.replace("NEEDS-ACTION", status))
    assert (await office.tom.put(path.rpartition("/")[2], changed, TOM)).status == 204
    await office.settle()


async def test_a_guest_of_the_same_server_hears_at_once_of_all_that_happens(office: Office) -> None:
    """DAV-25a, WEBMAIL-129b: the invitation, the move, the end; and the organizer of the answer."""
    mia, tom = office.rig.browser(), office.rig.browser()
    await mia.log_in()
    await tom.log_in("tom@example.org")
    await office.mia.put("m.ics", meeting(TOM_ASKED, "LOCATION:Pier 3"))
    await office.settle()
    [invited] = await news(tom)
    assert (invited["said"], invited["who"], invited["title"], invited["place"]) == ("invited", "Mia", "Plan", "Pier 3")
    assert invited["at"] == {"starts": 4099197600, "clock": "utc"}
    assert await news(mia) == []
    await answer(office, "ACCEPTED")
    assert await news(tom) == []
    [answered] = await news(mia)
    assert (answered["said"], answered["who"], answered["answer"]) == ("answered", "Tom", "yes")
    await mia.call("event_news_seen", event_id=answered["event_id"])
    assert await news(mia) == []
    moved = (await office.entry("mia")).replace("T100000Z", "T120000Z").replace("T110000Z", "T130000Z")
    await office.mia.put("m.ics", moved)
    await office.settle()
    [again] = await news(tom)  # a move asks anew
    assert (again["said"], again["at"]["starts"]) == ("invited", 4099197600 + 7200)
    await answer(office, "TENTATIVE")
    await tom.call("event_news_seen", event_id=again["event_id"])
    await office.mia.put("m.ics", (await office.entry("mia")).replace("SUMMARY:Plan", "SUMMARY:Better plan"))
    await office.settle()
    [changed] = await news(tom)
    assert (changed["said"], changed["title"]) == ("changed", "Better plan")
    await office.mia.ask("DELETE", "/dav/calendars/mia/calendar/m.ics")
    await office.settle()
    [gone] = await news(tom)
    assert gone["said"] == "canceled"
    assert await subjects(office, "tom") == [
        "Invitation: Plan", "Updated: Plan", "Updated: Better plan", "Canceled: Better plan",
    ]  # fmt: skip
    assert await subjects(office, "mia") == ["Accepted: Plan", "Tentative: Plan"]
    assert [title for title, _ in await pushed(office, "tom")] == await subjects(office, "tom")
    assert await pushed(office, "mia") == [("Accepted: Plan", "Tom"), ("Tentative: Plan", "Tom")]
    assert office.mails == []


async def test_mail_about_events_of_the_server_is_a_choice(office: Office) -> None:
    """DAV-25a: without it the calendar and the devices know, and nothing comes into the Inbox; it is in the language of
    its reader.
    """
    async with office.rig.account("tom") as account:
        await account.write(lambda tx: patch_settings(tx, {"language": "de"}))
    await office.mia.put("m.ics", meeting(TOM_ASKED))
    await office.settle()
    assert await subjects(office, "tom") == ["Einladung: Plan"]
    async with office.rig.account("tom") as account:
        await account.write(lambda tx: patch_settings(tx, {"invitation_mails": False}))
    await office.mia.put("n.ics", meeting(TOM_ASKED, uid="m2"))
    await office.settle()
    assert await subjects(office, "tom") == ["Einladung: Plan"]
    assert await pushed(office, "tom") == [("Einladung: Plan", "Mia")] * 2


async def test_an_event_that_is_over_is_no_news(office: Office) -> None:
    """WEBMAIL-129b, DAV-24."""
    tom = office.rig.browser()
    await tom.log_in("tom@example.org")
    await office.mia.put("m.ics", meeting(TOM_ASKED, start="20200101T100000Z"))
    await office.settle()
    assert await news(tom) == []
    assert await subjects(office, "tom") == []


async def test_notices_of_news_leave_room_for_alarms(office: Office) -> None:
    """DAV-50b: up to 20 in an hour."""
    async with office.rig.account() as account:
        for _ in range(MAX_NEWS + 2):
            await account.write(lambda tx: note_news(tx, DueAlarm(1, "Invitation: Plan", "Tom", None, "")))
    assert len(await pushed(office, "mia")) == MAX_NEWS
