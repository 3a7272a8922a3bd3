"""What is typed into a form and not saved, in a real browser: over Escape, a reload, a newer server and the end of a
session; and what is never kept (WEBMAIL-183).
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, Route, expect

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_offline_browser import end_sessions
from tests.running import LocalServer
from tests.tools import top, until
from tests.webcalls import Caller

__all__ = ["WALKED", "Form", "chromium", "opened"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

FRONTEND: Final = top() / "frontend"
WORDS: Final = "Typed words"


SHOWN: Final = "(control) => (control.type === 'checkbox' ? control.checked : control.value)"
CHANGE: Final = """(control) => {
  if (control.type === "checkbox") control.click();
  else {
    control.selectedIndex = control.selectedIndex === 0 ? 1 : 0;
    control.dispatchEvent(new Event("change", { bubbles: true }));
  }
}"""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("unsaved") / "server") as server:
        yield server


class Form(NamedTuple):
    """How a form is opened, and one of its fields."""

    at: str
    """Address of its page."""
    field: str
    """Label of a field of text."""
    opens: tuple[str, ...] = ()
    """Names of the buttons that open it one after the other; `key:` before a key. None: it's on the page."""
    types: str = WORDS
    saves: Mapping[str, str] | str = MappingProxyType({})
    """By label, with what the server takes the form, where it isn't any word; "{}" is a word that nothing else has. Or
    why there is nothing to save.
    """


FORMS: Final[dict[str, tuple[Form | str, ...]]] = {
    "account/device/part.ts": ("a name with a proposal", "a file to download"),
    "account/junk/part.ts": (Form("/#junk", "Keep rejected mail in"),),
    "account/links/adding.ts": (
        Form("/#links", "Address", ("Add account",), saves="the next step saves"),
        *["as the first"] * 4,
    ),
    "account/masked/part.ts": (
        Form("/#masked", "Website", ("New address",), saves={"Website": "{}.example"}),
        "as the first",
    ),
    "account/reading/part.ts": (
        *["choices, which are saved at once"] * 4,
        Form(
            "/#reading",
            "Additional header fields, one per line",
            saves={"Additional header fields, one per line": "X-{}"},
        ),
    ),
    "account/recover.ts": ("a password",),
    "account/security/notme.ts": ("a choice of what ends",),
    "account/security/part.ts": (
        "a password",
        "as the next",
        Form("/#security", "Device or app name", ("New app password",)),
    ),
    "account/sending/keys.ts": (
        "as the next",
        Form("/#keys", "Name", ("Add certificate",), saves="a certificate with a proof of its key"),
    ),
    "account/sending/part.ts": (
        Form("/#suppressed", "Address", ("Add address",), saves={"Address": "{}@gone.example"}),
    ),
    "account/sending/webhooks.ts": (Form("/#keys", "Show sent mail for", saves="a setting whose words are few"),),
    "account/shares/delegates.ts": (Form("/#shares", "Person", ("Add person",), saves={"Person": "second"}),),
    "account/shares/part.ts": (Form("/#shares", "Shared with", saves={"Shared with": "second"}),),
    "account/sieve/away.ts": (Form("/#away", "Subject"),),
    "account/sieve/forwarding.ts": (Form("/#forwarding", "Address", saves={"Address": "{}@far.example"}),),
    "account/sieve/scripts.ts": (Form("/#scripts/new", "Name"),),
    "account/transfer/calendars.ts": ("as the next",),
    "account/transfer/copying.ts": (Form("/#transfer", "Server", saves="the next step saves"),),
    "account/transfer/exporting.ts": ("a download",),
    "account/transfer/importing.ts": ("an upload",),
    "account/writing/part.ts": (Form("/#writing", "Signature"),),
    "account/writing/templates.ts": (Form("/#templates/new", "Subject", saves={"Name": "{}"}),),
    "account/you/own.ts": ("as the next",),
    "account/you/part.ts": (Form("/#addresses/moxlite@localhost", "Display name"),),
    "admin/domains/setup.ts": ("as the next",),
    "admin/factors/provider.ts": ("a secret of the provider",),
    "admin/machine/log.ts": ("a search",),
    "admin/machine/network.ts": ("as the next",),
    "admin/machine/process.ts": ("a filter",),
    "admin/ui/editor.ts": (Form("/admin/#accounts/moxlite?tab=settings", "Full name"),),
    "admin/ui/shared.ts": (
        "the editor",
        Form(
            "/admin/#accounts",
            "First address",
            ("Add account",),
            saves={"Name": "{}", "First address": "{}@localhost"},
        ),
        "the form of the dialog",
        "a name that is typed again",
        "a filter",
    ),
    "lib/confirm.ts": ("a password",),
    "lib/dialogs.ts": (
        Form(
            "/webmail/",
            "Folder name. Use “/” for a subfolder",
            ("+ New folder",),
        ),
    ),
    "lib/factors.ts": ("a code", "a code", "a name of a key", "a code"),
    "lib/fields.ts": ("all of `form`",),
    "lib/login.ts": ("a password",),
    "lib/post.ts": ("a download",),
    "lib/secondstep.ts": ("a code",),
    "webmail/book/part.ts": (Form("/webmail/#people:", "Name", ("New address book",)),),
    "webmail/calendar/subscribing.ts": (
        Form(
            "/webmail/#calendar:",
            "Custom name (optional)",
            ("New calendar", "Subscribe…"),
            saves="a calendar of another server",
        ),
    ),
    "webmail/event/part.ts": (
        "what of a series is changed",
        "this one's function",
        Form("/webmail/#calendar:", "Title", ("key:c",)),
    ),
    "webmail/event/proposing.ts": ("as the event",),
    "webmail/giving/part.ts": (Form("/webmail/#calendar:", "Name", ("New calendar",)), "a private link"),
    "webmail/labels/part.ts": ("a search among labels", "as an address book"),
    "webmail/later/choose.ts": ("a choice of a time",),
    "webmail/people/part.ts": ("as the next",) * 4,
    "webmail/person/part.ts": (Form("/webmail/#people:", "Note", ("New contact",), saves={"Name": "{}"}), "a choice"),
    "webmail/quick/part.ts": (Form("/webmail/#calendar:week,20261202", "Title", ("at:.cal-column",)),),
    "webmail/ui/placeview.ts": ("a search",),
    "webmail/ui/searchbar.ts": ("a search",),
    "webmail/ui/sharing.ts": ("as account/shares",),
}
"""By the module, each form that it makes: how to open it, or why it isn't walked here. The rules are one without an
element of HTML.
"""


def made(source: str) -> int:
    """The number of forms that a module makes."""
    forms = re.findall(r"(?<![.\w])(?:form|fieldForm|withButton)\(|new Editor\(|el\(\s*\"form\"", source)
    return len(forms) - len(re.findall(r"function (?:form|fieldForm|withButton)\(", source))


def test_each_form_is_in_the_list() -> None:
    """WEBMAIL-183: a new one is walked through, or says why not."""
    for app in ("account", "admin", "lib", "webmail"):
        for path in sorted((FRONTEND / app).rglob("*.ts")):
            name = str(path.relative_to(FRONTEND))
            assert made(path.read_text()) == len(FORMS.get(name, ())), f"{name} makes other forms than FORMS says"


def opened(page: Page, form: Form) -> Locator:
    """Open a form on the page that is shown; its field."""
    for name in form.opens:
        if name.startswith("key:"):
            expect(page.locator(".cal-days, .cal-weeks").first).to_be_visible()
            page.keyboard.press(name.removeprefix("key:"))
        elif name.startswith("at:"):
            page.locator(name.removeprefix("at:")).nth(3).click(position={"x": 20, "y": 420})
        else:
            page.get_by_role("button", name=name, exact=True).first.click()
    box = page.locator("dialog[open]").last if form.opens else page.locator(".page, main").last
    field = box.get_by_label(form.field, exact=True).first
    expect(field).to_be_visible()
    return field


WALKED: Final = [form for forms in FORMS.values() for form in forms if isinstance(form, Form)]


class Writer(Visitor):
    """A browser whose pages ask before they are left, which is noted and allowed."""

    def __init__(self, browser: Browser, server: LocalServer) -> None:
        super().__init__(browser, server)
        self.asked: list[str] = []
        self.page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        self.asked.append(dialog.type)
        dialog.accept()

    def open(self, form: Form) -> Locator:
        """Open a form on the page that is shown; its field."""
        return opened(self.page, form)


@pytest.fixture
def writer(chromium: Browser, local: LocalServer) -> Iterator[Writer]:
    writer = Writer(chromium, local)
    writer.expect_problem("status of 400", "status of 404")
    yield writer
    writer.close()


@pytest.mark.nightly(smoke="tests/integration/test_web_unsaved_browser.py::test_an_event_is_kept_whole")
@pytest.mark.parametrize("form", WALKED, ids=lambda form: f"{form.at}-{form.field}")
def test_what_is_typed_is_kept(writer: Writer, form: Form) -> None:
    """WEBMAIL-183: over Escape and a reload, which asks; until it is discarded."""
    page = writer.page
    writer.enter(form.at, ADMIN_PASSWORD if form.at.startswith("/admin/") else "")
    field = writer.open(form)
    before = field.input_value()
    field.fill(form.types)
    expect(page.locator("[data-unsaved]")).to_have_count(1)
    if form.opens:
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        page.locator(".toast", has_text="Not saved").get_by_role("button", name="Open").click()
        expect(field).to_have_value(form.types)
    page.reload()
    assert writer.asked == ["beforeunload"]
    field = writer.open(form)
    expect(field).to_have_value(form.types)
    page.locator(".kept-note", has_text="Not saved").get_by_role("button", name="Discard").click()
    expect(field).to_have_value(before)
    expect(page.locator("[data-unsaved]")).to_have_count(0)
    page.reload()
    assert writer.asked == ["beforeunload"]
    expect(writer.open(form)).to_have_value(before)
    assert writer.problems == []


def typed_event(writer: Writer) -> Locator:
    """The form of a new event, with a title."""
    writer.enter("/webmail/#calendar:")
    title = writer.open(Form("/webmail/#calendar:", "Title", ("key:c",)))
    title.fill(WORDS)
    expect(writer.page.locator("[data-unsaved]")).to_have_count(1)
    return title


def test_an_event_is_kept_whole(writer: Writer) -> None:
    """WEBMAIL-183: its guests and times too, when the form is opened anew after its message is gone."""
    page = writer.page
    title = typed_event(writer)
    box = page.locator("dialog[open]")
    box.get_by_label("Ends at").fill("23:00")
    box.get_by_label("Guests").fill("ann@example.org")
    box.get_by_label("Guests").press("Enter")
    box.get_by_label("Notes").fill("Bring maps")
    page.keyboard.press("Escape")
    message = page.locator(".toast", has_text="Not saved")
    message.get_by_role("button", name="Close").click()
    page.keyboard.press("c")
    expect(title).to_have_value(WORDS)
    expect(box.get_by_label("Ends at")).to_have_value("23:00")
    expect(box.locator(".chip-name")).to_have_text("ann@example.org")
    expect(box.get_by_label("Notes")).to_have_value("Bring maps")
    box.get_by_role("button", name="Cancel").click()
    page.keyboard.press("c")
    expect(title).to_have_value("")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(message).to_have_count(0)


def test_escape_does_nothing_while_a_form_is_saved(writer: Writer) -> None:
    """WEBMAIL-183: what fails then is still in its form."""
    page = writer.page
    title = typed_event(writer)
    held: list[Route] = []
    page.route("**/api/event_save", lambda route: held.append(route))
    box = page.locator("dialog[open]", has_text="Guests")
    with page.expect_request("**/api/event_save"):
        box.get_by_role("button", name="Save").click()
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(title).to_have_value(WORDS)
    held[0].fulfill(status=400, json={"error": {"code": "user:error", "message": "no room"}})
    page.unroute("**/api/event_save")
    page.get_by_role("button", name="Close", exact=True).last.click()
    expect(title).to_have_value(WORDS)
    # Enter in a choice saves, too
    box.get_by_label("Repeat").press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_text(WORDS).first).to_be_visible()
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.includes('unsaved'))") == []


def test_fields_that_are_loaded_later_are_no_changes(writer: Writer, local: LocalServer) -> None:
    """WEBMAIL-183: check boxes that come after their dialog was opened; a cleared one is a change."""
    page = writer.page
    account = Caller(local.port(80), local.user, local.password, "/")
    account.log_in()
    account.call("account_sieve_put", script="later", old=None, text="keep;", activate=True)
    held: list[Route] = []
    writer.enter("/#security")
    act = page.get_by_role("button", name="This wasn't me")
    expect(act).to_be_visible()
    page.route("**/api/account_access", lambda route: held.append(route))
    with page.expect_request("**/api/account_access"):
        act.click()
    day = page.get_by_label("Remove everything set up since")
    expect(day).to_be_visible()
    box = page.get_by_role("checkbox", name="later")
    expect(box).to_have_count(0)
    held[0].continue_()
    page.unroute("**/api/account_access")
    expect(box).to_be_checked()
    day.click()
    page.keyboard.press("Tab")
    expect(page.locator("[data-unsaved]")).to_have_count(0)
    box.uncheck()
    expect(page.locator("[data-unsaved]")).to_have_count(1)
    box.check()
    expect(page.locator("[data-unsaved]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


@pytest.mark.parametrize("answer", ["refused", "none"])
def test_a_name_stays_until_it_is_saved(writer: Writer, answer: str) -> None:
    """WEBMAIL-183: the dialog that asks for a folder's name is there while the call runs, and after it failed."""
    page = writer.page
    page.clock.install()
    folder = f"Answer {answer}"
    held: list[Route] = []
    page.route("**/api/mailbox_create", lambda route: held.append(route))
    writer.enter("/webmail/")
    name = writer.open(Form("/webmail/", "Folder name. Use “/” for a subfolder", ("+ New folder",)))
    name.fill(folder)
    for key in ("Enter", "Enter", "Escape"):
        page.keyboard.press(key)
    expect(page.locator("form[aria-busy=true]")).to_be_visible()
    failed = page.locator("dialog[open]", has_text="No answer" if answer == "none" else "Couldn't create folder")
    while failed.count() == 0:
        if held and answer == "none":
            held.pop().abort()
        elif held:
            held.pop().fulfill(status=400, json={"error": {"code": "user:error", "message": "no room"}})
        page.clock.run_for(5_000)
    page.unroute("**/api/mailbox_create")
    failed.get_by_role("button", name="Close").click()
    expect(name).to_have_value(folder)
    name.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator(".mailbox", has_text=folder)).to_have_count(1)


def test_an_event_that_is_changed_after_no_answer_is_made_once(writer: Writer, local: LocalServer) -> None:
    """WEBMAIL-46a: over a reload too, after which WEBMAIL-183 names the form; the page says what became of it."""
    page = writer.page
    page.clock.install()
    writer.expect_problem("status of 409")
    title = typed_event(writer)
    title.fill("Walk by the sea")
    ids: set[str] = set()

    def lose(route: Route) -> None:
        ids.add(route.request.headers["idempotency-key"])
        route.fetch()
        route.abort()

    page.route("**/api/event_save", lose)
    box = page.locator("dialog[open]", has_text="Guests")
    with page.expect_request("**/api/event_save"):
        box.get_by_role("button", name="Save").click()
    unanswered = page.locator("dialog[open]", has_text="No answer")
    while unanswered.count() == 0:
        page.clock.run_for(5_000)
    page.unroute("**/api/event_save")
    page.reload()
    expect(page.locator(".toast", has_text="Unsaved changes: New event.")).to_be_visible()
    page.keyboard.press("c")
    expect(title).to_have_value("Walk by the sea")
    title.fill("Walk by the lake")
    with page.expect_request("**/api/event_save") as again:
        box.get_by_role("button", name="Save").click()
    expect(page.locator("dialog[open]", has_text="Already saved")).to_be_visible()
    assert ids == {again.value.headers["idempotency-key"]}
    page.get_by_role("button", name="Close", exact=True).last.click()
    box.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Walk by the sea")).to_have_count(1)
    expect(page.get_by_text("Walk by the lake")).to_have_count(0)


def test_a_newer_server_and_another_language_wait_for_a_form(writer: Writer) -> None:
    """WEBMAIL-12, WEBMAIL-183: a message offers to load the page again; what was typed is in the new page's form."""
    page = writer.page
    title = typed_event(writer)
    with writer.settings("appearance") as settings:
        settings.get_by_label("Language").select_option("nl")
        expect(settings.get_by_label("Taal")).to_have_value("nl")
        settings.get_by_label("Taal").select_option("en")
        expect(settings.get_by_label("Language")).to_have_value("en")
    notice = page.locator(".toast", has_text="Reload the page to change the language.")
    expect(notice).to_be_visible()
    expect(title).to_have_value(WORDS)
    page.keyboard.press("Escape")
    with page.expect_event("load"):
        notice.get_by_role("button", name="Reload").click()
    assert writer.asked == []
    expect(writer.open(Form("", "Title", ("key:c",)))).to_have_value(WORDS)


def test_a_reload_waits_for_a_call_on_its_way(writer: Writer) -> None:
    """WEBMAIL-12: the page says what became of it first."""
    page = writer.page
    held: list[Route] = []
    loads: list[str] = []
    page.route("**/api/mailbox_delete", lambda route: held.append(route))
    writer.enter("/webmail/")
    create = Form("/webmail/", "Folder name. Use “/” for a subfolder", ("+ New folder",))
    writer.open(create).fill("Journeys")
    page.keyboard.press("Enter")
    folder = page.locator(".mailbox", has_text="Journeys")
    folder.hover()
    folder.get_by_label("Actions for Journeys").click()
    page.get_by_role("button", name="Delete…").click()
    with page.expect_request("**/api/mailbox_delete"):
        page.get_by_role("button", name="Delete", exact=True).click()
    page.on("load", lambda page: loads.append(page.url))
    with writer.settings("appearance") as settings:
        settings.get_by_label("Language").select_option("nl")
        expect(settings.get_by_label("Taal")).to_have_value("nl")
        page.wait_for_timeout(2_000)  # a page without a call on its way is loaded again by then
        assert loads == []
        with page.expect_event("load"):
            held[0].continue_()
        expect(page.get_by_role("button", name="Inbox").first).to_be_visible()
        expect(folder).to_have_count(0)
        settings.get_by_label("Taal").select_option("en")
        expect(settings.get_by_label("Language")).to_have_value("en")
    assert writer.asked == []


@pytest.mark.parametrize(("app", "other"), [("/#appearance", "#junk"), ("/admin/", "#accounts")])
def test_a_settings_page_of_an_older_server_is_loaded_again(
    chromium: Browser, local: LocalServer, app: str, other: str
) -> None:
    """WEBMAIL-12: when it needs a part that the server no longer has, and once at most."""
    visitor = Visitor(chromium, local)
    visitor.expect_problem("status of 404")
    page = visitor.page
    visitor.enter(app, ADMIN_PASSWORD if app == "/admin/" else "")
    heading = page.locator("main h1")
    expect(heading).to_be_visible()
    page.route("**/part/*", lambda route: route.fulfill(status=404))
    with page.expect_event("load"):
        page.evaluate("place => location.hash = place", other)
    expect(page.get_by_text("Couldn't load part of this page")).to_be_visible()
    loads: list[str] = []
    page.on("load", lambda page: loads.append(page.url))
    page.unroute("**/part/*")
    page.evaluate("place => location.hash = place", "#")
    page.evaluate("place => location.hash = place", other)
    expect(page.get_by_text("Couldn't load part of this page")).to_have_count(0)
    expect(heading).to_be_visible()
    assert loads == []
    visitor.close()


def test_a_session_that_ends_loses_no_word(writer: Writer, local: LocalServer) -> None:
    """WEBMAIL-183: one logs in over the form, and saves it."""
    page = writer.page
    title = typed_event(writer)
    writer.expect_problem("status of 401")

    def end(route: Route) -> None:
        """End the session before the call that saves; after it, the log-in form would lie over the button."""
        end_sessions(local)
        route.continue_()

    page.route("**/api/event_save", end, times=1)
    page.locator("dialog[open]").get_by_role("button", name="Save").click()
    page.get_by_label("Password").fill(local.password)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(title).to_have_count(0)
    expect(page.get_by_text(WORDS).first).to_be_visible()


def test_logging_out_forgets_what_was_typed(writer: Writer, local: LocalServer) -> None:
    """WEBMAIL-183: a browser that doesn't stay logged in keeps it in the tab alone."""
    page = writer.page
    writer.enter("/#forwarding")
    page.get_by_label("Address", exact=True).fill("ann@example.org")
    kept = "[localStorage, sessionStorage].map((one) => Object.keys(one).filter((key) => key.endsWith('-unsaved')))"
    expect(page.locator("[data-unsaved]")).to_have_count(1)
    until(lambda: page.evaluate(kept) == [[], ["moxlite-account-unsaved"]], what="what is kept")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.evaluate(kept) == [[], []]
    assert writer.asked == []


def test_passwords_are_not_kept(writer: Writer) -> None:
    """WEBMAIL-183: nor codes and keys; what is beside them is."""
    page = writer.page
    writer.enter("/#keys")
    page.get_by_label("Authorization").first.fill("Bearer of secrets")
    page.get_by_label("Show sent mail for").fill("9d")
    until(lambda: page.evaluate("sessionStorage['moxlite-account-unsaved']?.includes('9d')"), what="what is kept")
    assert "Bearer" not in page.evaluate("sessionStorage['moxlite-account-unsaved']")


@pytest.mark.parametrize("place", ["appearance", "reading", "notifications", "shortcuts", "writing"])
def test_a_choice_that_was_not_saved_shows_what_the_server_has(
    chromium: Browser, local: LocalServer, place: str
) -> None:
    """WEBMAIL-105: below the report, not only after it."""
    visitor = Visitor(chromium, local)
    visitor.expect_problem("400")
    page = visitor.page
    visitor.enter(f"/#{place}")
    expect(page.locator("main h1")).to_be_visible()
    refusal = {"error": {"code": "user:error", "message": "Not now."}}
    page.route("**/api/*", lambda route: route.fulfill(status=400, json=refusal))
    choices = page.locator("main :is([data-kept], .card):not(form *) :is(select, input[type=checkbox]):visible:enabled")
    refused = 0
    for choice in choices.all():
        before = choice.evaluate(SHOWN)
        choice.evaluate(CHANGE)
        failed = page.get_by_role("dialog", name="Couldn't save settings")
        try:
            expect(failed).to_be_visible(timeout=3_000)
        except AssertionError:  # this browser alone keeps it
            continue
        assert choice.evaluate(SHOWN) == before
        failed.get_by_role("button", name="Close").click()
        expect(failed).to_have_count(0)
        assert choice.evaluate(SHOWN) == before
        refused += 1
    assert refused > 0
    visitor.close()
