"""What events show in the calendar's views, and what is made with few presses, in a real browser (WEBMAIL-175)."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.geometry import Box, boxes, fresh, in_sight, near, within_window
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_axe_browser import judge
from tests.integration.test_web_calendar_browser import DAY, HOUR, Desk, event, server
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium", "server"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("width", [1280, 390])
def test_join_is_where_an_event_says_when_it_is(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-175b: in the event above all facts, in the agenda at the end of the row; the form has a field for it."""
    with fresh(chromium, server, width) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        link = "https://meet.example.org/planning?room=4"
        at = desk.today.replace(hour=9) + DAY
        desk.add("Planning", at, at + timedelta(hours=1), desk.call("calendars")[0]["id"], place=f"Online: {link}")
        calendar = desk.open()
        calendar.get_by_role("button", name="Agenda", exact=True).click()
        row = event(calendar, "Planning")
        join = calendar.get_by_role("link", name="Join")
        expect(join).to_have_attribute("href", link)
        expect(join).to_have_attribute("rel", "noopener noreferrer")
        beside = in_sight(join)
        assert beside.left >= in_sight(row).right
        assert beside.right <= width
        assert beside.height >= (24 if width > 700 else 44)
        row.click()
        card = page.get_by_role("dialog", name="Planning")
        join = card.get_by_role("link", name="Join")
        expect(join).to_have_attribute("href", link)
        assert in_sight(card.locator(".event-when")).bottom <= in_sight(join).top
        assert in_sight(join).bottom <= in_sight(card.locator(".event-facts")).top
        expect(card.locator(".event-joining")).to_contain_text("meet.example.org")
        card.get_by_role("button", name="Edit", exact=True).click()
        page.get_by_label("Link", exact=True).fill("https://other.example/")
        page.get_by_label("Location").fill("Room 4")
        page.get_by_role("button", name="Save").click()
        expect(calendar.get_by_role("link", name="Join")).to_have_attribute("href", "https://other.example/")


def test_an_event_has_a_colour_of_its_own(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-175: chosen in the form, which has Save in sight, shown in all views; the calendar's own comes back.
    Where an event is shown, one press gives it a color, by a guest, too.
    """
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        start = desk.today.replace(hour=9)
        for title in ("Choir", "Dentist"):
            desk.add(title, start, start + HOUR, desk.call("calendars")[0]["id"])
        calendar = desk.open()

        def choose(name: str) -> None:
            event(calendar, "Choir").click()
            page.get_by_role("button", name="Edit", exact=True).click()
            choices = page.get_by_role("radiogroup", name="Color").get_by_role("radio")
            expect(choices).to_have_count(9)
            assert min(box.width for box in boxes(choices)) >= 24
            page.get_by_role("radio", name=name, exact=True).check()
            assert judge(page, None) == []
            in_sight(page.get_by_role("button", name="Save"))
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_role("dialog")).to_have_count(0)

        choose("red")
        for view in ("Month", "Week", "Day", "Agenda"):
            calendar.get_by_role("button", name=view, exact=True).click()
            expect(event(calendar, "Choir")).to_have_class(re.compile(r"\bc1\b"))
            expect(event(calendar, "Dentist")).to_have_class(re.compile(r"\bc5\b"))
        choose("Calendar color")
        expect(event(calendar, "Choir")).to_have_class(re.compile(r"\bc5\b"))
        event(calendar, "Choir").click()
        choices = page.get_by_role("dialog").get_by_role("group", name="Color").get_by_role("button")
        expect(choices).to_have_count(9)
        assert min(box.width for box in boxes(choices)) >= 24
        expect(page.get_by_role("button", name="Calendar color")).to_have_attribute("aria-pressed", "true")
        assert judge(page, None) == []
        page.get_by_role("button", name="purple", exact=True).click()
        expect(event(calendar, "Choir")).to_have_class(re.compile(r"\bc7\b"))
        expect(event(calendar, "Dentist")).to_have_class(re.compile(r"\bc5\b"))
        people = "ORGANIZER:mailto:ada@far.example\r\nATTENDEE:mailto:moxlite@localhost\r\n"
        moment = f"DTSTART:{start:%Y%m%dT150000}\r\nDTEND:{start:%Y%m%dT160000}\r\nDTSTAMP:{start:%Y%m%dT%H%M%SZ}\r\n"
        invited = f"BEGIN:VEVENT\r\nUID:a@far\r\nSUMMARY:Fair\r\n{moment}{people}END:VEVENT\r\n"
        path = tmp_path / "invited.ics"
        path.write_text(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{invited}END:VCALENDAR\r\n", newline="")
        server.cli("calendar", "import", "moxlite", str(path))
        event(calendar, "Fair").click()
        page.get_by_role("button", name="green", exact=True).click()
        expect(event(calendar, "Fair")).to_have_class(re.compile(r"\bc4\b"))
        event(calendar, "Fair").click()
        page.get_by_role("button", name="Edit", exact=True).click()
        expect(page.get_by_text("The organizer manages this event.")).to_contain_text("your alerts, color, and")
        expect(page.get_by_role("radio", name="green", exact=True)).to_be_enabled()
        assert judge(page, None) == []


def test_birthdays_of_contacts_are_a_calendar(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-175d: with the age where the year is known, on whole days, live, only read; turned off everywhere."""
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        calendar = desk.open()
        calendar.get_by_role("button", name="Week", exact=True).click()
        address, side = page.url, page.locator(".side")
        expect(side.get_by_text("Calendar", exact=True).last).to_be_visible()
        expect(side.get_by_label("Birthdays")).to_have_count(0)
        day = desk.today
        people = {"Ada": f"1988-{day:%m-%d}", "Bo": f"--{day:%m-%d}", "Cy": f"--{day + 40 * DAY:%m-%d}", "Di": ""}
        for name, born in people.items():
            details = {"nickname": "", "title": "", "department": "", "addresses": [], "websites": [], "birthday": born}
            emails = [{"kind": "", "value": f"x@{name}.example"}]
            contact = {"name": name, "emails": emails, "phones": [], "organization": "", "note": "", "groups": []}
            assert desk.call("contact_save", contact={**contact, "details": details})
        ada = event(calendar, f"Ada turns {day.year - 1988}")
        expect(ada).to_be_visible()
        expect(event(calendar, "Bo's birthday")).to_be_visible()
        for each in (ada, event(calendar, "Bo's birthday")):
            expect(each).to_have_class(re.compile(r"\bcal-bar\b.*\bc8\b"))
        expect(calendar.locator(".cal-event")).to_have_count(2)
        assert judge(page, None) == []
        ada.click()
        card = page.get_by_role("dialog", name="Ada turns")
        expect(card.get_by_role("button")).to_have_text(["Close", "Write message"])
        near(card, ada, 24)
        page.keyboard.press("Escape")
        ada.focus()
        page.keyboard.press("Delete")
        page.keyboard.press("Alt+ArrowRight")
        expect(page.get_by_role("dialog")).to_have_count(0)
        ada.click()
        page.get_by_role("button", name="Write message").click()
        expect(page.locator(".composer")).to_contain_text("x@ada.example", ignore_case=True)
        page.goto("about:blank")
        page.goto(address)
        expect(ada).to_be_visible()
        side.get_by_label("Birthdays").uncheck()
        expect(calendar.locator(".cal-event")).to_have_count(0)
        page.reload()
        expect(side.get_by_label("Birthdays")).not_to_be_checked()
        expect(calendar.locator(".cal-event")).to_have_count(0)
        side.get_by_label("Birthdays").check()
        expect(ada).to_be_visible()


def test_titles_have_the_room_of_a_narrow_month(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-175: on a tablet the title stays where the time has no room beside it."""
    with fresh(chromium, server, 768) as visitor:
        desk = Desk(visitor.page)
        desk.fill()
        calendar = desk.open()
        calendar.get_by_role("button", name="Month", exact=True).click()
        lunch = event(calendar, "Lunch with Sam")
        expect(lunch).to_be_visible()
        expect(lunch.locator("time")).to_be_hidden()
        assert Box.of(lunch.locator(".cal-title")).width >= Box.of(lunch).width - 40


def in_corner(mark: Locator, block: Locator) -> bool:
    """Whether a sign is in a corner of a block at the end of lines, the upper one if the block is wide; not while they
    are drawn anew.
    """
    inner, outer = mark.bounding_box(), block.bounding_box()
    if inner is None or outer is None:
        return False
    from_end = outer["x"] + outer["width"] - inner["x"] - inner["width"]
    from_top = inner["y"] - outer["y"]
    if outer["width"] < 90:
        from_top = outer["height"] - from_top - inner["height"]
    return 0 <= from_end <= 6 and 0 <= from_top <= 6


def test_events_that_clash_are_marked_and_say_so(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEBMAIL-175c: in day and week, with a sign in the corner; an event that is free clashes with nothing."""
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        desk.fill()
        at = desk.today.replace(hour=12, minute=30)
        desk.add("Dentist", at, at + timedelta(hours=1), desk.call("calendars")[0]["id"])
        calendar = desk.open()
        for view in ("Week", "Day"):
            calendar.get_by_role("button", name=view, exact=True).click()
            lunch = event(calendar, "Lunch with Sam")
            expect(lunch.locator(".cal-clash")).to_be_visible()
            until(lambda: in_corner(lunch.locator(".cal-clash"), lunch), what="the sign in the corner")  # noqa: B023 at once
            expect(lunch.get_by_role("img", name=re.compile("^Overlaps with Dentist at "))).to_have_count(1)
            clashing = calendar.locator(".clash", has_text=re.compile("Lunch|Dentist|Budget"))
            expect(clashing).to_have_count(2)
        page.screenshot(path=tmp_path / "clash.png")
        lunch.click()
        card = page.get_by_role("dialog", name="Lunch with Sam")
        clash = card.get_by_text(re.compile("^Overlaps with Dentist at "))
        assert in_sight(clash).bottom <= in_sight(card.locator(".event-facts")).top


@pytest.mark.parametrize("width", [1280, 390])
def test_the_short_form_repeats_an_event(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-175: an event of each week is made in the short form; "More…" takes the repetition, too."""
    with fresh(chromium, server, width) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        calendar = desk.open()
        calendar.get_by_role("button", name="Day", exact=True).click()
        form = page.get_by_role("dialog", name="New event")
        repeat = form.get_by_label("Repeat", exact=True).locator("visible=true").first

        def begin(title: str, hour: int) -> None:
            calendar.locator(".cal-column").click(position={"x": 20, "y": hour * 50 + 5})
            form.get_by_label("Title").fill(title)
            repeat.select_option(f"Every week on {desk.today:%A}")
            assert judge(page, None) == []

        begin("Choir", 15)
        in_sight(form.get_by_role("button", name="Save"))
        within_window(form)
        form.get_by_label("Title").press("Enter")
        event(calendar, "Choir").click()
        shown = page.get_by_role("dialog", name="Choir")
        expect(shown).to_contain_text(f"every week, on {desk.today:%A}")
        shown.get_by_role("button", name="Close").click()
        page.evaluate(f"location.hash = '#calendar:day,{desk.today + 7 * DAY:%Y%m%d}'")
        expect(event(calendar, "Choir")).to_be_visible()
        begin("Tea", 11)
        form.get_by_role("button", name="More…").click()
        expect(form.get_by_label("Guests", exact=True)).to_be_attached()
        expect(repeat).to_have_value("weekly")


def test_the_form_says_what_a_rule_does_with_the_start(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-175: an event of a Monday that repeats on first Fridays takes place on that Monday, too; the choices name
    the weekday that the start has now.
    """
    with fresh(chromium, server, 1280) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        calendar = desk.open()
        calendar.get_by_role("button", name="New event").first.click()
        form = page.get_by_role("dialog", name="New event")
        form.get_by_label("Title").fill("Committee")
        start = form.get_by_label("Starts on")
        start.fill("2027-02-01")
        repeat = form.get_by_label("Repeat", exact=True).first
        expect(repeat.locator("option", has_text="Monday")).to_have_text(
            ["Every weekday (Monday to Friday)", "Every week on Monday", "Every 2 weeks on Monday"]
            + ["Every month, same Monday"]
        )
        repeat.select_option("Custom…")
        note = form.get_by_text("The event also takes place on")
        expect(form.get_by_label("Interval")).to_be_visible()
        expect(note).to_be_hidden()
        fields = form.get_by_role("group", name="Repeat", exact=True)
        fields.get_by_label("Repeat", exact=True).select_option("every month")
        place = fields.get_by_label("Repeat on").locator("visible=true")
        place.select_option("the first Friday")
        expect(note).to_have_text(re.compile(r"on Monday.* 1.*, its start date\.$"))
        start.fill("2027-02-05")
        start.blur()
        expect(note).to_be_hidden()
        start.fill("2027-02-01")
        start.blur()
        expect(note).to_be_visible()
        form.get_by_role("button", name="Save").click()
        expect(form).to_have_count(0)
        for day, there in [("20270201", 1), ("20270205", 1), ("20270208", 0), ("20270305", 1)]:
            page.evaluate(f"location.hash = '#calendar:day,{day}'")
            expect(page.locator(".cal-block", has_text="Committee")).to_have_count(there)


@pytest.mark.landing("1280", "390")
@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_a_day_months_ahead_is_three_presses_away(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEBMAIL-175: the name of the small month shows the months of two years, and leads to further ones."""
    with fresh(chromium, server, width) as visitor:
        desk = Desk(visitor.page)
        page = desk.page
        calendar = desk.open()
        page.evaluate("location.hash = '#calendar:day,20991130'")
        if width < 700:
            calendar.get_by_role("button", name="Folders").locator("visible=true").first.click()
        elif width < 1100:
            calendar.get_by_role("button", name="Calendars", exact=True).click()
        small = page.locator(".cal-small")
        small.get_by_role("button", name="November 2099").click()
        months = small.locator(".cal-small-months button")
        expect(months).to_have_count(24)
        assert judge(page, None) == []
        for box in boxes(months):
            assert min(box.width, box.height) >= 24
        in_sight(months.last)
        small.get_by_role("group", name="2100").get_by_role("button", name="Mar").click()
        name = small.get_by_role("button", name="March 2100")
        expect(name).to_be_focused()
        expect(name).to_have_attribute("aria-expanded", "false")
        small.get_by_role("button", name="Wednesday 17 March").click()
        expect(page).to_have_url(re.compile(r"#calendar:day,21000317$"))
        name.click()
        small.get_by_role("button", name="Later").press("Enter")
        expect(small.get_by_role("button", name="Later")).to_be_focused()
        small.get_by_role("group", name="2102").get_by_role("button", name="Jun").click()
        expect(page).to_have_url(re.compile(r"#calendar:day,21020617$"))


HALVES = """(calendar) => [...calendar.querySelectorAll(".cal-block")].flatMap((block) => {
  const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const cut = [];
  while (walk.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walk.currentNode);
    for (const line of range.getClientRects()) {
      let { left, right, top, bottom } = line;
      let ends = false;
      for (let over = walk.currentNode.parentElement; over !== block.parentElement; over = over.parentElement) {
        const style = getComputedStyle(over);
        if (style.overflow === "visible") continue;
        ends ||= style.textOverflow === "ellipsis";
        const clip = over.getBoundingClientRect();
        [left, right] = [Math.max(left, clip.left), Math.min(right, clip.right)];
        [top, bottom] = [Math.max(top, clip.top), Math.min(bottom, clip.bottom)];
      }
      if (right - left < 2 || bottom - top < 2) continue; // nothing of it is seen
      const across = ends || right - left >= line.width - 1;
      if (!across || bottom - top < line.height - 1) cut.push(walk.currentNode.data);
    }
  }
  return cut;
})"""
"""Texts of events of which a line is cut, across or at an end without an ellipsis."""


WITHIN = """(box) => {
  const range = document.createRange();
  range.selectNodeContents(box);
  const [inner, outer] = [range.getBoundingClientRect(), box.getBoundingClientRect()];
  return inner.left >= outer.left && inner.right <= outer.right && inner.height <= Math.max(20, outer.height);
}"""
"""Whether the words of an element are within it, and not broken into lines."""


@pytest.mark.landing("ar", "en")
@pytest.mark.parametrize("language", ["ar", "he", "en", "es"])
def test_a_narrow_week_has_whole_words_and_times(chromium: Browser, server: LocalServer, language: str) -> None:
    """WEBMAIL-175, WEBMAIL-143b: hours stand in their column, an event has whole lines and whole times, and a day's
    head is above its hours, also from right to left. Names of places are inside their buttons.
    """
    visitor = Visitor(chromium, server, viewport={"width": 1024, "height": 768}, locale=language)
    page = visitor.page
    visitor.enter("/webmail/")
    expect(page.locator(".list-title")).to_be_visible()
    desk = Desk(page)
    desk.fill()
    calendar = desk.open()
    page.keyboard.press("w")
    expect(calendar.locator(".cal-block").nth(3)).to_be_visible()
    assert calendar.evaluate(HALVES) == []
    # on the day of the review it shares its hour
    titles = calendar.locator(".cal-event", has_text="Stand-up").locator(".cal-title").all()
    cut = [title.evaluate("(one) => one.scrollWidth > one.clientWidth") for title in titles]
    assert cut.count(True) <= 1
    assert cut.count(False) >= 4
    for label in [*page.locator(".place").all(), *calendar.locator(".cal-hour").all()[:12]]:
        assert label.evaluate(WITHIN)
    for head, column in zip(boxes(calendar.locator(".cal-head")), boxes(calendar.locator(".cal-column")), strict=True):
        assert abs(head.left - column.left) <= 1
        assert abs(head.right - column.right) <= 1
    visitor.close()
