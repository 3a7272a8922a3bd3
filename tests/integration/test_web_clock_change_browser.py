"""Sending later across a change of the clocks, in a real browser of a zone that has such changes (WEBMAIL-96)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from tests.fakeclock import FakeClock
from tests.integration.browser import chromium
from tests.integration.test_web_compose_browser import Writer, write
from tests.integration.test_web_later_browser import waiting
from tests.running import LocalServer
from tests.webcalls import send_at_once

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(
        smoke="tests/integration/test_web_compose_browser.py::test_a_message_with_a_file_is_written_and_arrives"
    ),
]

ZONE = ZoneInfo("Europe/Berlin")


def next_change() -> datetime:
    """The day of the next change of the clocks that is more than a week ahead: midnight, as the zone has it."""
    day = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
    while day.utcoffset() == (day + timedelta(days=1)).utcoffset():
        day += timedelta(days=1)
    return day


@pytest.fixture
def friday() -> datetime:
    """Noon, two days before the change."""
    return next_change() - timedelta(days=1, hours=12)


@pytest.fixture
def server(tmp_path: Path, friday: datetime) -> Iterator[LocalServer]:
    """A server that is in that time."""
    clock = FakeClock(tmp_path / "clock")
    clock.move((friday - datetime.now(UTC)).total_seconds())
    with LocalServer(tmp_path / "server", environment=clock.environment()) as found:
        send_at_once(found)
        yield found


@pytest.fixture
def writer(chromium: Browser, server: LocalServer, friday: datetime) -> Iterator[Writer]:
    """A writer who is in that time, and in that zone."""
    found = Writer(chromium, server, timezone_id=ZONE.key)
    found.page.clock.install(time=friday)
    found.log_in()
    yield found
    found.close()


def test_the_chosen_hour_is_that_of_the_clocks_after_their_change(writer: Writer, friday: datetime) -> None:
    """WEBMAIL-96: by words, by a button and in the calendar; the server is told the moment, the list shows the hour."""
    page = writer.page
    monday = (friday + timedelta(days=3)).replace(hour=9, minute=30)
    assert monday.utcoffset() != friday.utcoffset()
    for words in ("monday 9:30", ""):
        write(page, "After the change.", subject=f"Boats {words}")
        writer.composer().get_by_role("button", name="Schedule send…").click()
        dialog = page.locator("dialog")
        if words:
            dialog.get_by_label("Type a time").fill(words)
            expect(dialog.get_by_role("status")).to_contain_text("09:30")
            expect(dialog.get_by_label("Date and time")).to_have_value(f"{monday:%Y-%m-%dT%H:%M}")
        else:
            dialog.get_by_label("Date and time").fill(f"{monday:%Y-%m-%dT%H:%M}")
        with page.expect_request("**/api/message_submit") as asked:
            dialog.get_by_role("button", name="Schedule", exact=True).click()
        assert f'"send_at":{int(monday.timestamp())}' in json.dumps(asked.value.post_data_json, separators=(",", ":"))
        expect(page.locator(".composer")).to_have_count(0)
    waiting(page)
    rows = page.locator(".outbox-list li")
    expect(rows).to_have_count(2)
    for row in rows.all():
        expect(row).to_contain_text(f"{monday:%a}")
        expect(row).to_contain_text("09:30")
