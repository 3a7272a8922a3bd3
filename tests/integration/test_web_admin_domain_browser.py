"""A new domain in the admin app, from its name to a test mail, in Chromium (WEB-80a)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.dnsproviders import TOKENS, FakeProviders
from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.integration, pytest.mark.served]

SIZES = {"desk": (1280, 800), "phone": (390, 844)}


@pytest.fixture
def fake() -> Iterator[FakeProviders]:
    with FakeProviders({"hill.example": []}) as found:
        yield found


@pytest.fixture
def server(tmp_path: Path, fake: FakeProviders, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    with LocalServer(tmp_path / "server") as found:
        yield found


def step(page: Page, name: str) -> None:
    """Go on by the button, and wait for the step."""
    page.get_by_role("link", name=f"Next: {name}").click()
    expect(page.get_by_label("Steps").locator("[aria-current]")).to_contain_text(name)


@pytest.mark.landing("desk")
@pytest.mark.parametrize("size", SIZES)
def test_a_domain_is_added_and_made_ready_in_one_flow(
    chromium: Browser, server: LocalServer, fake: FakeProviders, size: str, tmp_path: Path
) -> None:
    """WEB-80a: name, mailboxes, DNS by the provider's token, certificates, a test mail to the new address."""
    width, height = SIZES[size]
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    page = visitor.page
    page.goto(f"{visitor.base}/admin/")
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("main h1")).to_be_visible()
    page.goto(f"{visitor.base}/admin/#domains")
    page.get_by_role("button", name="Add domain").click()
    page.get_by_role("dialog").get_by_label("Domain").fill("hill.example")
    page.get_by_role("dialog").get_by_role("button", name="Add domain").click()
    steps = page.get_by_label("Steps")
    expect(steps.locator("[aria-current]")).to_contain_text("Addresses")
    expect(page.get_by_text("postmaster@hill.example")).to_be_visible()
    fits(page)

    page.get_by_role("button", name="Add address").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Address").fill("ann@hill.example")
    dialog.get_by_label("Account", exact=True).select_option(label="new account")
    dialog.get_by_label("New account name").fill("ann")
    dialog.get_by_role("button", name="Add address").click()
    expect(page.get_by_text("able to see it again.")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("main").get_by_text("ann@hill.example")).to_be_visible()

    # localserve makes no checks, and says so once
    visitor.expect_problem("503", "409", "500")
    step(page, "DNS records")
    expect(page.get_by_text("localserve doesn't contact other servers").first).to_be_visible()
    page.get_by_role("button", name="Set DNS provider…").click()
    page.get_by_role("dialog").get_by_label("Provider").select_option("desec")
    page.get_by_role("dialog").get_by_role("button", name="Next").click()
    page.get_by_role("dialog", name="deSEC").get_by_label("Token").fill(TOKENS["desec"])
    page.get_by_role("button", name="Test and save").click()
    expect(page.get_by_text("reported only")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Publish records…").click()
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_label("Changes", exact=True)).to_contain_text("+ _dmarc.hill.example. TXT")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Name servers will update within minutes")).to_be_visible()
    assert fake.data("hill.example", "MX")

    step(page, "Keys and certificates")
    expect(page.get_by_text("keys sign outgoing mail").or_(page.get_by_text("key signs outgoing mail"))).to_be_visible()
    fits(page)

    step(page, "Test email")
    expect(page.get_by_label("To")).to_have_value("ann@hill.example")
    page.get_by_role("button", name="Send test email").click()
    expect(page.get_by_text("message to ann@hill.example accepted by the other server")).to_be_visible()
    expect(page.get_by_text("Ready to send and receive mail.")).to_be_visible()
    fits(page)
    visitor.close()


def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.landing("phone")
@pytest.mark.parametrize("size", SIZES)
def test_mail_for_people_who_have_not_moved_goes_to_their_former_server(
    chromium: Browser, server: LocalServer, size: str
) -> None:
    """WEB-80a, ADMIN-86: the card of other addresses: refused, sent on to a host that is tried, of a disabled domain
    too, refused again.
    """
    width, height = SIZES[size]
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    page = visitor.page
    page.goto(f"{visitor.base}/admin/")
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("main h1")).to_be_visible()
    page.goto(f"{visitor.base}/admin/#domains/localhost?tab=addresses")
    expect(page.get_by_text("Mail to unknown addresses is rejected.")).to_be_visible()
    page.get_by_role("button", name="Forward…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Current mail server").fill("mx.old.example, 192.0.2.1")
    dialog.get_by_role("button", name="Forward").click()
    expect(page.get_by_text("mx.old.example", exact=True)).to_be_visible()
    expect(page.get_by_text("192.0.2.1: localserve doesn't contact other servers")).to_be_visible()
    expect(page.get_by_text("0 messages forwarded in the last 14 days.")).to_be_visible()
    expect(page.get_by_text("migrating here", exact=True)).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Incoming mail is forwarded to the old server.")).to_be_visible()
    expect(page.get_by_text("All mail is forwarded to the old server")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("Mail to unknown addresses is forwarded")).to_be_visible()
    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Mail to unknown addresses is rejected.")).to_be_visible()
    visitor.close()
