"""Invitations are answered in a panel at the band above the Inbox, in a real browser (WEBMAIL-129b)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.geometry import covered_layers, fresh, settle, within_window
from tests.integration.browser import chromium
from tests.running import LocalServer
from tests.tools import until
from tests.webcalls import Caller

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

HELD: Final = 8
"""Seconds for which an answer can be taken back."""

Invite = Callable[..., int]


class Organizer:
    """Ben, who invites the user."""

    def __init__(self, server: LocalServer) -> None:
        self.caller = Caller(server.port(80), "ben@localhost", server.password)
        self.caller.log_in()
        self.calendar = self.caller.call("calendars")[0]["id"]
        self.user = server.user

    def invite(self, title: str, start: datetime, hours: float, *, rule: str = "", place: str = "") -> int:
        guests = [{"name": "", "address": self.user}]
        return add(self.caller, title, start, hours, rule=rule, place=place, guests=guests)

    def answer(self, event: int) -> str:
        """What the user has answered, as Ben knows."""
        (guest,) = self.caller.call("event", event_id=event)["guests"]
        return str(guest["answer"])


def add(caller: Caller, title: str, start: datetime, hours: float, **more: Any) -> int:
    event = {
        "title": title,
        "place": "",
        "notes": "",
        "all_day": False,
        "start": f"{start:%Y-%m-%dT%H:%M}",
        "end": f"{start + timedelta(hours=hours):%Y-%m-%dT%H:%M}",
        "zone": "UTC",
        "rule": "",
        "alarms": [],
        "mails": [],
        "free": False,
        "guests": [],
        **more,
    }
    return int(caller.call("event_save", calendar_id=caller.call("calendars")[0]["id"], event=event)["id"])


@pytest.fixture(scope="module")
def ben(server: LocalServer) -> Organizer:
    server.cli("config", "account", "add", "ben", "ben@localhost")
    server.cli("account", "set-password", "ben", stdin=server.password + "\n")
    return Organizer(server)


@pytest.fixture
def invited(server: LocalServer, ben: Organizer) -> Iterator[dict[str, int]]:
    """Three invitations: to a free time, one that overlaps with an event of the user, and a series."""
    mine = Caller(server.port(80), server.user, server.password)
    mine.log_in()
    day = datetime.now(UTC).replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(days=7)
    call = add(mine, "Bank call", day + timedelta(days=1, hours=2.5), 0.5)
    made = {
        "Parents' evening": ben.invite("Parents' evening", day, 1.5, place="School, room 12"),
        "Quarter review": ben.invite("Quarter review", day + timedelta(days=1, hours=2), 1),
        "Rehearsal": ben.invite("Rehearsal", day + timedelta(days=2), 2, rule="FREQ=WEEKLY;COUNT=4"),
    }
    until(lambda: len(mine.call("event_news")) == len(made), what="three invitations")
    yield made
    for event in made.values():
        ben.caller.call("event_remove", event_id=event)
    mine.call("event_remove", event_id=call)

    def canceled() -> bool:
        (calendar,) = mine.call("calendars")
        span = {"since": int(day.timestamp()), "until": int(day.timestamp()) + 7 * 86_400}
        found = mine.call("events", **span, calendar_ids=[calendar["id"]])["events"]
        return bool(found) and all(item["cancelled"] for item in found)

    until(canceled, what="the end of all")
    for news in mine.call("event_news"):
        mine.call("event_remove", event_id=news["event_id"])
    assert mine.call("event_news") == []


def row(page: Page, title: str) -> Locator:
    return page.locator(".answering-row", has_text=title)


def open_by_key(page: Page) -> Locator:
    expect(page.get_by_role("button", name="3 new invitations")).to_be_visible()
    page.locator(".messages").focus()
    page.keyboard.press("i")
    panel = page.get_by_role("dialog", name="3 new invitations")
    expect(panel).to_be_visible()
    return panel


def test_invitations_are_answered_by_keys_beside_ones_own_day(
    chromium: Browser, server: LocalServer, ben: Organizer, invited: dict[str, int]
) -> None:
    """WEBMAIL-129b: what overlaps is said, the day of the chosen one is beside it, and an answer is taken back before
    Ben hears of it.
    """
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        panel = open_by_key(page)
        expect(panel.get_by_role("link").first).to_be_focused()
        expect(row(page, "Parents' evening").locator(".answering-state")).to_have_text("You're free at this time.")
        expect(row(page, "Quarter review").locator(".answering-state")).to_have_text("Overlaps with Bank call at 16:30")
        expect(row(page, "Rehearsal").locator(".answering-state")).to_have_text("You're free on the first 4 days.")
        expect(row(page, "Rehearsal")).to_contain_text("14:00 – 16:00 · Repeats")
        expect(row(page, "Parents' evening")).to_contain_text("ben@localhost · School, room 12")
        within_window(panel)
        assert covered_layers(page) == []
        while not row(page, "Quarter review").get_by_role("link").evaluate("(one) => one === document.activeElement"):
            page.keyboard.press("j")
        day = panel.get_by_role("region", name="Your day")
        expect(day.locator(".day-event")).to_have_text(["Quarter review16:00 – 17:00", "Bank call16:30 – 17:00"])
        heights = [one.bounding_box() for one in page.locator(".answering-row").all()]
        page.keyboard.press("y")
        answered = row(page, "Quarter review")
        expect(answered).to_contain_text("Going")
        expect(answered.get_by_role("button")).to_have_text(["Undo"])
        expect(panel.get_by_role("status").first).to_have_text("1 answered")
        expect(answered.get_by_role("link")).not_to_be_focused()
        settle(page)
        assert [one.bounding_box() for one in page.locator(".answering-row").all()] == heights
        assert ben.answer(invited["Quarter review"]) == ""
        answered.get_by_role("link").focus()
        page.keyboard.press("u")
        expect(answered.get_by_role("button")).to_have_text(["Yes", "Maybe", "No", ""])
        expect(answered.get_by_role("link")).to_be_focused()
        page.keyboard.press("n")
        expect(answered).to_contain_text("Not going")
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        until(lambda: ben.answer(invited["Quarter review"]) == "no", what="the answer", seconds=4 * HELD)
        expect(page.get_by_role("button", name="2 new invitations")).to_be_visible()


def test_the_panel_closes_when_nothing_is_left(
    chromium: Browser, server: LocalServer, ben: Organizer, invited: dict[str, int]
) -> None:
    """WEBMAIL-129b: once no answer can be taken back any more; the key then opens the Inbox again."""
    with fresh(chromium, server, 1440) as visitor:
        page = visitor.page
        panel = open_by_key(page)
        for number, answer in enumerate(("y", "m", "y"), 1):
            page.keyboard.press(answer)
            expect(panel.get_by_role("status").first).to_have_text(f"{number} answered")
        expect(panel.get_by_role("button", name="Undo")).to_have_count(3)
        expect(panel).to_have_count(0, timeout=3_000 * HELD)
        expect(page.locator(".list-filters")).to_be_visible()
        until(lambda: {*map(ben.answer, invited.values())} == {"yes", "maybe"}, what="all answers", seconds=4 * HELD)
        page.evaluate("() => { location.hash = '#Sent' }")
        expect(page.locator(".list-title")).to_have_text("Sent")
        page.keyboard.press("i")
        expect(page.locator(".list-title")).to_have_text("Inbox")


def test_an_answer_leaves_also_when_the_page_is_gone(
    chromium: Browser, server: LocalServer, ben: Organizer, invited: dict[str, int]
) -> None:
    """WEBMAIL-174a: it waits on the server."""
    with fresh(chromium, server, 1440) as visitor:
        panel = open_by_key(visitor.page)
        visitor.page.keyboard.press("y")
        expect(panel).to_contain_text("Going")
    assert {*map(ben.answer, invited.values())} == {""}
    until(lambda: "yes" in map(ben.answer, invited.values()), what="the answer", seconds=4 * HELD)


def test_on_a_phone_it_is_a_page(chromium: Browser, server: LocalServer, invited: dict[str, int]) -> None:
    """WEBMAIL-129b: with buttons for a finger; what is answered is one line."""
    with fresh(chromium, server, 390) as visitor:
        page = visitor.page
        page.get_by_role("button", name="3 new invitations").click()
        panel = page.get_by_role("dialog", name="3 new invitations")
        box = within_window(panel)
        assert (box.left, box.top, box.width, box.height) == (0, 0, 390, 844)
        first = page.locator(".answering-row").first
        tall = first.bounding_box()
        for button in panel.get_by_role("button").all():
            place = button.bounding_box()
            assert place is not None
            assert place["height"] >= 44, button
        first.get_by_role("button", name="Maybe").click()
        expect(first).to_contain_text("Undo")
        flat = first.bounding_box()
        assert tall is not None
        assert flat is not None
        assert flat["height"] < tall["height"] / 2
        first.get_by_role("button", name="Undo").click()
        expect(first.get_by_role("button", name="Yes")).to_be_visible()
