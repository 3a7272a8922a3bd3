"""Alarms of calendar entries: a whole server, programs that write them, a push service and phones (DAV-50)."""

import email
import email.policy
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.groupware import ringing
from moxlite.groupware.entries import Expander
from moxlite.store.content.body import message_range
from moxlite.store.errors import StorageBusy, StorageFull
from moxlite.store.groupware.alarms import MAX_MAILS, MAX_NOTICES, next_alarm, note_looked
from moxlite.store.groupware.collection import Collection, collection_named
from moxlite.store.groupware.resources import put_resource
from moxlite.store.groupware.subscriptions import subscribe
from moxlite.store.mail.settings import patch_settings
from moxlite.web.notices import service
from tests.browsing import Events
from tests.pushservice import Phone, push_service
from tests.session.test_web_dav import HOME, Program, calendar, event
from tests.session.test_web_notices import Clock, World, clock
from tests.web_rig import STATIC, open_rig
from tests.webserver import Answer

__all__ = ["clock"]

pytestmark = pytest.mark.served

MINUTE = 60
HOUR = 3600
DAY = 86_400
CHOICE = {"known": True, "quiet_from": 0, "quiet_until": 0, "zone": "UTC", "alarms": "all"}


def alarm(trigger: str = "TRIGGER:-PT10M", *lines: str, action: str = "DISPLAY") -> tuple[str, ...]:
    return "BEGIN:VALARM", f"ACTION:{action}", trigger, *lines, "END:VALARM"


def utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}"


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")


class Owner(World):
    """Mia with a phone, a program, and a clock that the test sets."""

    clock: Clock
    phone: Phone
    program: Program

    def at(self, seconds: int) -> int:
        """A moment so many seconds from now, of whole minutes of the world's beginning."""
        return int(time.time()) + seconds

    async def put(self, uid: str, start: int, *lines: str, home: str = HOME) -> None:
        """An event at a moment."""
        body = event(uid, f"SUMMARY:Event {uid}", *lines, start=utc(start), end=utc(start + HOUR))
        assert (await self.program.put(f"{uid}.ics", body, home)).status in (201, 204)

    async def ring(self, seconds: float = 0.0) -> None:
        """Let time pass, and do what is due."""
        self.clock.ahead += seconds
        async with self.rig.account() as account:
            await account.carrier.once()

    async def told(self, number: int) -> list[list[dict[str, Any]]]:
        """The alarms of each notice so far, as soon as there are so many."""
        await self.push.wait(number)
        assert len(self.push.asked) == number
        return [self.phone.read(one)["alarms"] for one in self.push.asked]

    async def titles(self, number: int) -> list[str]:
        return [one["title"] for notice in await self.told(number) for one in notice]

    async def due(self) -> int | None:
        """Seconds until the next alarm."""
        async with self.rig.account() as account:
            found = await account.read(next_alarm, op="test")
        return None if found is None else round(found / 1e6 - time.time())

    async def mails(self) -> list[EmailMessage]:
        """The messages in the Inbox."""
        sql = "SELECT m.id FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = 'Inbox' ORDER BY m.id"
        async with self.rig.account() as account:
            found = await account.read(lambda r: [message_range(r, one) for (one,) in r.rows(sql)], op="test")
        return [email.message_from_bytes(one, policy=email.policy.default) for one in found]


@pytest.fixture
async def mia(
    tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> AsyncIterator[Owner]:
    """Notices come at once."""
    monkeypatch.setattr(service, "INTERVAL", 0.0)
    async with push_service(tmp_path) as (push, trusted):
        first, _, rest = STATIC.strip().partition("\n[listeners.local]")
        more, _, ca = trusted.partition("\n")
        rig = await open_rig(tmp_path / "server", nursery, static=f"{first}\n{more}\n{ca}\n[listeners.local]{rest}\n")
        browser = rig.browser()
        await browser.log_in()
        owner = Owner(rig, browser, push)
        owner.clock, owner.program = clock, Program(rig)
        await owner.program.ask("PROPFIND", HOME, depth="0")  # which makes the calendar
        owner.phone = await owner.subscribe()
        yield owner


async def test_an_alarm_reaches_the_phone_at_its_time(mia: Owner) -> None:
    """DAV-50: title, place and time, encrypted, soon or not at all; once."""
    start = mia.at(HOUR)
    await mia.put("one", start, "LOCATION:Pier 3", *alarm())
    await mia.ring(49 * MINUTE)
    await mia.silence()
    await mia.ring(MINUTE + 1)
    [[told]] = await mia.told(1)
    [asked] = mia.push.asked
    assert told == {"id": told["id"], "title": "Event one", "place": "Pier 3", "at": start * 1000}
    assert (asked.headers["ttl"], asked.headers["urgency"]) == ("3600", "high")
    assert await mia.due() is None
    await mia.ring(DAY)
    await mia.silence(1)
    assert await mia.mails() == []


async def test_an_account_that_nobody_uses_is_opened_for_its_alarm(mia: Owner) -> None:
    """DAV-50d: by the schedule that opens accounts for messages which are sent later."""
    start = mia.at(HOUR)
    await mia.put("one", start, *alarm())
    async with mia.rig.account() as account:  # the mail about the new device would keep it open for a minute
        await account.write(lambda tx: tx.execute("DELETE FROM outbox WHERE kind = 'way-in'"))
    await mia.ring()
    dues = mia.rig.accounts._rounds.dues
    with trio.fail_after(60):
        while "mia" not in dues._moments:  # work that was begun, such as the mail's, may hold it open
            await mia.rig.accounts.close_idle(room=mia.rig.accounts.max_open)
            await trio.sleep(0.01)
    assert round(dues._moments["mia"] / 1e6) == start - 10 * MINUTE
    mia.clock.ahead += 50 * MINUTE + 1
    dues._wakeup.set()
    assert await mia.titles(1) == ["Event one"]


async def test_repeated_events_ring_again_and_again(mia: Owner) -> None:
    """DAV-50a, DAV-50d: the next moment of each entry is known; a change of the entry changes it."""
    start = mia.at(HOUR)
    await mia.put("one", start, "RRULE:FREQ=HOURLY;INTERVAL=2", *alarm())
    for number in range(3):
        await mia.ring(50 * MINUTE + 1 if number == 0 else 2 * HOUR)
        assert (await mia.told(number + 1))[-1][0]["at"] == (start + number * 2 * HOUR) * 1000
    await mia.put("one", start, "RRULE:FREQ=HOURLY;INTERVAL=2", *alarm("TRIGGER:-PT30M"))
    await mia.ring(2 * HOUR - 19 * MINUTE)
    await mia.told(4)
    await mia.program.ask("DELETE", f"{HOME}one.ics")
    assert await mia.due() is None


async def test_what_a_program_has_acknowledged_or_put_off(mia: Owner) -> None:
    """DAV-50, RFC 9074 §6, §7"""
    start = mia.at(HOUR)
    await mia.put("one", start, *alarm())
    await mia.put("two", start, *alarm())
    moment = utc(start - 10 * MINUTE)
    again = alarm(f"TRIGGER;VALUE=DATE-TIME:{utc(start - 5 * MINUTE)}", "RELATED-TO;RELTYPE=SNOOZE:a")
    await mia.put("one", start, *alarm("TRIGGER:-PT10M", f"ACKNOWLEDGED:{moment}"))
    await mia.put("two", start, *alarm("TRIGGER:-PT10M", f"ACKNOWLEDGED:{moment}"), *again)
    await mia.ring(51 * MINUTE)
    await mia.silence()
    await mia.ring(5 * MINUTE)
    assert await mia.titles(1) == ["Event two"]


async def test_an_alarm_just_before_a_change_is_told(mia: Owner) -> None:
    """DAV-50: a change that comes between the moment and its notice takes nothing away."""
    start = mia.at(HOUR)
    await mia.put("one", start, *alarm())
    await mia.ring()
    mia.clock.ahead += 50 * MINUTE + 1
    await mia.put("one", start, "LOCATION:Pier 3", *alarm())
    assert (await mia.told(1))[0][0]["place"] == "Pier 3"


async def test_old_alarms_are_not_told(mia: Owner) -> None:
    """DAV-50b: neither of what is put, imported or moved afterwards, nor after an hour."""
    for number in range(30):
        await mia.put(f"old{number}", mia.at(-number * DAY), *alarm())
    await mia.put("moved", mia.at(DAY), *alarm())
    await mia.put("moved", mia.at(-HOUR // 2), *alarm())
    await mia.ring()
    await mia.silence()
    await mia.put("late", mia.at(HOUR), *alarm())
    await mia.ring(2 * HOUR)
    await mia.silence()
    assert await mia.due() is None


async def test_whose_alarms_are_told(mia: Owner) -> None:
    """DAV-50: of one's own calendars, not of subscribed ones, of messages about events, and of what was declined."""
    async with mia.rig.account() as account:
        new = Collection(0, "calendar", "feed", "Feed", components=("VEVENT",))
        feed = await account.write(lambda tx: subscribe(tx, new, "https://calendar.example.org/a.ics"))
        inbox = await account.read(lambda r: collection_named(r, "calendar", "inbox"), op="test")
        expander = Expander(account)
        for where in (feed, inbox):
            data = event("1", *alarm(), start=utc(mia.at(HOUR)), end=utc(mia.at(HOUR))).encode()
            where = await account.read(lambda r: collection_named(r, "calendar", "calendar"), op="test")
            facts = await expander.facts(where, data)
        for target in (feed.id, inbox.id):
            await account.write(lambda tx, i=target: put_resource(tx, i, "1.ics", data, facts))  # type: ignore[misc]
    await mia.put("no", mia.at(HOUR), "ATTENDEE;PARTSTAT=DECLINED:mailto:mia@example.org", *alarm())
    await mia.ring()
    assert await mia.due() is None


async def test_a_mail_goes_to_the_owner_and_to_no_one_else(mia: Owner) -> None:
    """DAV-50c: whatever ATTENDEE says; short, in the reader's language, by nobody's answering machine."""
    start = mia.at(HOUR)
    stranger = "ATTENDEE:mailto:victim@elsewhere.example"
    texts = "SUMMARY:Buy now", "DESCRIPTION:https://evil.example"
    places = "LOCATION:Pier 3", "CONFERENCE;VALUE=URI:https://meet.example/r"
    await mia.put("one", start, *places, *alarm("TRIGGER:-PT10M", stranger, *texts, action="EMAIL"))
    await mia.ring(50 * MINUTE + 1)
    [mail] = await mia.mails()
    assert (mail["subject"], mail["auto-submitted"], mail["return-path"]) == (
        "Reminder: Event one", "auto-generated", "<>",
    )  # fmt: skip
    assert mail["to"].addresses == mail["from"].addresses
    assert [str(one.addr_spec) for one in mail["to"].addresses] == ["mia@example.org"]
    when, end = (datetime.fromtimestamp(at, UTC) for at in (start, start + HOUR))
    until = "–" if when.date() == end.date() else f" – {end:%A, {end.day} %B %Y}, "
    assert text_of(mail) == (
        f"Event one\nWhen: {when:%A, %B {when.day}, %Y, %H:%M}{until}{end:%H:%M} (UTC)\nWhere: Pier 3\n"
        "https://meet.example/r\n"
    )
    assert "victim" not in mail.as_string()
    assert "evil" not in mail.as_string()
    await mia.ring(HOUR)
    assert len(await mia.mails()) == 1


async def test_the_mail_is_in_the_zone_of_the_owner_and_of_whole_days(mia: Owner) -> None:
    """DAV-50: the owner's zone is that of the notices; a calendar may have its own."""
    await mia.browser.call("notices_choose", choice={**CHOICE, "zone": "Asia/Tokyo"})
    async with mia.rig.account() as account:
        await account.write(lambda tx: patch_settings(tx, {"language": "de"}))
    day = datetime.fromtimestamp(mia.at(2 * DAY), UTC)
    body = event("d", "SUMMARY:Fair", f"DTSTART;VALUE=DATE:{day:%Y%m%d}", *alarm("TRIGGER:-PT15H", action="EMAIL"))
    await mia.program.put("d.ics", body)
    await mia.ring()
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() - 9 * HOUR
    due = await mia.due()
    assert due is not None
    assert abs(due - (midnight - 15 * HOUR - time.time())) < 60
    await mia.ring(due + 1)
    [mail] = await mia.mails()
    assert mail["subject"] == "Erinnerung: Fair"
    assert text_of(mail).startswith("Fair\nWann: ")
    assert f", {day.day}. " in text_of(mail)


async def test_a_mail_is_not_doubled(mia: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-50: if the server ends between the mail and the mark."""
    await mia.put("one", mia.at(HOUR), *alarm(action="EMAIL"), *alarm())

    def full(*_: Any, **__: Any) -> int:
        raise StorageFull("no room")

    monkeypatch.setattr(ringing, "note_looked", full)
    await mia.ring(50 * MINUTE + 1)
    assert len(await mia.mails()) == 1
    monkeypatch.setattr(ringing, "note_looked", note_looked)
    async with mia.rig.account() as account:
        await account.write(lambda tx: tx.execute("UPDATE alarm SET due = 0"))
    await mia.ring()
    assert len(await mia.mails()) == 1
    await mia.told(1)


async def test_a_mail_that_cannot_be_stored_for_now_comes_later(mia: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-50: while the file is locked for a moment, the alarm is kept."""
    await mia.put("one", mia.at(HOUR), *alarm(action="EMAIL"))
    with monkeypatch.context() as patch:

        async def busy(*_: Any, **__: Any) -> None:
            raise StorageBusy("locked")

        patch.setattr(ringing, "deliver", busy)
        await mia.ring(50 * MINUTE + 1)
    assert await mia.mails() == []
    await mia.ring(6 * MINUTE)
    assert len(await mia.mails()) == 1


async def test_the_mail_goes_to_an_address_of_utf8(mia: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-50c: in a header of UTF-8 (RFC 6532)."""
    monkeypatch.setattr(ringing, "addresses_of", lambda *_: ("jö@example.org",))
    await mia.put("one", mia.at(HOUR), *alarm(action="EMAIL"))
    await mia.ring(50 * MINUTE + 1)
    [mail] = await mia.mails()
    assert str(mail["to"]).encode("utf-8", "surrogateescape").decode() == "jö@example.org"


async def test_choices(mia: Owner) -> None:
    """DAV-50d: notices alone, or nothing."""
    await mia.browser.call("notices_choose", choice={**CHOICE, "alarms": "notices"})
    assert (await mia.browser.call("notices"))["choice"]["alarms"] == "notices"
    await mia.put("one", mia.at(HOUR), *alarm(), *alarm(action="EMAIL"))
    await mia.put("two", mia.at(2 * HOUR), *alarm(), *alarm(action="EMAIL"))
    await mia.ring(50 * MINUTE + 1)
    assert await mia.titles(1) == ["Event one"]
    await mia.browser.call("notices_choose", choice={**CHOICE, "alarms": "none"})
    await mia.ring(HOUR)
    await mia.silence(1)
    assert await mia.mails() == []
    assert (await mia.browser.error("notices_choose", choice={**CHOICE, "alarms": "loud"}))[0] == 400


async def test_quiet_hours_are_of_mail(mia: Owner) -> None:
    """DAV-50: an alarm is meant for its time."""
    now = datetime.fromtimestamp(time.time(), UTC)
    minute = now.hour * 60 + now.minute
    quiet = {"quiet_from": (minute - 60) % 1440, "quiet_until": (minute + 120) % 1440, "zone": "Etc/UTC"}
    await mia.browser.call("notices_choose", choice={**CHOICE, **quiet})
    await mia.put("one", mia.at(HOUR), *alarm())
    await mia.ring(50 * MINUTE + 1)
    assert await mia.titles(1) == ["Event one"]


async def test_alarms_that_a_push_service_did_not_take(mia: Owner) -> None:
    """DAV-50: they are sent again within the hour, several in one notice."""
    mia.push.answers = [Answer(503), Answer(201)]
    await mia.put("one", mia.at(HOUR), *alarm())
    await mia.put("two", mia.at(HOUR + 5), *alarm())
    await mia.put("three", mia.at(HOUR + 2 * MINUTE), *alarm())
    await mia.ring(50 * MINUTE + 1)
    await mia.until(1)
    await mia.ring(10)  # the phone isn't tried again yet: the alarm waits with the other
    await mia.ring(2 * MINUTE)
    await mia.push.wait(2)
    # The third alarm may come in a notice of its own: the pause of the phone has ended before it rings.
    assert {"Event one", "Event two"} <= {one["title"] for one in mia.phone.read(mia.push.asked[1])["alarms"]}


async def test_there_is_an_end_to_what_an_hour_brings(mia: Owner) -> None:
    """DAV-50b: sixty notices and twenty mails an hour, whatever a guest who may write puts into a calendar."""
    start = mia.at(HOUR)
    for number in range(MAX_NOTICES + 5):
        await mia.put(f"n{number}", start, *alarm(), *alarm(action="EMAIL"))
    await mia.ring(50 * MINUTE + 1)
    assert len(await mia.mails()) == MAX_MAILS
    async with mia.rig.account() as account:
        sql = "SELECT count(*) FROM alarm_notice WHERE NOT mailed"
        assert await account.read(lambda r: r.value(sql), op="test") == MAX_NOTICES
    await mia.put("later", mia.at(2 * HOUR), *alarm(), *alarm(action="EMAIL"))
    await mia.ring(110 * MINUTE + 1)
    assert len(await mia.mails()) == MAX_MAILS + 1


async def test_hostile_alarms(mia: Owner) -> None:
    """DAV-50: thousands in an entry, each second, at the end of all years: the account goes on."""
    start = mia.at(HOUR)
    often = alarm("TRIGGER:PT0S", "REPEAT:1000000", "DURATION:PT1S")
    many = [line for _ in range(1_500) for line in often]
    await mia.put("many", start, "RRULE:FREQ=HOURLY", *many)
    await mia.put("far", start, *alarm("TRIGGER;VALUE=DATE-TIME:99991231T235959Z"), *alarm("TRIGGER:P9999W"))
    await mia.program.put("last.ics", event("last", *alarm(), start="99991231T230000Z", end="99991231T235959Z"))
    await mia.put("odd", start, *alarm("TRIGGER:now"), *alarm("TRIGGER;RELATED=NEVER:-PT1S"))
    await mia.ring()
    due = await mia.due()
    assert due is not None
    assert HOUR - 300 < due <= HOUR
    begun = time.process_time()
    for _ in range(3):
        await mia.ring((await mia.due() or 0) + 1)
    assert time.process_time() - begun < 15
    assert set(await mia.titles(len(mia.push.asked))) <= {"Event many", "Event odd", "Event far"}


async def test_instances_are_extended_for_alarms(mia: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-50, DAV-9: also of an account in which nobody looks at the calendar."""
    monkeypatch.setattr("moxlite.groupware.entries.AFTER", 40 * DAY)
    await mia.put("one", mia.at(HOUR), "RRULE:FREQ=MONTHLY;INTERVAL=2", *alarm())
    await mia.ring(50 * MINUTE + 1)
    await mia.told(1)
    due = await mia.due()
    assert due is not None
    assert 8 * DAY < due < 11 * DAY, "before the stored instances end"
    monkeypatch.undo()
    mia.clock.patch(monkeypatch)
    await mia.ring(due + 1)
    due = await mia.due()
    assert due is not None
    assert 40 * DAY < due < 62 * DAY


async def test_tasks_and_calendars_that_go(mia: Owner) -> None:
    """DAV-50: a task reminds, too; a calendar that is deleted takes its alarms along."""
    assert (await mia.program.ask("MKCALENDAR", "/dav/calendars/mia/side/")).status == 201
    side = "/dav/calendars/mia/side/"
    await mia.put("gone", mia.at(HOUR), *alarm(), home=side)
    due = f"DUE:{utc(mia.at(HOUR))}"
    body = calendar("UID:t", "SUMMARY:Tax", due, *alarm("TRIGGER;RELATED=END:-PT10M"), kind="VTODO")
    assert (await mia.program.put("t.ics", body)).status == 201
    assert (await mia.program.ask("DELETE", side)).status == 204
    await mia.ring(50 * MINUTE + 1)
    assert await mia.titles(1) == ["Tax"]


class Desk:
    """An open page of mia's, which is told of alarms."""

    def __init__(self, mia: Owner, events: Events) -> None:
        self.mia, self.events = mia, events

    async def told(self) -> list[Any]:
        """The alarms that the page finds when its stream says that some have come."""
        await self.events.until("alarms")
        found: list[Any] = await self.mia.browser.call("alarms")
        return found


@pytest.fixture
async def desk(mia: Owner) -> Desk:
    events = await mia.browser.events()
    await events.until("start")
    return Desk(mia, events)


async def test_an_open_page_is_told_of_alarms(mia: Owner, desk: Desk) -> None:
    """DAV-51: whatever devices there are; one that has come is told once to a page that knows its id."""
    start = mia.at(HOUR)
    await mia.put("one", start, "LOCATION:Pier 3", *alarm())
    await mia.ring(50 * MINUTE + 1)
    [told] = await desk.told()
    assert told == {
        "id": told["id"],
        "event_id": told["event_id"],
        "title": "Event one",
        "place": "Pier 3",
        "starts": start,
        "day": "",
    }
    assert await mia.browser.call("alarms", after=told["id"]) == []
    mia.clock.ahead += 6 * MINUTE
    assert await mia.browser.call("alarms") == []


async def test_an_alarm_is_put_off_and_dismissed_for_all_programs(mia: Owner, desk: Desk) -> None:
    """DAV-51, RFC 9074 §6, §7: in the event itself."""
    start = mia.at(HOUR)
    await mia.put("one", start, "X-OWN:kept", *alarm("TRIGGER:-PT10M", "UID:first"))
    await mia.ring(50 * MINUTE + 1)
    [told] = await desk.told()
    await mia.browser.call("alarm_seen", event_id=told["event_id"], snooze=5)
    text = (await mia.program.ask("GET", f"{HOME}one.ics")).body.decode()
    assert "X-OWN:kept" in text
    assert text.count("BEGIN:VALARM") == 2
    assert text.count("ACKNOWLEDGED:") == 1
    assert "RELATED-TO;RELTYPE=SNOOZE:first" in text
    await mia.ring(4 * MINUTE)
    assert await mia.browser.call("alarms", after=told["id"]) == []
    await mia.ring(MINUTE + 1)
    [again] = await desk.told()
    assert (again["title"], again["starts"]) == ("Event one", start)
    await mia.browser.call("alarm_seen", event_id=told["event_id"])
    text = (await mia.program.ask("GET", f"{HOME}one.ics")).body.decode()
    assert text.count("BEGIN:VALARM") == 1
    assert "SNOOZE" not in text
    await mia.ring(HOUR)
    assert await mia.due() is None


async def test_a_series_and_a_task_are_acknowledged(mia: Owner, desk: Desk) -> None:
    """DAV-51: later ones of the series come; of what is gone, or no event, nothing is changed."""
    start = mia.at(HOUR)
    await mia.put("one", start, "RRULE:FREQ=HOURLY;INTERVAL=2", *alarm())
    await mia.ring(50 * MINUTE + 1)
    [told] = await desk.told()
    await mia.browser.call("alarm_seen", event_id=told["event_id"])
    await mia.ring(2 * HOUR)
    [again] = await desk.told()
    assert again["starts"] == start + 2 * HOUR
    await mia.program.ask("DELETE", f"{HOME}one.ics")
    assert (await mia.browser.error("alarm_seen", event_id=told["event_id"]))[0] == 404
    lines = ("UID:t", "DTSTAMP:20260101T000000Z", "SUMMARY:Do", f"DUE:{utc(mia.at(HOUR))}")
    due = calendar(*lines, *alarm(), kind="VTODO")
    await mia.program.put("t.ics", due)
    await mia.ring(50 * MINUTE + 1)
    [task] = await desk.told()
    await mia.browser.call("alarm_seen", event_id=task["event_id"], snooze=10)
    assert "RELTYPE=SNOOZE" in (await mia.program.ask("GET", f"{HOME}t.ics")).body.decode()


async def test_a_page_that_comes_back_hears_of_what_it_missed(mia: Owner) -> None:
    """DAV-51: within five minutes."""
    await mia.put("one", mia.at(HOUR), *alarm())
    events = await mia.browser.events()
    start = await events.until("start")
    await events.stream.aclose()
    await mia.ring(50 * MINUTE + 1)
    [told] = await Desk(mia, await mia.browser.events(since=start["modseq"])).told()
    assert told["title"] == "Event one"
