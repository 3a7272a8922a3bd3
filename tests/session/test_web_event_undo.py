"""A change of an event is undone in the webmail, and what it owes its people waits until then (WEBMAIL-174a)."""

import time
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from moxlite.store.auth.credentials import change_password
from moxlite.store.changelog.unit import AccountTx
from tests.session.test_web_calendars import WEEKLY, Diary, diary, form
from tests.session.test_web_dav import Program
from tests.web_rig import PASSWORD, Browser

__all__ = ["diary"]

pytestmark = pytest.mark.served

GUESTS: Final = [{"name": "Tom", "address": "tom@example.org"}]
PLAN: Final = form("2099-01-05T09:00", "2099-01-05T10:00", guests=GUESTS)
SPAN: Final = {
    "since": int(datetime(2099, 1, 1, tzinfo=UTC).timestamp()),
    "until": int(datetime(2099, 3, 1, tzinfo=UTC).timestamp()),
}
WAIT: Final = 8
"""Seconds that the page asks for."""


class Guest:
    """Tom, whom mia invites."""

    def __init__(self, browser: Browser, calendar: int) -> None:
        self.browser, self.calendar = browser, calendar

    async def titles(self) -> list[str]:
        found = await self.browser.call("events", **SPAN, calendar_ids=[self.calendar])
        return [item["title"] for item in found["events"]]

    async def item(self) -> dict[str, Any]:
        (item,) = (await self.browser.call("events", **SPAN, calendar_ids=[self.calendar]))["events"]
        return dict(item)


@pytest.fixture
async def tom(diary: Diary) -> Guest:
    async with diary.rig.account("tom") as account:
        await change_password(account, PASSWORD)
    browser = diary.rig.browser()
    await browser.log_in("tom@example.org")
    (calendar,) = await browser.call("calendars")
    return Guest(browser, calendar["id"])


async def waiting(diary: Diary, name: str = "mia") -> list[float]:
    """Seconds for which each message of an account still waits."""
    async with diary.rig.account(name) as account:
        rows = await account.read(lambda r: list(r.rows("SELECT due FROM outbox ORDER BY id")), op="test")
    return [due / 1_000_000 - time.time() for (due,) in rows]


async def carry(diary: Diary, name: str = "mia", *, late: bool = False) -> None:
    """Hand over what an account owes; with ``late``, as if the time of it had passed."""

    def passed(tx: AccountTx) -> None:
        tx.execute("UPDATE outbox SET due = 1 WHERE due > 0")

    async with diary.rig.account(name) as account:
        if late:
            await account.write(passed)
        await account.carrier.once()


async def save(diary: Diary, event: dict[str, Any], **more: Any) -> dict[str, Any]:
    saving = {"calendar_id": diary.calendar, "event": event, "undo_s": WAIT, **more}
    return dict(await diary.browser.call("event_save", **saving))


async def undo(browser: Browser, change: dict[str, Any]) -> dict[str, Any]:
    return dict(await browser.call("event_undo", steps=change["undo"]))


async def test_an_invitation_waits_and_is_never_sent_once_undone(diary: Diary, tom: Guest) -> None:
    """WEBMAIL-174a: for the seconds that the page asks for, on the server."""
    change = await save(diary, PLAN)
    assert change["told"] == 1
    (left,) = await waiting(diary)
    assert WAIT - 2 < left <= WAIT
    await carry(diary)
    assert await tom.titles() == []
    assert await undo(diary.browser, change) == {"id": 0, "told": 0}
    assert await waiting(diary) == []
    assert await diary.listed() == []
    assert await diary.browser.error("event_undo", steps=change["undo"]) == (404, "user:notFound")


async def test_an_invitation_goes_out_by_itself(diary: Diary, tom: Guest) -> None:
    """WEBMAIL-174a: the page has no part in it. Undone later, the guest hears of that."""
    change = await save(diary, PLAN)
    await carry(diary, late=True)
    assert await tom.titles() == ["Plan"]
    assert await undo(diary.browser, change) == {"id": 0, "told": 1}
    await carry(diary)
    assert (await tom.item())["cancelled"]


@pytest.mark.parametrize("late", [False, True])
async def test_a_change_is_undone_with_all_that_the_entry_has(diary: Diary, tom: Guest, late: bool) -> None:
    """WEBMAIL-174a: the file is as before, and guests who heard of the change hear of the former state."""
    first = await save(diary, PLAN)
    await carry(diary, late=True)
    before = await diary.files()
    change = await save(diary, {**PLAN, "title": "Other", "start": "2099-01-05T08:00"}, event_id=first["id"])
    assert change["told"] == 1
    await carry(diary, late=late)
    assert await tom.titles() == (["Other"] if late else ["Plan"])
    assert await undo(diary.browser, change) == {"id": first["id"], "told": int(late)}
    await carry(diary)
    assert await tom.titles() == ["Plan"]
    assert await diary.times() == ["01-05 08:00"]
    assert late or await diary.files() == before


async def test_a_removal_is_undone_before_guests_hear_of_it(diary: Diary, tom: Guest) -> None:
    """WEBMAIL-174a."""
    one = (await save(diary, PLAN))["id"]
    await carry(diary, late=True)
    before = await diary.files()
    change = await diary.browser.call("event_remove", event_id=one, undo_s=WAIT)
    assert (change["id"], change["told"]) == (0, 1)
    assert (await undo(diary.browser, change))["told"] == 0
    await carry(diary, late=True)
    assert (await diary.files(), (await tom.item())["cancelled"]) == (before, False)


async def test_an_answer_is_undone_before_the_organizer_hears_of_it(diary: Diary, tom: Guest) -> None:
    """WEBMAIL-174a, WEBMAIL-129b."""
    one = (await save(diary, PLAN))["id"]
    await carry(diary, late=True)

    async def known() -> str:
        (guest,) = (await diary.browser.call("event", event_id=one))["guests"]
        return str(guest["answer"])

    change = await tom.browser.call("event_answer", event_id=(await tom.item())["id"], answer="yes", undo_s=WAIT)
    assert ((await tom.item())["answer"], change["told"]) == ("yes", 1)
    await carry(diary, "tom")
    assert await undo(tom.browser, change) == {"id": (await tom.item())["id"], "told": 0}
    assert ((await tom.item())["answer"], await waiting(diary, "tom")) == ("ask", [])
    assert await known() == ""
    await tom.browser.call("event_answer", event_id=(await tom.item())["id"], answer="no", undo_s=WAIT)
    await carry(diary, "tom", late=True)
    assert await known() == "no"


async def test_both_halves_of_a_series_are_undone(diary: Diary, tom: Guest) -> None:
    """WEBMAIL-174a: in one unit."""
    first = await save(diary, {**WEEKLY, "guests": GUESTS})
    await carry(diary, late=True)
    before = await diary.files(), await diary.times()
    third = (await diary.listed())[2]["recurrence"]
    event = (await diary.browser.call("event", event_id=first["id"], recurrence=third))["form"]
    change = await save(diary, {**event, "title": "Late"}, event_id=first["id"], recurrence=third, scope="following")
    assert len(await diary.files()) == len(change["undo"]) == 2
    assert await undo(diary.browser, change) == {"id": first["id"], "told": 0}
    assert (await diary.files(), await diary.times()) == before
    assert await waiting(diary) == []
    assert set(await tom.titles()) == {"Plan"}


async def test_an_event_returns_to_its_calendar(diary: Diary, tom: Guest) -> None:
    """WEBMAIL-174a: as it was there."""
    first = await save(diary, PLAN)
    await carry(diary, late=True)
    before = await diary.files()
    other = await diary.browser.call("calendar_save", change={"name": "Other"})
    change = await save(diary, {**PLAN, "place": "Hall"}, event_id=first["id"], calendar_id=other)
    assert await diary.listed() == []
    assert (await undo(diary.browser, change))["told"] == 0
    assert (await diary.files(), await waiting(diary)) == (before, [])
    assert await tom.titles() == ["Plan"]


async def test_what_was_changed_since_is_not_undone(diary: Diary, tom: Guest) -> None:
    """WEBMAIL-174a: a conflict, and what waits still goes out."""
    first = await save(diary, PLAN)
    second = await save(diary, {**PLAN, "title": "Second"}, event_id=first["id"])
    for step in first["undo"]:
        assert await diary.browser.error("event_undo", steps=[step]) == (409, "user:conflict")
    assert len(await waiting(diary)) == 2
    await undo(diary.browser, second)
    await carry(diary, late=True)
    assert await tom.titles() == ["Plan"]


async def test_what_waits_goes_before_what_another_program_changes(diary: Diary, tom: Guest) -> None:
    """WEBMAIL-174a: else a guest would get an event after the word that it's canceled."""
    await save(diary, PLAN)
    (uid,) = (line[4:] for file in await diary.files() for line in file.splitlines() if line.startswith("UID:"))
    assert (await Program(diary.rig).ask("DELETE", f"/dav/calendars/mia/calendar/{uid}.ics")).status == 204
    assert all(left < 0 for left in await waiting(diary))
    await carry(diary)
    assert (await tom.item())["cancelled"]


async def test_steps_of_two_accounts_are_no_change(diary: Diary) -> None:
    """WEBMAIL-174a."""
    (step,) = (await save(diary, form("2099-01-05", "2099-01-06")))["undo"]
    other = {**step, "calendar_id": step["calendar_id"] + 2**40}
    assert await diary.browser.error("event_undo", steps=[step, other]) == (400, "user:error")
