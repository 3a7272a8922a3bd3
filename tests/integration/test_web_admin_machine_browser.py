"""The admin app's pages about the machine and its process in a real browser: network, routes, web server, log, files,
metrics, backups."""

import re
import smtplib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.geometry import in_sight
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_admin_browser import go, log_in
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

SETTINGS = """
[transports.relay.submission]
host = "relay.example.org"
auth = {{ username = "us", password = "relay-secret" }}

[backup]
schedule = "24h"
target = "{target}"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with a transport and a target of backups."""
    folder = tmp_path_factory.mktemp("machine")
    with LocalServer(folder / "server") as found:
        static = found.folder / "config" / "moxlite.toml"
        static.write_text(static.read_text() + SETTINGS.format(target=folder / "backups"))
        found.stop()
        found.start()
        yield found
        assert panics(found) == 0, found.log()


@pytest.fixture
def visitor(chromium: Browser, server: LocalServer) -> Iterator[Visitor]:
    """The owner, logged in."""
    found = Visitor(chromium, server)
    log_in(found)
    yield found
    found.close()


@pytest.mark.nightly
def test_routes_and_handlers_are_edited_in_their_order(visitor: Visitor, server: LocalServer) -> None:
    """WEB-87: mistakes at their fields; the second handler is moved up; the password of a transport is not shown."""
    visitor.expect_problem("400")
    page = go(visitor, "routes")
    row = page.get_by_role("row", name=re.compile("relay"))
    row.locator("summary").click()
    expect(row).to_contain_text("auth.password(secret)")
    assert "relay-secret" not in page.content()
    page.get_by_role("button", name="Add", exact=True).first.click()
    page.get_by_label("Transport", exact=True).fill("nowhere")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field", has_text="Transport").locator(".error:visible").first).to_contain_text("nowhere")
    page.get_by_label("Transport", exact=True).fill("relay")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    expect(page.get_by_role("cell", name="all mail")).to_be_visible()
    domains = server.folder / "config" / "domains.toml"
    assert 'transport = "relay"' in domains.read_text()
    domains.write_text(
        domains.read_text()
        + "".join(
            f'\n[[web_handlers]]\ndomain = "{name}.example"\npath_regexp = "^/"\n'
            'redirect = { base_url = "https://example.org" }\n'
            for name in ("one", "two")
        )
    )
    go(visitor, "web")
    for _ in range(20):  # until the server has read the file
        if page.get_by_text("Handlers 2: two.example · ^/").is_visible():
            break
        page.wait_for_timeout(200)
        page.reload()
        expect(page.locator("main h1")).to_be_visible()
    page.get_by_role("button", name="Move up").last.click()
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Handlers 1: two.example · ^/")).to_be_visible()
    text = domains.read_text()
    assert text.index("two.example") < text.index("one.example")


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_a_route_is_three_fields(visitor: Visitor, server: LocalServer, width: int) -> None:
    """WEB-88c: it comes before the routes for all; a mistake is told in the dialog."""
    visitor.expect_problem("400")
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 844})
    go(visitor, "routes")
    page.get_by_role("button", name="Add route").click()
    dialog = page.get_by_role("dialog", name="Route")
    in_sight(dialog)
    dialog.get_by_label("To addresses at").fill("not a domain!")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("To addresses at").fill(f"w{width}.example, .below.example")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog).to_have_count(0)
    assert f"w{width}.example" in (server.folder / "config" / "domains.toml").read_text()


def test_lists_are_filtered_by_a_choice_and_by_the_button(visitor: Visitor, server: LocalServer) -> None:
    """WEB-88: log, audit log and queue; the address of the page has what was chosen."""
    server.cli("queue", "holdrules", "add")
    with smtplib.SMTP("localhost", server.port(587)) as client:
        client.starttls()
        client.login(server.user, server.password)
        client.sendmail(server.user, ["ada@remote.example"], f"From: {server.user}\r\nSubject: held\r\n\r\nHeld.\r\n")
    for place, label, choice, text, chosen in (
        ("log", "Minimum level", "warn", "Search text", "level=warn"),
        ("audit", "When", "7", "Text", "days=7"),
        ("queue", "On hold", "true", "From", "hold=true"),
    ):
        page = go(visitor, place)
        page.get_by_label(label).select_option(choice)
        expect(page).to_have_url(re.compile(f"#{place}\\?.*{chosen}"))
        form = page.get_by_role("form", name="Filter")
        form.get_by_label(text, exact=True).fill("nobody")
        form.get_by_role("button", name="Filter").click()
        expect(page).to_have_url(re.compile(f"#{place}\\?.*=%7E0%7E"))


def test_text_that_is_typed_while_a_choice_is_applied_stays(visitor: Visitor, server: LocalServer) -> None:
    """WEB-88: a choice fetches its list at once; the field keeps text and focus when the list comes."""
    server.cli("queue", "holdrules", "add")  # a log without an entry has no filter
    page = go(visitor, "audit")
    expect(page.get_by_label("When")).to_be_visible()
    held: list[Route] = []
    page.route("**/api/audit", lambda route: held.append(route))
    page.get_by_label("When").select_option("7")
    field = page.get_by_role("form", name="Filter").get_by_label("Text", exact=True)
    field.fill("nobo")
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    page.unroute("**/api/audit")
    expect(page.get_by_label("When")).to_have_value("7")
    expect(field).to_have_value("nobo")
    expect(field).to_be_focused()
    page.keyboard.type("dy")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("words=%7E0%7E"))
    expect(page.get_by_text("No matching changes")).to_be_visible()


def test_levels_are_set_and_undone(visitor: Visitor) -> None:
    """WEB-88."""
    page = go(visitor, "log/levels")
    page.get_by_label("Level for smtpd", exact=True).select_option("debug")
    expect(page.get_by_text("smtpd level set to debug")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Level for smtpd", exact=True)).to_have_value("")
    page.get_by_label("Level for smtpd", exact=True).select_option("traceauth")
    expect(page.get_by_text("These packages log passwords")).to_be_visible()
    page.get_by_label("Level for smtpd", exact=True).select_option("")
    expect(page.get_by_text("These packages log passwords")).to_have_count(0)


def test_the_id_of_a_message_leads_to_its_lines(visitor: Visitor, server: LocalServer) -> None:
    """WEB-88, SMTP-9: what a stranger wrote into them stays text; a wrong id is told at its field."""
    visitor.expect_problem("400")
    with smtplib.SMTP("localhost", server.port(25)) as client:
        client.ehlo("far.example")
        client.docmd('MAIL FROM:<"<img src=x onerror=window.hacked=1>"@far.example>')
        client.docmd(f"RCPT TO:<{server.user}>")
        client.docmd("DATA")
        client.send(b"From: a@far.example\r\nSubject: x\r\nMessage-ID: <1@far.example>\r\n\r\nx\r\n.\r\n")
        client.getreply()
    page = go(visitor, "log")
    lines = page.get_by_label("Log lines")
    expect(lines).to_be_visible()
    found = re.findall(r"cid=([0-9a-f]+)", lines.inner_text())
    assert found
    assert page.evaluate("window.hacked") is None
    go(visitor, "log/connection")
    page.get_by_label("ID", exact=True).fill("nothing")
    page.get_by_role("button", name="Show log lines").click()
    expect(page.locator(".field .error:visible")).to_contain_text("Must be a 22-character ID")
    page.get_by_label("ID", exact=True).fill(found[0])
    page.get_by_role("button", name="Show log lines").click()
    expect(page.get_by_label("Log lines")).to_contain_text(f"cid={found[0]}")
    page.reload()  # its address leads to it again
    expect(page.get_by_label("Log lines")).to_contain_text(f"cid={found[0]}")


def test_files_metrics_and_backups(visitor: Visitor) -> None:
    """WEB-88: without secrets, found by words, made after a question."""
    page = go(visitor, "config")
    expect(page.locator("pre")).to_contain_text('password = "(secret)"')
    page.get_by_role("link", name="domains.toml, effective").click()
    expect(page.locator("pre")).to_contain_text("max_outgoing_messages_per_day = 1000")
    assert "relay-secret" not in page.content()
    go(visitor, "metrics")
    page.get_by_label("Name or description").fill("disk free_bytes")
    expect(page.get_by_text("1 metric", exact=True)).to_be_visible()
    expect(page.get_by_text("disk_free_bytes")).to_be_visible()
    page.get_by_label("Name or description").fill("left before it is looked for")
    page.evaluate("location.hash = '#backups'")
    expect(page.get_by_role("heading", level=1, name="Backups")).to_be_visible()
    page.wait_for_timeout(300)
    assert page.url.endswith("#backups")
    page.get_by_role("button", name="Back up now").click()
    page.get_by_role("dialog").get_by_role("button", name="Back up").click()
    expect(page.get_by_text(re.compile("^Backed up"))).to_be_visible()
    expect(page.get_by_role("table", name="Snapshots").get_by_role("row")).to_have_count(3)
