"""A second time zone beside the hours of week and day, in a real browser (WEBMAIL-175g)."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.geometry import Box, boxes, in_sight, resting
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import Desk, event, server
from tests.running import LocalServer

__all__ = ["chromium", "server"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

CUT = """(all) => all.filter((one) => one.scrollWidth > one.clientWidth
  || one.scrollHeight > Math.max(one.clientHeight, one.matches(".cal-zone-name") ? 32 : 16))
  .map((one) => one.textContent)"""
"""Texts of labels that are cut off, or hours that take more than a line."""


def open_week(visitor: Visitor) -> tuple[Desk, Locator]:
    """The calendar, in a week of winter."""
    visitor.enter("/webmail/")
    desk = Desk(visitor.page)
    calendar = desk.open()
    visitor.page.evaluate("location.hash = '#calendar:week,20270113'")
    expect(calendar.locator(".cal-column")).to_have_count(7)
    return desk, calendar


def top_of(labels: Locator, text: str) -> float:
    """Where the label of an hour is."""
    return Box.of(labels.filter(has_text=re.compile(f"^{text}$"))).top


@pytest.mark.parametrize(
    ("language", "scheme"), [("en-GB", "light"), ("en-GB", "dark"), ("en-US", "light"), ("ar", "light")]
)
def test_hours_of_a_second_zone_are_beside_the_own_ones(
    chromium: Browser, server: LocalServer, language: str, scheme: str, tmp_path: Path
) -> None:
    """WEBMAIL-175g: in a column of their own at the edge, in the same lines, with the short names of both zones above;
    heads stay above their columns, and no label is cut off.
    """
    size = {"width": 1280, "height": 800}
    visitor = Visitor(
        chromium, server, viewport=size, locale=language, timezone_id="Europe/Berlin", color_scheme=scheme
    )
    desk, calendar = open_week(visitor)
    page = desk.page
    desk.call("calendar_save", change={"second_zone": "Asia/Kolkata"}, calendar_id=desk.call("calendars")[0]["id"])
    others, names = calendar.locator(".cal-zone"), calendar.locator(".cal-zone-name")
    own = calendar.locator(".cal-hour:not(.cal-zone)")
    expect(others).to_have_count(23)  # another page has set it
    expect(names).to_have_count(2)
    expect(names.first).to_have_attribute("title", "Asia/Kolkata")
    expect(names.last).to_have_attribute("title", "Europe/Berlin")
    if language == "en-GB":
        expect(names).to_have_text(["GMT+5:30", "CET"])
        # 9:00 in Berlin is 13:30 in India
        assert abs(top_of(others, "13:30") - top_of(own, "9:00")) <= 0.5
    assert calendar.locator(".cal-hour, .cal-zone-name").evaluate_all(CUT) == []
    mirrored = language == "ar"
    for left, right in zip(boxes(own if mirrored else others), boxes(others if mirrored else own), strict=True):
        assert left.right <= right.left
        assert abs(left.top - right.top) <= 0.5
    columns, heads = boxes(calendar.locator(".cal-column")), boxes(calendar.locator(".cal-head"))
    wholes = boxes(calendar.locator(".cal-whole"))
    for column, head, whole in zip(columns, heads, wholes, strict=True):
        assert abs(column.left - head.left) <= 1
        assert abs(column.left - whole.left) <= 1
    for label in boxes(own):
        assert label.left >= columns[0].right if mirrored else label.right <= columns[0].left
    first, second = in_sight(names.first), in_sight(names.last)
    assert abs(first.right - boxes(others)[0].right) <= 1
    assert abs(second.right - boxes(own)[0].right) <= 1
    page.screenshot(path=tmp_path / f"zones-{language}-{scheme}.png")
    assert judge(page, None) == []
    calendar.locator(".cal-tabs button").first.click()
    expect(calendar.locator(".cal-column")).to_have_count(1)
    expect(others).to_have_count(23)
    visitor.close()


def test_a_second_zone_is_chosen_by_name_and_removed(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-175g: below the calendars, at once, on all devices; in summer it has the hours of summer."""
    visitor = Visitor(
        chromium, server, viewport={"width": 1280, "height": 800}, timezone_id="Europe/Berlin", locale="en-GB"
    )
    desk, calendar = open_week(visitor)
    page = desk.page
    gutter = resting(calendar.locator(".cal-column").first).left
    page.get_by_role("button", name="Second time zone…").click()
    chooser = page.get_by_role("dialog", name="Second time zone")
    chooser.get_by_role("combobox").fill("new york")
    expect(chooser.get_by_role("option").first).to_contain_text("America/New York")
    expect(chooser.get_by_role("option").first).to_contain_text("GMT-5")
    page.screenshot(path=tmp_path / "choice.png")
    assert judge(page, None) == []
    page.keyboard.press("Enter")
    names = calendar.locator(".cal-zone-name")
    expect(names).to_have_text(["GMT-5", "CET"])
    assert resting(calendar.locator(".cal-column").first).left > gutter
    expect(page.locator(".toast")).to_contain_text("America/New York")
    others, own = calendar.locator(".cal-zone"), calendar.locator(".cal-hour:not(.cal-zone)")
    assert abs(top_of(others, "9:00") - top_of(own, "15:00")) <= 0.5
    # New York changes its clocks two weeks before Berlin
    page.evaluate("location.hash = '#calendar:week,20270317'")
    expect(names).to_have_text(["GMT-4", "CET"])
    assert abs(top_of(others, "9:00") - top_of(own, "14:00")) <= 0.5
    page.reload()
    expect(names).to_have_text(["GMT-4", "CET"])
    page.get_by_role("button", name="Second time zone…").click()
    chooser.get_by_role("option", name="No second time zone").click()
    expect(names).to_have_count(0)
    assert resting(calendar.locator(".cal-column").first).left == gutter
    visitor.close()


def test_a_phone_leaves_the_second_zone_out(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-175g: a day has its room, and the setting isn't offered where it shows nothing."""
    size = {"width": 390, "height": 844}
    visitor = Visitor(chromium, server, viewport=size, has_touch=True, timezone_id="Europe/Berlin")
    visitor.enter("/webmail/")
    desk = Desk(visitor.page)
    desk.call("calendar_save", change={"second_zone": "Asia/Tokyo"}, calendar_id=desk.call("calendars")[0]["id"])
    start = desk.today.replace(hour=9)
    desk.add("Stand-up", start, start.replace(hour=10), desk.call("calendars")[0]["id"])
    calendar = desk.open()
    calendar.get_by_role("button", name="Day", exact=True).click()
    expect(event(calendar, "Stand-up")).to_be_visible()
    expect(calendar.locator(".cal-zone").first).to_be_hidden()
    expect(calendar.locator(".cal-zone-name").first).to_be_hidden()
    assert resting(calendar.locator(".cal-column")).left <= 64
    expect(visitor.page.get_by_role("button", name="Second time zone…")).to_have_count(0)
    visitor.close()
