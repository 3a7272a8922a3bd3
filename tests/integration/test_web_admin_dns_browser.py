"""The admin app's card of the DNS provider, in Chromium (ADMIN-71b, 71c, AUTH-115)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.dnsproviders import TOKENS, FakeProviders
from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.integration, pytest.mark.served]


@pytest.fixture
def fake() -> Iterator[FakeProviders]:
    with FakeProviders({"hill.example": [("hill.example", "MX", "10 old.provider.example.")]}) as found:
        yield found


@pytest.fixture
def server(tmp_path: Path, fake: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    with LocalServer(tmp_path / "server") as found:
        found.cli("config", "domain", "add", "hill.example", "moxlite")
        yield found


@pytest.mark.nightly(
    smoke="tests/session/test_admin_dns_operations.py::test_a_provider_is_set_and_records_published_in_the_admin_app"
)
def test_records_are_published_and_taken_back_by_the_pages_card(
    chromium: Browser, server: LocalServer, fake: FakeProviders
) -> None:
    """ADMIN-71b, 71c, AUTH-115: the provider is chosen, its token typed unseen and tried; the changes are shown before
    they are made, and undone; the rotation is stopped.
    """
    visitor = Visitor(chromium, server)
    page = visitor.page
    page.goto(f"{visitor.base}/admin/")
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("main h1")).to_be_visible()
    page.goto(f"{visitor.base}/admin/#domains/hill.example")
    page.get_by_role("button", name="Set DNS provider…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Provider").select_option("desec")
    dialog.get_by_role("button", name="Next").click()
    token = page.get_by_role("dialog", name="deSEC").get_by_label("Token")
    expect(token).to_have_attribute("type", "password")
    token.fill("not the token")
    visitor.expect_problem("400")
    page.get_by_role("button", name="Test and save").click()
    expect(page.get_by_role("dialog")).to_contain_text("rejected the token")
    token.fill(TOKENS["desec"])
    page.get_by_role("button", name="Test and save").click()
    expect(page.get_by_text("reported only")).to_be_visible(timeout=60_000)

    page.get_by_role("button", name="Publish records…").click()
    page.get_by_role("button", name="Review changes").click()
    changes = page.get_by_label("Changes", exact=True)
    expect(changes).to_contain_text("+ _dmarc.hill.example. TXT", timeout=60_000)
    expect(page.get_by_role("dialog")).to_contain_text(
        "keeping hill.example. MX 10 old.provider.example.; "
        "to replace it, cancel and select “Replace different records”"
    )
    assert len(fake.records("hill.example")) == 1
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Name servers will update within minutes")).to_be_visible(timeout=60_000)
    assert fake.data("_dmarc.hill.example", "TXT")
    assert fake.data("hill.example", "MX") == {"10 old.provider.example."}

    page.get_by_role("button", name="Undo…").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo").click(timeout=60_000)
    expect(page.get_by_role("button", name="Undo…")).to_have_count(0, timeout=60_000)
    assert len(fake.records("hill.example")) == 1

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    visitor.close()
