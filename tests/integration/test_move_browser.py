"""The page of a move in the admin app, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from moxlite.operations.move import AccountMove, MoveState
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_admin_browser import go, log_in
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server that was moved to and then ended, as its file says."""
    with LocalServer(tmp_path / "server") as found:
        yield found


def test_the_page_shows_a_move_with_its_problems(chromium: Browser, server: LocalServer) -> None:
    """MOVE-11"""
    accounts = [
        AccountMove("mia@example.org", "mia", "done", "", 1200),
        AccountMove("ben@example.org", "ben", "failed", "", 3, -1, ["mail: <b>no answer\u202e"], 1),
    ]
    state = MoveState("running", "csv", accounts=accounts, problems=["a line is left out"])
    visitor = Visitor(chromium, server)
    try:
        log_in(visitor)
        page = go(visitor, "accounts")
        page.get_by_role("link", name="Move from another server").click()
        expect(page.get_by_text("No moves yet")).to_be_visible()
    finally:
        visitor.close()
    server.stop()
    (server.folder / "data/move.json").write_bytes(msgspec.json.encode(state))
    server.start()
    visitor = Visitor(chromium, server)
    try:
        log_in(visitor)
        page = go(visitor, "move")
        table = page.get_by_role("table", name="Accounts")
        expect(table.locator("tbody tr").nth(0)).to_contain_text("1,200")
        expect(table.locator("tbody tr").nth(1)).to_contain_text("incomplete")
        expect(page.get_by_text("mail: <b>no answer[U+202E]")).to_be_visible()
        expect(page.get_by_text("a line is left out")).to_be_visible()
        expect(page.get_by_text("stopped", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    finally:
        visitor.close()
