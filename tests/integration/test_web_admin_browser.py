"""The admin app in a real browser against a real server: each page once right and once wrong."""

import re
import time
import typing
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from moxlite.findings import Code, Finding
from moxlite.process.localserve import ADMIN_PASSWORD
from tests.geometry import boxes, in_sight, resting, within_window
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_axe_browser import AXE, judge
from tests.playedmonth import month, write_history
from tests.reportdata import write_reports
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

HOSTILE = "\u202egnp.exe<img src=x onerror=window.hacked=1>"

PAGES = (
    "overview",
    "sessions",
    "accounts",
    "accounts/ben",
    "accounts/ben?tab=settings",
    "accounts/ben?tab=security",
    "accounts/ben?tab=logins",
    "accounts/ben/ben@hill.example",
    "domains",
    "domains/hill.example",
    "domains/hill.example?tab=addresses",
    "domains/hill.example?tab=aliases",
    "domains/hill.example?tab=keys",
    "domains/hill.example?tab=settings",
    "domains/hill.example/aliases/family?tab=aliases",
    f"domains/hill.example/keys/{time.localtime().tm_year}a?tab=keys",
    "queue",
    "queue/rules",
    "queue/finished",
    "queue/webhooks",
    "queue/suppressions",
    "trends",
    "trends?days=90",
    "trends/day/20000",
    "trends/limits",
    "trends/logins?network=203.0.113.0/26",
    "reports",
    "reports/dmarc/31",
    "reports/sources",
    "reports/sources/hill.example?ip=203.0.113.9",
    "reports/tls",
    "reports/tls/31",
    "reports/own",
    "reports/own/remote.example",
    "reports/mta-sts",
    "network",
    "routes",
    "web",
    "log",
    "log/connection",
    "log/levels",
    "audit",
    "audit?via=cli",
    "two-step",
    "provider",
    "metrics",
    "backups",
    "config",
    "config/domains.toml?as=effective",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One server with a domain, accounts, an alias and mail that waits; it must have counted no panic."""
    made = LocalServer(tmp_path_factory.mktemp("admin") / "server")
    write_reports(made.folder / "data")
    write_history(made.folder / "data")
    with made as found:
        found.cli("config", "domain", "add", "hill.example", "moxlite")
        for name in ("ben", "margaret"):
            found.cli("config", "account", "add", name, f"{name}@hill.example")
        found.cli("config", "alias", "add", "family@hill.example", "ben@hill.example")
        found.cli("queue", "holdrules", "add")
        submit(found)
        # released mail stays in the queue: neither undo nor the counts of this day wait for its delivery
        found.cli("queue", "schedule", "--all", "--now", "10h")
        yield found
        assert panics(found) == 0, found.log()


def submit(server: LocalServer) -> None:
    """Put mail on hold: to an address, and with a subject of a stranger's making."""
    import smtplib

    with smtplib.SMTP("localhost", server.port(587)) as client:
        client.starttls()
        client.login(server.user, server.password)
        for number in range(3):
            client.sendmail(
                server.user,
                [f"user{number}@far.example"],
                f"From: {server.user}\r\nTo: x@far.example\r\nSubject: {HOSTILE}\r\n\r\nbody\r\n".encode(),
                mail_options=["SMTPUTF8"],
            )


@pytest.fixture
def visitor(chromium: Browser, server: LocalServer) -> Iterator[Visitor]:
    """The owner, logged in."""
    found = Visitor(chromium, server)
    log_in(found)
    yield found
    found.close()


def log_in(visitor: Visitor) -> None:
    visitor.enter("/admin/", ADMIN_PASSWORD)
    expect(visitor.page.locator("main h1")).to_be_visible()


def go(visitor: Visitor, place: str) -> Page:
    visitor.page.goto(f"{visitor.base}/admin/#{place}")
    expect(visitor.page.locator("main h1")).to_be_visible()
    return visitor.page


@pytest.mark.nightly
def test_the_overview_says_that_mail_flows(visitor: Visitor, server: LocalServer) -> None:
    """WEB-60, WEB-84: and that messages are on hold, with the way to them; a broken file is named with its line."""
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Accepting and sending mail"))
    page.get_by_role("link", name="View queue").click()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    path = server.folder / "config" / "domains.toml"
    whole = path.read_text()
    path.write_text(whole + "\n[accounts.ben]\nnonsense = 1\n")
    server.cli("config", "account", "list", check=False)
    go(visitor, "overview")
    alert = page.get_by_role("alert")
    for _ in range(30):
        if alert.is_visible():
            break
        page.wait_for_timeout(200)
        page.reload()
        expect(page.locator("main h1")).to_be_visible()
    expect(alert).to_contain_text("domains.toml:")
    path.write_text(whole)


ABOUT = {
    "dns": "hill.example mx",
    "dns-changed": "hill.example",
    "dns-provider": "hill.example",
    "peer": "hill.example",
    **dict.fromkeys(
        (
            "account-broken",
            "account-stopped",
            "password-foreign",
            "password-known",
            "password-weak",
            "quota-reached",
            "search-preparing",
        ),
        "ben",
    ),
}
"""Subjects of findings that have a page of their own; others have none that matters."""


def test_each_kind_of_finding_has_an_action(visitor: Visitor) -> None:
    """ADMIN-70e: every kind that the code can make, without commands: a page that is there, or a command to copy."""
    codes = typing.get_args(Code)
    found = [
        msgspec.to_builtins(Finding(grade="warning", code=code, about=ABOUT.get(code, "x"), text=f"about {code}"))
        for code in codes
    ]

    def answer(route: Route) -> None:
        told = route.fetch().json()
        told["result"] |= {"findings": found}
        route.fulfill(json=told)

    page = visitor.page
    page.route("**/admin/api/overview", answer)
    page.reload()
    lines = page.get_by_role("region", name="Needs attention").locator("li")
    expect(lines).to_have_count(len(codes))
    places = set[str]()
    for line in lines.all():
        link = line.get_by_role("link")
        if link.count() == 1:
            places.add(link.get_attribute("href") or "")
        else:
            expect(line.locator("code")).to_have_text(["moxlite doctor"])
            expect(line.get_by_role("button", name="Copy")).to_be_visible()
    page.unroute("**/admin/api/overview")
    assert len(places) > 10
    for place in sorted(places):
        page.goto(f"{visitor.base}/admin/{place}")
        expect(page.locator("nav.side [aria-current]")).not_to_have_text(re.compile("^Overview"))
        expect(page.locator("main h1"), place).not_to_have_text("Page not available")
        if (tab := re.search(r"tab=(\w+)", place)) is not None:
            expect(page.locator(f"main a[aria-current][href*='tab={tab[1]}']")).to_be_visible()


@pytest.mark.nightly
def test_a_wrong_password_and_an_ended_session_lose_nothing(visitor: Visitor, server: LocalServer) -> None:
    """WEB-54, WEB-60: the log-in lies over the page, and what was typed is still there."""
    page = go(visitor, "accounts/ben?tab=settings")
    page.get_by_label("Full name").fill("Benedict")
    visitor.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Wrong password.")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    assert "Benedict" in (server.folder / "config" / "domains.toml").read_text()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Full name")).to_have_value("")


@pytest.mark.nightly
def test_a_change_by_others_meanwhile_is_not_lost(visitor: Visitor, server: LocalServer) -> None:
    """WEB-89: the command line changes another value of the account meanwhile; both are in the file afterwards."""
    page = go(visitor, "accounts/margaret?tab=settings")
    page.get_by_label("Full name").fill("Margaret H.")
    server.cli("config", "account", "disable", "margaret", "gone sailing")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    text = (server.folder / "config" / "domains.toml").read_text()
    assert "gone sailing" in text
    assert "Margaret H." in text
    server.cli("config", "account", "enable", "margaret")


@pytest.mark.nightly
def test_a_conflict_is_explained_and_loses_nothing(visitor: Visitor, server: LocalServer) -> None:
    """WEB-89: somebody else changes the same value meanwhile."""
    visitor.expect_problem("409")
    page = go(visitor, "accounts/margaret?tab=settings")
    page.get_by_label("Full name").fill("Maggie")
    path = server.folder / "config" / "domains.toml"
    before = path.read_text()
    new = before.replace("[accounts.margaret]\n", '[accounts.margaret]\nfull_name = "Theirs"\n', 1)
    if 'full_name = "Margaret H."' in before:
        new = before.replace('full_name = "Margaret H."', 'full_name = "Theirs"')
    (path.parent / "new.toml").write_text(new)
    server.cli("--yes", "config", "apply", str(path.parent / "new.toml"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_contain_text("full_name")
    page.get_by_role("button", name="Save anyway").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    assert 'full_name = "Maggie"' in path.read_text()


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_a_form_says_what_it_changes_before_it_is_saved(visitor: Visitor, width: int) -> None:
    """WEB-89b: forty fields in sections, the first open; words of code are drawn as such."""
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 844})
    go(visitor, "accounts/ben?tab=settings")
    expect(page.locator(".editor > .section")).to_have_count(8)
    expect(page.locator(".editor > .section[open]")).to_have_count(1)
    assert "`" not in page.locator(".editor").inner_text()
    changes = page.locator(".changes")
    expect(changes).to_be_hidden()
    page.get_by_label("Description").fill("the second <b>Ben</b>")
    expect(changes).to_contain_text("Description: not set → the second <b>Ben</b>")
    changes.scroll_into_view_if_needed()
    within_window(changes)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Description").fill("")
    expect(changes).to_be_hidden()


@pytest.mark.landing("390")
@pytest.mark.parametrize("width", [1440, 390])
def test_a_site_a_redirect_and_a_proxy_are_three_fields_each(visitor: Visitor, width: int) -> None:
    """WEB-88a: what has a longer path comes before what would take its requests; mistakes show at their fields."""
    visitor.expect_problem("400")
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 844})
    go(visitor, "web")
    host = f"www{width}.example.org"
    for kind, path, third, value in (
        ("Static site", "/", "Folder", "/srv/www"),
        ("Proxy", "/app.v1/", "Backend server", "http://127.0.0.1:3000"),
        ("Redirect", "/old", "To", "https://example.com"),
    ):
        page.get_by_role("button", name=kind).click()
        dialog = page.get_by_role("dialog", name=kind)
        in_sight(dialog)
        expect(dialog.get_by_role("textbox")).to_have_count(3)
        dialog.get_by_label("Host").fill(host)
        dialog.get_by_label("Path").fill("x")
        dialog.get_by_label(third).fill(value)
        dialog.get_by_role("button", name="Add").click()
        expect(dialog).to_contain_text("Start the path with /.")
        dialog.get_by_label("Path").fill(path)
        dialog.get_by_role("button", name="Add").click()
        expect(dialog).to_have_count(0)
    lines = page.locator("summary", has_text=host)
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text(r"^/app\.v1/")
    expect(lines.nth(1)).to_contain_text("^/old")
    expect(lines.nth(2)).to_contain_text("· ^/")


@pytest.mark.landing("1440")
@pytest.mark.parametrize("width", [1440, 390])
def test_limits_are_three_fields(visitor: Visitor, server: LocalServer, width: int) -> None:
    """WEB-88c: with their defaults; mistakes at their fields; what is emptied is the default again."""
    visitor.expect_problem("400")
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 844})
    go(visitor, "accounts/ben")
    page.get_by_role("button", name="Limits…").click()
    dialog = page.get_by_role("dialog", name="Limits for ben")
    in_sight(dialog)
    expect(dialog.get_by_role("textbox")).to_have_count(3)
    assert dialog.get_by_label("Recipients in 24 hours", exact=True).get_attribute("placeholder") == "1000"
    dialog.get_by_label("Storage").fill("much")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator(".field", has_text="Storage").locator(".error")).to_be_visible()
    dialog.get_by_label("Storage").fill("2g")
    dialog.get_by_label("Recipients in 24 hours", exact=True).fill("77")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert "max_outgoing_messages_per_day = 77" in (server.folder / "config" / "domains.toml").read_text()
    page.get_by_role("button", name="Limits…").click()
    expect(dialog.get_by_label("Recipients in 24 hours", exact=True)).to_have_value("77")
    for one in dialog.get_by_role("textbox").all():
        one.fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert "= 77" not in (server.folder / "config" / "domains.toml").read_text()


def test_mistakes_stand_at_their_fields(visitor: Visitor) -> None:
    """WEB-81: all at once, with the units that can be typed."""
    visitor.expect_problem("400")
    page = go(visitor, "accounts/ben?tab=settings")
    page.locator("summary", has_text="API clients and webhooks").click()
    page.get_by_label("Storage limit").fill("2 giga")
    page.get_by_label("Keep finished messages for").fill("soon")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field", has_text="Storage limit").locator(".error")).to_contain_text("500k")
    expect(page.locator(".field", has_text="Keep finished messages for").locator(".error")).to_contain_text("15s")
    page.get_by_label("Storage limit").fill("2G")
    page.get_by_label("Keep finished messages for").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    expect(page.get_by_text("of 2.0 GB")).to_be_visible()


@pytest.mark.parametrize(
    ("where", "opens", "said"),
    [
        ("accounts/moxlite", "Add address", "Enter an address."),
        ("accounts/moxlite?tab=members", "Add", "Enter an address or account."),
        ("domains/localhost?tab=setup&step=mailboxes", "Add address", "Enter an address."),
        ("queue/suppressions", "Suppress an", "Enter an account name."),
        ("two-step", "Change password", "Enter a password."),
    ],
)
def test_an_empty_field_says_what_to_enter(visitor: Visitor, where: str, opens: str, said: str) -> None:
    """WEB-81b: under the field, as a sentence."""
    visitor.expect_problem("400")
    page = go(visitor, where)
    page.locator("main").get_by_role("button", name=opens).first.click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()  # it may ask the server for accounts first
    for field in dialog.locator("input:not([type=checkbox]):visible").all():
        field.fill("")
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator(".field .error:visible", has_text=said)).to_have_count(1)


def test_sending_is_allowed_again_by_a_button_that_is_not_red(visitor: Visitor) -> None:
    """WEB-81: what was stopped is named before; the button takes the account's name to the server."""
    stop = {
        "account": "ben",
        "since": "2026-11-01T08:00:00Z",
        "sign": "many-first-time",
        "why": "200 first-time recipients within an hour.",
        "messages": 2,
        "recipients": 2,
        "domains": 1,
        "oldest": "2026-11-01T07:00:00Z",
        "sources": [],
    }
    page = visitor.page
    page.route("**/api/queue_guard_list", lambda route: route.fulfill(json={"result": [stop]}))
    go(visitor, "accounts/ben")
    page.get_by_role("button", name="Allow sending…").click()
    dialog = page.get_by_role("dialog", name="Allow ben to send?")
    expect(dialog).to_contain_text("On hold: 2 messages to 2 recipients.")
    allow = dialog.get_by_role("button", name="Allow", exact=True)
    expect(allow).to_have_class("btn primary")
    with page.expect_request("**/api/queue_guard_release") as sent:
        page.route("**/api/queue_guard_release", lambda route: route.fulfill(json={"result": stop}))
        allow.click()
    assert sent.value.post_data_json == {"account": "ben"}


def test_an_account_comes_and_goes(visitor: Visitor) -> None:
    """WEB-81: its password is shown once; it goes when its name is typed again."""
    visitor.expect_problem("400")
    page = go(visitor, "accounts")
    page.get_by_role("button", name="Add account").click()
    page.get_by_role("dialog").get_by_role("button", name="Add account").click()
    expect(page.get_by_role("dialog").locator(".error:visible")).to_have_text(
        ["Enter an account name.", "Enter an address."]
    )
    page.get_by_label("Name", exact=True).fill("guest")
    page.get_by_label("Name", exact=True).press("Tab")
    expect(page.get_by_label("First address")).to_have_value("guest@hill.example")
    page.get_by_role("dialog").get_by_role("button", name="Add account").click()
    expect(page.get_by_role("dialog").locator("code")).to_have_text(re.compile(r"^\S{20}$"))
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("heading", name="guest", level=1)).to_be_visible()
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("0 messages")
    expect(dialog.get_by_role("button", name="Delete account")).to_be_disabled()
    dialog.get_by_label("Type guest to continue").fill("guest")
    dialog.get_by_role("button", name="Delete account").click()
    expect(page.get_by_text("Deleted guest")).to_be_visible()
    expect(page.get_by_role("link", name="guest", exact=True)).to_have_count(0)


@pytest.mark.nightly
def test_aliases_and_keys(visitor: Visitor) -> None:
    """WEB-80, WEB-82: the last member stays; a new key waits until it is chosen."""
    visitor.expect_problem("400")
    page = go(visitor, "domains/hill.example/aliases/family?tab=aliases")
    page.get_by_role("button", name="Remove ben@hill.example").click()
    expect(page.get_by_role("dialog")).to_contain_text("delete the alias instead")
    page.get_by_role("button", name="Close").click()
    go(visitor, "domains/hill.example?tab=keys")
    page.get_by_role("button", name="Create key").click()
    page.get_by_label("Selector").fill("a b")
    page.get_by_role("dialog").get_by_role("button", name="Create key").click()
    expect(page.get_by_role("dialog")).to_contain_text("letters, digits, and hyphens")
    page.get_by_label("Selector").fill("phone")
    page.get_by_label("Algorithm").select_option("ed25519")
    page.get_by_role("dialog").get_by_role("button", name="Create key").click()
    row = page.get_by_role("row", name=re.compile("phone"))
    expect(row).to_contain_text("inactive")
    expect(page.get_by_role("row", name=re.compile("signing"))).to_have_count(1)


@pytest.mark.nightly
def test_dns_records_are_copied_and_topics_checked_alone(visitor: Visitor) -> None:
    """WEB-83: localserve checks nothing, and says so at the topic."""
    visitor.expect_problem("503")
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = go(visitor, "domains/hill.example")
    page.get_by_role("row", name=re.compile("MX")).get_by_role("button", name="Copy").last.click()
    assert page.evaluate("navigator.clipboard.readText()") == "10 localhost."
    page.get_by_role("button", name="Show zone file").click()
    expect(page.get_by_role("button", name="Copy zone file")).to_be_visible()
    page.get_by_role("button", name="Check MX again").click()
    expect(page.get_by_text("localserve doesn't contact other servers")).to_have_count(1)


def test_what_is_chosen_while_the_queue_is_read_stays_chosen(visitor: Visitor) -> None:
    """WEB-84: the rows after a change come late from a slow server."""
    page = go(visitor, "queue")
    boxes = page.locator("tbody input[type=checkbox]")
    expect(boxes.first).to_be_visible()
    boxes.first.check()
    page.route("**/api/queue_list", lambda route: None)  # waits until it's taken away
    with page.expect_request("**/api/queue_list"):
        page.get_by_role("button", name="Try now").click()
    boxes.last.check()
    chosen = boxes.last.get_attribute("aria-label") or ""
    before = page.locator("tbody").element_handle()
    page.unroute("**/api/queue_list")
    page.wait_for_function("before => !before.isConnected", arg=before)
    expect(page.locator("tbody input:checked")).to_have_count(1)
    expect(page.get_by_label(chosen)).to_be_checked()
    expect(page.locator("header.act b")).to_have_text("1 selected")


def test_strangers_words_are_shown_as_text(visitor: Visitor) -> None:
    """WEB-84: in the queue, with an address of its own for the filter; what is chosen is counted before it goes."""
    page = go(visitor, "queue?recipient=user0")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Attempts for user0@far.example").click()
    expect(page.get_by_text("[U+202E]gnp.exe<img src=x onerror=window.hacked=1>")).to_be_visible()
    assert page.evaluate("window.hacked") is None
    page.get_by_label("Select the message to user0@far.example").check()
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("1 message released")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone")).to_be_visible()
    # what is taken back is what was done: one was released before the others
    page.get_by_label("Select the message to user0@far.example").check()
    page.get_by_role("button", name="Release").click()
    expect(page.locator("tbody tr", has_text="on hold")).to_have_count(0)
    go(visitor, "queue")
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Release").click()
    release = page.get_by_role("dialog").get_by_role("button", name="Release")
    expect(release).to_have_class("btn primary")  # red is for what is lost
    release.click()
    expect(page.locator("tbody tr", has_text="on hold")).to_have_count(0)
    page.locator(".toast", has_text="messages released").get_by_role("button", name="Undo").click()
    expect(page.locator("tbody tr", has_text="on hold")).to_have_count(2)
    page.get_by_label("Select all on this page").check()
    count = page.locator("header.act b").inner_text().split()[0]
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(count)
    dialog.get_by_role("button", name=re.compile("^Delete [0-9]")).click()
    expect(page.get_by_text("The queue is empty")).to_be_visible()


SHOWN = {
    "Mail per day": {"Delivered": "delivered", "Sent": "sent", "Junk": "junk", "Rejected": "refused"},
    "Junk filter results": {"Classified as not junk": "judged-wanted", "Classified as junk": "judged-junk"},
    "User corrections": {"Missed": "marked-junk", "Wrong": "marked-wanted"},
}
"""Rows of the tables beside the plots, and the kinds of counts that they show."""


def test_each_bar_leads_to_the_list_behind_it(visitor: Visitor) -> None:
    """WEB-86c: by pointer and by key; the table beside a plot has the same figures as the month that was played."""
    page = go(visitor, "trends")
    plot = page.get_by_role("group", name="Mail per day")
    expect(plot.get_by_role("link")).to_have_count(30)
    counts = month(time.time_ns() // 86_400_000_000_000)
    for name, kinds in SHOWN.items():
        for title, kind in kinds.items():
            number = sum(found for (one, _, _), found in counts.items() if one == kind)
            row = page.get_by_role("table", name=name).get_by_role("row", name=re.compile(f"^{title}"))
            expect(row.get_by_role("cell").last).to_have_text(
                f"{number:,}" if number < 10_000 else f"{number / 1000:.1f}k"
            )
    rows = page.get_by_role("table", name="Messages waiting").get_by_role("row")
    expect(rows.filter(has_text="Waiting").get_by_role("cell").last).to_have_text("40")
    for ip, passed, failed in (("192.0.2.10", "300", "0"), ("198.51.100.20", "90", "0"), ("203.0.113.9", "0", "30")):
        row = page.get_by_role("table", name="Mail sources").get_by_role("row").filter(has_text=ip)
        expect(row.get_by_role("cell")).to_have_text([ip, passed, failed])
    for network in ("203.0.113.0/26", "2001:db8:7::/48", "198.51.100.64/26"):
        number = sum(found for (one, _, about), found in counts.items() if (one, about) == ("login-failed", network))
        row = page.get_by_role("table", name="Failed logins by network").get_by_role("row").filter(has_text=network)
        expect(row.get_by_role("cell").last).to_have_text(f"{number:,}")
    for name, number_of_bars in (("Junk filter results", 30), ("User corrections", 30)):
        bars = page.get_by_role("group", name=name).get_by_role("link")
        expect(bars).to_have_count(number_of_bars)
        bars.nth(17).click()
        expect(page.get_by_role("heading", name=re.compile("^Classified as not junk: "))).to_be_visible()
        page.go_back()
    page.get_by_role("group", name="Messages waiting").get_by_role("link").click()
    expect(page.get_by_role("heading", name="Queue", level=1)).to_be_visible()
    page.go_back()
    plot.get_by_role("link").nth(17).click()  # 12 days ago
    expect(page.get_by_role("heading", name=re.compile("^Failed logins: "))).to_be_visible()
    page.get_by_role("link", name="203.0.113.0/26").click()
    expect(page.locator("tbody tr")).to_have_count(12)
    page.go_back()
    page.go_back()
    page.get_by_role("group", name="Disk by account").get_by_role("link", name=re.compile("^ben")).press("Enter")
    expect(page.get_by_role("heading", name="ben", level=1)).to_be_visible()
    go(visitor, "trends")
    page.get_by_role("group", name="Mail sources").get_by_role("link", name=re.compile("^203.0.113.9")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Reports about 203.0.113.9")


def test_reports_are_read_down_to_the_single_message(visitor: Visitor) -> None:
    """WEB-86, WEB-86a: the answer about p=reject, the reports behind a source, and unknown words as text."""
    page = go(visitor, "reports/sources")
    expect(page.get_by_text("Is p=reject safe?")).to_be_visible()
    expect(page.get_by_text(re.compile("addresses that never pass"))).to_be_visible()
    page.get_by_role("link", name="203.0.113.9").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("203.0.113.9")
    page.locator("tbody").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("DMARC report from provider1.example")
    go(visitor, "reports/dmarc/31")
    expect(page.locator("tbody tr").first).to_contain_text(
        "[U+202E]gnp.exe<img src=x onerror=window.hacked=1>[U+001B][2J"
    )
    go(visitor, "reports/tls/31")
    expect(page.get_by_role("heading", level=2, name=re.compile("^Policy: "))).to_contain_text("[U+202E]gnp.exe")
    assert page.evaluate("window.hacked") is None
    go(visitor, "reports/own")
    page.get_by_role("link", name="remote.example").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.go_back()
    page.get_by_role("button", name="Suppress an address").click()
    page.get_by_role("textbox", name="Address").fill("r@remote.example")
    page.get_by_label("Days").fill("many")
    page.get_by_role("button", name="Suppress", exact=True).click()
    expect(page.get_by_text("Enter 1 to 3650 days")).to_be_visible()
    page.get_by_label("Days").fill("3")
    page.get_by_role("button", name="Suppress", exact=True).click()
    page.get_by_role("button", name="Send reports to r@remote.example again").click()
    expect(page.get_by_text("Reports to r@remote.example resumed")).to_be_visible()


PLACES = {
    "Overview": {"overview": ""},
    "People": {"accounts": "", "move": ""},
    "Domains": {"domains": ""},
    "Mail": {"queue": "Queue", "live": "Live", "trends": "Trends", "reports": "Reports", "routes": "Routes"},
    "Machine": {
        "network": "Network",
        "web": "Web server",
        "backups": "Backups",
        "standby": "Standby server",
        "log": "Log",
        "metrics": "Metrics",
        "config": "Configuration",
    },
    "Administrators": {
        "two-step": "Login",
        "provider": "Login provider",
        "sessions": "Your sessions",
        "audit": "Audit log",
    },
}
"""The six places, and their pages by address: the title of each tab, "" where there are no tabs."""


@pytest.mark.landing("1440", "390")
@pytest.mark.parametrize(
    ("width", "height"),
    [(1440, 900), (1280, 800), (1024, 768), (390, 844)],
    ids=["1440", "1280", "1024", "390"],
)
def test_six_places_have_the_pages_as_tabs(chromium: Browser, server: LocalServer, width: int, height: int) -> None:
    """WEB-88d: each address that a bookmark or a finding may have is a tab in sight, in a place with a line."""
    assert {place.partition("?")[0].partition("/")[0] for place in PAGES} <= {
        page for pages in PLACES.values() for page in pages
    }
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height}, has_touch=width < 700)
    log_in(visitor)
    page = visitor.page
    links = page.locator("nav.side a.nav")
    if width < 700:
        page.get_by_role("button", name="Pages").click()
    expect(links).to_have_count(len(PLACES))
    for number, title in enumerate(PLACES):
        expect(links.nth(number)).to_have_text(re.compile(f"^{title} \\w.+"))
        assert within_window(links.nth(number)).height >= (44 if width < 700 else 24)
        assert resting(links.nth(number).locator("small")).height < 20  # one line
    tops = [box.top for box in boxes(links)]
    assert tops == sorted(tops)
    if width < 700:
        page.keyboard.press("Escape")
    for title, pages in PLACES.items():
        for address, tab in pages.items():
            go(visitor, address)
            expect(page.locator("nav.side [aria-current]")).to_have_text(re.compile(f"^{title} "))
            tabs = page.get_by_role("navigation", name=title, exact=True)
            if tab == "":
                expect(tabs).to_have_count(0)
                continue
            expect(tabs.locator("a")).to_have_text(list(pages.values()))
            expect(tabs.locator("[aria-current]")).to_have_text(tab)
            bar, shown = resting(tabs), within_window(tabs.locator("[aria-current]"))
            assert bar.left - 0.5 <= shown.left
            assert shown.right <= bar.right + 0.5
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            expect(page.get_by_role("heading", level=1, name=tab)).to_have_count(1)
    for finding, title in (
        ("accounts/ben?tab=security", "People"),
        ("domains/hill.example?tab=dns", "Domains"),
        ("queue?hold=true", "Mail"),
        ("log/levels", "Machine"),
        ("config", "Machine"),
    ):
        go(visitor, finding)
        expect(page.locator("nav.side [aria-current]")).to_have_text(re.compile(f"^{title} "))
    visitor.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_empty_lists_and_plots_say_that_they_are(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEB-88d: no Save below a list that is and was empty; a text in place of a plot without data."""
    visitor = Visitor(chromium, server, viewport={"width": width, "height": 844})
    log_in(visitor)
    for place, name in (("web", "Redirects"), ("routes", "Routes for all mail")):
        page = go(visitor, place)
        card = page.get_by_role("region", name=name, exact=True)
        expect(card.get_by_role("button", name="Save")).to_be_hidden()
        card.get_by_role("button", name="Add").click()
        in_sight(card.get_by_role("button", name="Save"))
        card.get_by_role("button", name="Remove").first.click()
        expect(card.get_by_role("button", name="Save")).to_be_hidden()
    page.route("**/admin/api/queue_history", lambda route: route.fulfill(json={"result": []}))
    history = {"today": 20_000, "series": [], "filed": 0, "filtered": 0}
    page.route("**/admin/api/history", lambda route: route.fulfill(json={"result": history}))
    go(visitor, "trends")
    for name, text in (("Mail per day", "No data for this period"), ("Queue", "No messages waited")):
        card = page.get_by_role("region", name=name, exact=True)
        expect(card.get_by_text(text)).to_be_visible()
        expect(card.locator("svg.plot")).to_have_count(0)
    visitor.close()


@pytest.mark.axe
@pytest.mark.landing("360-light")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "light"), (1280, "dark"), (360, "dark")])
def test_every_page_is_usable(chromium: Browser, server: LocalServer, width: int, scheme: str) -> None:
    """WEB-164: no finding of axe, nothing wider than the window, no fault of page or policy."""
    if not AXE.exists():
        pytest.skip("npm packages of the frontend are not installed")
    visitor = Visitor(chromium, server, viewport={"width": width, "height": 740}, color_scheme=scheme)
    log_in(visitor)
    wrong: list[str] = []
    for place in PAGES:
        page = go(visitor, place)
        page.wait_for_load_state("networkidle")
        wrong += [f"{place}: {one}" for one in judge(page, None)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            wrong.append(f"{place}: {wide} px wide")
    visitor.close()
    assert not wrong, "\n".join(wrong)
    assert all(one.startswith((visitor.base, "data:")) for one in visitor.requests)
