"""An event that is written in words, in the title of the short form, in a real browser (WEBMAIL-175f)."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Position, expect

from tests.geometry import boxes, fresh, in_sight, near, within_window
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import DAY, Desk, event, server
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "server"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


def begin(calendar: Locator, hour: int) -> Locator:
    """Open the short form at an hour of the day that is shown."""
    column = calendar.locator(".cal-column").first
    expect(column).to_be_visible()
    place: Position = {"x": 20, "y": hour * 50 + 5}
    if calendar.page.evaluate("navigator.maxTouchPoints > 0"):
        column.tap(position=place)
    else:
        column.click(position=place)
    return calendar.page.get_by_role("dialog", name="New event")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_a_time_in_the_title_is_shown_and_used(
    chromium: Browser, server: LocalServer, width: int, scheme: str, tmp_path: Path
) -> None:
    """WEBMAIL-175f: below the title, in place of the time of the form; Enter makes the event at that time."""
    with fresh(chromium, server, width, scheme=scheme) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        tomorrow = desk.today + DAY
        calendar = desk.open()
        calendar.get_by_role("button", name="Day", exact=True).click()
        form = begin(calendar, 15)
        title, status = form.get_by_label("Title"), form.get_by_role("status")
        starts, leave = form.get_by_label("Starts at"), form.get_by_role("button", name="Don't use this time")
        title.press_sequentially("Room 9")
        expect(status).to_be_empty()
        expect(leave).to_be_hidden()
        expect(starts).to_have_value("15:00")
        expect(calendar.locator(".cal-mark")).to_be_visible()
        title.fill(f"dentist {tomorrow:%a} 9:30")
        expect(status).to_contain_text(f"{tomorrow:%a}")
        expect(status).to_contain_text("9:30 – 10:30")
        expect(status).to_contain_text("Press Enter or Save to use this time")
        expect(starts).to_be_hidden()
        expect(calendar.locator(".cal-mark")).to_be_hidden()
        said, field = in_sight(status), in_sight(title)
        assert field.bottom <= said.top < field.bottom + 16
        assert said.bottom <= in_sight(form.get_by_label("Repeat", exact=True)).top
        cross = in_sight(leave)
        assert cross.left >= said.right
        assert cross.right <= field.right
        assert min(cross.width, cross.height) >= (28 if width > 700 else 44)
        in_sight(form.get_by_role("button", name="Save"))
        within_window(form)
        expect(form.get_by_label("Repeat", exact=True)).to_contain_text(f"Every week on {tomorrow:%A}")
        page.screenshot(path=tmp_path / f"meant-{width}-{scheme}.png")
        assert judge(page, None) == []
        title.press("Enter")
        expect(form).to_have_count(0)
        expect(calendar.locator(".cal-event")).to_have_count(0)
        page.evaluate(f"location.hash = '#calendar:day,{tomorrow:%Y%m%d}'")
        dentist = event(calendar, "dentist")
        expect(dentist.locator(".cal-title")).to_have_text("dentist")
        (block,), (column,) = boxes(dentist), boxes(calendar.locator(".cal-column"))
        assert abs(block.top - column.top - 9.5 * 50) <= 2
        assert abs(block.height - 50) <= 4


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_series_in_the_title_is_read_back_and_made(
    chromium: Browser, server: LocalServer, width: int, scheme: str, tmp_path: Path
) -> None:
    """WEBMAIL-175f: title, time and rule below the words; what is not understood is the title alone."""
    with fresh(chromium, server, width, scheme=scheme) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        calendar = desk.open()
        calendar.get_by_role("button", name="Day", exact=True).click()
        form = begin(calendar, 15)
        title, status = form.get_by_label("Title"), form.get_by_role("status")
        title.press_sequentially("Yoga every Monday 18:00")
        expect(status).to_contain_text("Yoga Mon")
        expect(status).to_contain_text("Every week on Monday")
        expect(form.get_by_label("Repeat", exact=True)).to_have_value("weekly")
        within_window(form)
        page.screenshot(path=tmp_path / "series.png")
        assert judge(page, None) == []
        title.fill("Flight 6/12 14:20")
        expect(status).to_be_empty()
        expect(form.get_by_label("Repeat", exact=True)).to_have_value("")
        title.fill("Yoga every Monday 18:00")
        expect(status).to_contain_text("Every week on Monday")
        title.press("Enter")
        expect(form).to_have_count(0)
        until(lambda: desk.call("calendars")[0]["events"] == 1)
        first = desk.today + DAY * ((7 - desk.today.weekday()) % 7 or 7)
        for weeks in (0, 1):
            page.evaluate(f"location.hash = '#calendar:day,{first + 7 * weeks * DAY:%Y%m%d}'")
            expect(event(calendar, "Yoga").locator(".cal-title")).to_have_text("Yoga")


@pytest.mark.parametrize("way", ["Escape", "button"])
def test_a_title_stays_as_it_was_typed(chromium: Browser, server: LocalServer, way: str) -> None:
    """WEBMAIL-175f: Escape or the button leaves the words in the title, and the form has its own time again."""
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        calendar = desk.open()
        calendar.get_by_role("button", name="Day", exact=True).click()
        form = begin(calendar, 15)
        title, status = form.get_by_label("Title"), form.get_by_role("status")
        title.fill("Bus at 9:30")
        expect(status).to_contain_text("9:30")
        if way == "Escape":
            title.press("Escape")
        else:
            form.get_by_role("button", name="Don't use this time").click()
        expect(status).to_be_empty()
        expect(title).to_be_focused()
        expect(title).to_have_value("Bus at 9:30")
        expect(form.get_by_label("Starts at")).to_have_value("15:00")
        expect(calendar.locator(".cal-mark")).to_be_visible()
        # another device's change draws the view anew
        desk.call("calendar_save", change={"name": "Boats"}, calendar_id=desk.call("calendars")[0]["id"])
        expect(calendar.locator(".place-side")).to_contain_text("Boats")
        expect(calendar.locator(".cal-mark")).to_be_visible()
        # the same words stay in the title, others are understood again
        title.press("Space")
        expect(status).to_be_empty()
        title.fill("Bus at 9:45")
        expect(status).to_contain_text("9:45")
        title.fill("Bus at 9:30")
        expect(status).to_be_empty()
        title.press("Enter")
        expect(event(calendar, "Bus at 9:30")).to_contain_text("15:00")


def test_the_whole_form_takes_the_time_of_the_title(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-175f: "More…" has the title without the time; a day alone is a whole day."""
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        calendar = desk.open()
        calendar.get_by_role("button", name="Day", exact=True).click()
        day = desk.today + 40 * DAY
        form = begin(calendar, 15)
        form.get_by_label("Title").fill(f"Fair {day:%-d %B}")
        expect(form.get_by_role("status")).to_contain_text("all day")
        form.get_by_role("button", name="More…").click()
        expect(form.get_by_label("Guests", exact=True)).to_be_attached()
        expect(form.get_by_label("Title")).to_have_value("Fair")
        expect(form.get_by_label("All day")).to_be_checked()
        expect(form.get_by_label("Starts on")).to_have_value(f"{day:%Y-%m-%d}")
        expect(form.get_by_label("Ends on")).to_have_value(f"{day:%Y-%m-%d}")


@pytest.mark.parametrize("view", ["month", "week", "agenda"])
def test_keys_make_an_event_in_words(chromium: Browser, server: LocalServer, view: str) -> None:
    """WEBMAIL-175f: `n` opens the short form at the chosen day, or in the middle where no day is shown; Enter makes the
    event. The end follows the start.
    """
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        calendar = desk.open()
        page.keyboard.press(view[0])
        expect(calendar.locator(f".cal-{'hours' if view == 'week' else view}")).to_be_visible()
        page.keyboard.press("n")
        form = page.get_by_role("dialog", name="New event")
        expect(form.get_by_label("Title")).to_be_focused()
        within_window(form)
        if view != "agenda":
            near(form, calendar.locator(".cal-mark"), 8)
        form.get_by_label("Starts at").fill("09:30")
        expect(form.get_by_label("Ends at")).to_have_value("10:30")
        form.get_by_label("Title").focus()
        page.keyboard.type("Lunch with Ada 12:00-13:30")
        expect(form.get_by_role("status")).to_contain_text("12:00 – 13:30")
        page.keyboard.press("Enter")
        lunch = event(calendar, "Lunch with Ada")
        expect(lunch.locator(".cal-title")).to_have_text("Lunch with Ada")
        lunch.click()
        expect(page.get_by_role("dialog", name="Lunch with Ada")).to_contain_text("12:00 – 13:30")


@pytest.mark.parametrize(
    ("language", "zone", "typed", "shown"),
    [
        ("de", "Europe/Berlin", "Zahnarzt {day} 9:30", "9:30 – 10:30"),
        ("en-US", "America/New_York", "Zahnarzt {day} 9:30-11", "9:30 AM – 11:00 AM"),
    ],
)
def test_a_time_is_of_the_readers_language_and_zone(
    chromium: Browser, server: LocalServer, language: str, zone: str, typed: str, shown: str
) -> None:
    """WEBMAIL-175f: German words and a clock of twelve hours; the event is at that time in the zone of the calendar."""
    visitor = Visitor(chromium, server, locale=language, timezone_id=zone, viewport={"width": 1280, "height": 800})
    visitor.enter("/webmail/")
    desk = Desk(visitor.page)
    page = desk.page
    calendar = desk.open()
    page.keyboard.press("d")
    expect(calendar.locator(".cal-column")).to_be_visible()
    page.keyboard.press("n")
    form = page.locator("dialog:modal")
    days = {
        "de": ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
        "en-US": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    }
    now = datetime.now(ZoneInfo(zone))
    tomorrow = now + DAY
    form.locator("input.dialog-input").first.fill(typed.format(day=days[language][tomorrow.weekday()]))
    status = form.get_by_role("status")
    expect(status).to_contain_text(shown)
    with page.expect_response("**/api/event_save"):
        page.keyboard.press("Enter")
    (calendar_of,) = desk.call("calendars")
    from_day = int(now.timestamp())
    found = desk.call("events", since=from_day, until=from_day + 3 * 86_400, calendar_ids=[calendar_of["id"]])
    (made,) = found["events"]
    at = tomorrow.replace(hour=9, minute=30, second=0, microsecond=0).astimezone(UTC)
    assert made["title"] == "Zahnarzt"
    assert datetime.fromtimestamp(made["starts"], UTC) == at
    visitor.close()
