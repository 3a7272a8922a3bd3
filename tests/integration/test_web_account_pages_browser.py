"""The pages of the account app in a real browser: each at 360 pixels and in the dark, and the walks through them."""

import email
import imaplib
import json
import plistlib
import re
import smtplib
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from moxlite.net.tls.certificates import self_signed
from tests.geometry import Box, in_sight, within_window
from tests.integration.browser import Visitor, chromium, pressed
from tests.keyproof import proof_of
from tests.realservers import Dovecot
from tests.running import LocalServer
from tests.tools import need, until

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(
        smoke="tests/integration/test_web_account_browser.py::test_mail_goes_in_and_comes_out_as_it_was"
    ),
]

PAGES = {
    "search": "Search settings",
    "device": "Set up a device",
    "security": "Security",
    "addresses": "Addresses",
    "masked": "Masked addresses",
    "rules": "Rules",
    "away": "Vacation reply",
    "forwarding": "Forwarding",
    "scripts": "Sieve scripts",
    "junk": "Junk",
    "suppressed": "Suppressed addresses",
    "appearance": "Appearance",
    "writing": "Signatures and replies",
    "templates": "Templates",
    "reading": "Reading",
    "notifications": "Notifications",
    "shortcuts": "Shortcuts",
    "keys": "Keys and webhooks",
    "links": "Linked accounts",
    "transfer": "Import and export",
    "shares": "Shared folders",
}


def test_each_page_has_an_address_and_needs_no_more_than_360_pixels(chromium: Browser, server: LocalServer) -> None:
    """WEB-62..71, WEB-164: also without violations of the policy and errors of the page."""
    visitor = Visitor(chromium, server, viewport={"width": 360, "height": 740}, color_scheme="dark")
    visitor.fill_in("/")
    page = visitor.page
    for name, title in PAGES.items():
        page.goto(f"{visitor.base}/#{name}")
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.go_back()
    expect(page.get_by_role("heading", name="Import and export", level=1)).to_be_visible()
    visitor.close()


ROOMS = {
    "You": ["addresses", "appearance"],
    "Writing": ["writing", "templates", "suppressed"],
    "Reading and alerts": ["reading", "notifications", "shortcuts"],
    "Incoming mail": ["rules", "away", "junk", "forwarding", "masked"],
    "Devices and security": ["security", "device"],
    "Sharing and import": ["shares", "links", "transfer"],
    "For developers": ["scripts", "keys"],
}
"""The places of the side bar, and their pages."""

EACH = pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 800), (390, 844)], ids=["1440", "1280", "390"])


@pytest.mark.landing("390")
@EACH
def test_pages_are_tabs_of_seven_places(chromium: Browser, server: LocalServer, width: int, height: int) -> None:
    """WEB-62b, WEB-69: each with a line; every address, former ones too, leads to its tab, which is in sight; that of
    the Outbox leads to the webmail.
    """
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    visitor.fill_in("/#overview")
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Addresses")
    links = page.locator("nav.side a.nav:has(small)")
    if width < 700:
        page.get_by_role("button", name="Pages").click()
    expect(links).to_have_count(len(ROOMS))
    for number, title in enumerate(ROOMS):
        expect(links.nth(number)).to_have_text(re.compile(f"^{title} \\w.+"))
        assert within_window(links.nth(number)).height >= (44 if width < 700 else 24)
    if width < 700:
        page.keyboard.press("Escape")
    assert {name for names in ROOMS.values() for name in names} == set(PAGES) - {"search"}
    for title, names in ROOMS.items():
        for name in names:
            page.goto(f"{visitor.base}/#{name}")
            expect(page.get_by_role("heading", level=1, name=PAGES[name])).to_have_count(1)
            expect(page.locator("nav.side [aria-current]")).to_have_text(re.compile(f"^{title} "))
            tabs = page.get_by_role("navigation", name=title, exact=True)
            expect(tabs.locator("a")).to_have_text([PAGES[one] for one in names])
            expect(tabs.locator("[aria-current]")).to_have_text(PAGES[name])
            within_window(tabs.locator("[aria-current]"))
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(f"{visitor.base}/#outgoing")
    page.wait_for_url(re.compile(r"/webmail/#outbox:$"))
    visitor.close()


def test_sharing_with_no_one_asks_for_a_name(chromium: Browser, server: LocalServer) -> None:
    """WEB-81b: at the field."""
    visitor = Visitor(chromium, server)
    visitor.expect_problem("400")
    visitor.fill_in("/#shares")
    form = visitor.page.locator("main form")
    form.get_by_role("button", name="Share", exact=True).click()
    expect(form.locator(".field .error:visible")).to_have_text("Enter an address or account.")
    visitor.close()


def test_a_folder_is_shared_from_its_menu(chromium: Browser, server: LocalServer) -> None:
    """WEB-159a: its name, which any letter can be in, is chosen in the form."""
    name = "Plans/a & b #1"
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as session:
        session.login(server.user, server.password)
        assert session.create('"Plans/a &- b #1"')[0] == "OK"
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    visitor.enter("/webmail/")
    page = visitor.page
    folder = page.locator(".mailbox", has_text="a & b #1")
    folder.hover()
    folder.locator(".mailbox-menu").click()
    page.get_by_role("dialog").get_by_role("button", name="Share…").click()
    form = page.locator("main form").filter(has=page.get_by_label("Shared with"))
    expect(form.get_by_label("Folder", exact=True)).to_have_value(name)
    visitor.close()


SIZES = {1440: 900, 1280: 800, 1024: 768, 768: 1024, 390: 844}
FORMS = ("writing", "templates/new", "junk", "away", "addresses/moxlite%40localhost")
"""Pages with a form that has a button, which is in the window before anything is scrolled."""


@pytest.mark.landing("1280", "390")
@pytest.mark.parametrize("width", SIZES)
def test_settings_fit_their_window_and_show_what_saves_them(chromium: Browser, server: LocalServer, width: int) -> None:
    """WEB-62b, WEB-164: light and dark; nothing is beyond the edge, and "Save" of each form is inside the window."""
    visitor = Visitor(chromium, server, viewport={"width": width, "height": SIZES[width]})
    visitor.fill_in("/")
    page = visitor.page
    expect(page.get_by_role("heading", name="Addresses", level=1)).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name in ("appearance", "reading", "notifications", "shortcuts", *FORMS):
            page.goto(f"{visitor.base}/#{name}")
            title = re.compile(PAGES.get(name, "New template|Junk|Vacation reply|moxlite@localhost"))
            expect(page.get_by_role("heading", level=1).and_(page.get_by_text(title)).first).to_be_attached()
            page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
            for card in page.locator(".card").all():
                box = Box.of(card)
                assert box.left >= 0, name
                assert box.right <= width, name
            if name in FORMS:
                in_sight(page.get_by_role("button", name="Save", exact=True).first)
    visitor.close()


@pytest.mark.landing("390")
@EACH
def test_a_setting_is_found_and_marked(chromium: Browser, server: LocalServer, width: int, height: int) -> None:
    """WEB-62c: by its own words and those of its explanation; it is unfolded, in sight, and has the focus."""
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    visitor.fill_in("/")
    page = visitor.page
    for words, text, path, label in (
        ("compatibility apps", "Hidden IMAP capabilities", "Incoming mail › Junk", "Hidden IMAP capabilities"),
        ("word weight", "Maximum word weight", "Incoming mail › Junk", "Maximum word weight"),
        ("generate", "Generate password", "Devices and security › Security", ""),
    ):
        if width < 700:
            page.get_by_role("button", name="Pages").click()
        page.get_by_role("link", name="Search settings").click()
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.get_by_role("searchbox").fill(words)
        result = page.locator("main .lines li").filter(has=page.get_by_role("link", name=text, exact=True))
        expect(result).to_contain_text(path)
        result.get_by_role("link").click()
        marked = page.locator(".sought")
        expect(marked).to_have_count(1)
        expect(marked).to_contain_text(text)
        within_window(marked)
        goal = page.get_by_label(label, exact=True) if label else page.get_by_role("button", name=text)
        expect(goal).to_be_focused()
        within_window(goal)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    visitor.close()


@EACH
def test_all_that_can_log_in_is_one_list(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int, height: int
) -> None:
    """WEB-70a: browsers, app passwords, tokens and certificates, with their last use and one Remove each; the command
    line and the page of keys tell a certificate's, too.
    """
    server.cli("account", "app-password", "add", "moxlite", f"Phone {width}")
    server.cli("account", "app-password", "add", "moxlite", f"Script {width}", "--token")
    for name in ("Laptop", "Spare"):
        pair = self_signed([f"{name.lower()}.example"])
        certificate = pair.certificate_pem().decode()
        proof = proof_of(pair.key, server.cli("tlspubkey", "challenge", "moxlite").stdout)
        server.cli("config", "tlspubkey", "add", server.user, f"{name} {width}", stdin=certificate + proof)
        (tmp_path / f"{name}.pem").write_text(pair.key_pem().decode() + certificate)
    context = ssl._create_unverified_context()
    context.load_cert_chain(tmp_path / "Laptop.pem")
    with imaplib.IMAP4_SSL("localhost", server.port(993), ssl_context=context) as client:
        assert client.state == "AUTH"  # PREAUTH (IMAP-48)

    def known() -> dict[str, dict[str, Any]]:
        told = json.loads(server.cli("config", "tlspubkey", "list", "moxlite", "--json").stdout)
        return {key["name"]: key for key in told if key["name"].endswith(str(width))}

    until(lambda: known()[f"Laptop {width}"]["last_used"], what="the log-in that is recorded")
    keys = known()
    used, spare = keys[f"Laptop {width}"], keys[f"Spare {width}"]
    assert (used["last_protocol"], spare["last_used"]) == ("IMAP", None)
    assert used["last_ip"] in server.cli("config", "tlspubkey", "get", used["fingerprint"]).stdout
    assert "last used: not in" in server.cli("config", "tlspubkey", "get", spare["fingerprint"]).stdout
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    other = Visitor(chromium, server)
    for one in (other, visitor):
        one.fill_in("/#security")
    page = visitor.page
    table = page.get_by_role("table", name="Devices and apps")
    rows = table.locator("tbody tr")
    expect(rows.first).to_contain_text("this browser")
    expect(rows.first.get_by_role("button", name=re.compile("^Remove"))).to_have_count(0)
    for name, kind, last in (
        (f"Phone {width}", "App password", "never"),
        (f"Script {width}", "Token", "never"),
        (f"Laptop {width}", "Client certificate", f"IMAP, {used['last_ip']}"),
        (f"Spare {width}", "Client certificate", "not in the last 30 days"),
    ):
        row = rows.filter(has_text=name)
        expect(row).to_contain_text(kind)
        expect(row.locator("td", has_text=last).first).to_be_visible()
        remove = row.get_by_role("button", name=f"Remove {name}")
        remove.scroll_into_view_if_needed()
        assert within_window(remove).height >= (44 if width < 700 else 24)
        remove.click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(row).to_have_count(0)
    browsers = rows.filter(has_text="Browser").filter(has=page.get_by_role("button"))
    before = browsers.count()
    browsers.first.get_by_role("button").click()
    expect(browsers).to_have_count(before - 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    visitor.close()
    other.close()


def test_a_phone_is_set_up_by_its_link(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEB-71, WEB-126a: the link on another device, the question, the yes, the password there; zbarimg reads the link
    from the picture of the page, OpenSSL the profile's signature.
    """
    visitor = Visitor(chromium, server)
    phone = Visitor(chromium, server, viewport={"width": 360, "height": 740})
    phone.expect_problem("410")
    visitor.fill_in("/#device")
    page = visitor.page
    page.get_by_label("Device name").fill("Test phone")
    page.get_by_role("button", name="Show code").click()
    expect(page.get_by_role("img", name="QR code for the link")).to_be_visible()
    url = page.locator(".steps code").inner_text()
    picture = tmp_path / "code.png"
    page.screenshot(path=str(picture))
    read = subprocess.run([need("zbarimg"), "--quiet", "--raw", picture], capture_output=True, text=True, check=True)
    assert read.stdout.strip() == url
    phone.page.goto(url)
    phone.page.get_by_role("button", name="Set up mail").click()
    page.get_by_role("button", name="Set up").click()
    expect(phone.page.get_by_role("button", name="Download profile")).to_be_visible()
    assert len(phone.page.locator(".secret code").inner_text()) >= 20
    with phone.page.expect_download() as download:
        phone.page.get_by_role("button", name="Download profile").click()
    profile = tmp_path / "mail.mobileconfig"
    download.value.save_as(profile)
    verify = ["cms", "-verify", "-noverify", "-inform", "DER", "-in", str(profile)]
    signed = subprocess.run([need("openssl"), *verify], capture_output=True, check=False)
    content = signed.stdout if signed.returncode == 0 else profile.read_bytes()
    payloads = plistlib.loads(content)["PayloadContent"]
    assert payloads[0]["PayloadType"] == "com.apple.mail.managed"
    password = payloads[0]["IncomingPassword"]
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as imap:
        imap.login(server.user, password)
    phone.page.goto("about:blank")
    phone.page.goto(url)
    phone.page.get_by_role("button", name="Set up mail").click()
    expect(phone.page.locator(".notice")).to_contain_text("this link expired or has been used")
    page.goto(f"{visitor.base}/#security")
    expect(page.get_by_role("row", name="Test phone")).to_be_visible()
    phone.close()
    visitor.close()


def move_to(page: Page, folder: str) -> None:
    """Let a rule move mail to a folder that isn't there yet."""
    page.get_by_label("Move to").select_option(label="New folder…")
    page.get_by_label("Folder name").fill(folder)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_rule_archives_deletes_or_moves_to_a_chosen_folder(
    chromium: Browser, server: LocalServer, tmp_path: Path, width: int, scheme: str
) -> None:
    """WEB-65a: the folders of the account are listed, with Archive and Trash by what they are for."""
    visitor = Visitor(chromium, server, viewport={"width": width, "height": 844}, color_scheme=scheme)
    visitor.fill_in("/#rules")
    page = visitor.page
    page.get_by_role("button", name="New rule").first.click()
    rule = page.locator(".rule-name").last
    page.get_by_label("From", exact=True).fill("robot@")
    target = page.get_by_label("Move to")
    for option, words in (("Archive", "to Archive"), ("Move to Trash", "to Trash"), ("Junk", "to Junk")):
        target.select_option(label=option)
        expect(rule).to_contain_text(words)
        expect(page.get_by_label("Folder name")).to_be_hidden()
    target.select_option(label="New folder…")
    expect(page.get_by_label("Folder name")).to_be_focused()
    page.screenshot(path=tmp_path / "rule.png", full_page=True)
    page.get_by_label("Folder name").fill("Robots")
    page.get_by_label("Mark as read").check()
    expect(rule).to_contain_text("to Robots, mark as read")
    target.select_option(label="Default folder")
    expect(rule).to_contain_text("mark as read")
    visitor.close()


def test_rules_are_made_ordered_by_keys_and_refused_at_their_field(chromium: Browser, server: LocalServer) -> None:
    """WEB-64a, WEB-65."""
    visitor = Visitor(chromium, server)
    visitor.expect_problem("400")
    visitor.fill_in("/#rules")
    page = visitor.page
    for name in ("first", "second"):
        page.get_by_role("button", name="New rule").first.click()
        page.get_by_label("From", exact=True).fill(f"{name}@")
        move_to(page, "Lists")
        page.get_by_text("More options: name, patterns, and headers").click()
        page.get_by_label("Rule name").fill(name)
    rules = page.locator(".rule-name b")
    expect(rules).to_have_text(["first", "second"])
    page.locator(".rule-name").nth(1).press("Alt+ArrowUp")
    expect(rules).to_have_text(["second", "first"])
    page.locator(".rule-name").nth(0).click()
    page.get_by_text("More options: name, patterns, and headers").click()
    page.get_by_label("From pattern").fill("(second")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field .error:visible")).to_contain_text("regular expression")
    page.get_by_label("From pattern").fill("^second@")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Rules saved")).to_be_visible()
    page.reload()
    expect(page.locator(".rule-name b")).to_have_text(["second", "first"])
    visitor.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_a_rule_in_words_shows_its_mail_and_stays_in_the_window(
    chromium: Browser, server: LocalServer, width: int, height: int
) -> None:
    """WEB-65, WEB-65a: conditions in words beside the mail that they match; "Save" is inside the window."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        for subject in ("Quay invoice 1", "Quay invoice 2", "Quay news"):
            text = f"From: quay@far.example\r\nTo: {server.user}\r\nSubject: {subject}\r\n\r\nhello {width}\r\n"
            client.sendmail("quay@far.example", [server.user], text)
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    visitor.fill_in("/#rules")
    page = visitor.page
    page.get_by_role("button", name="New rule").first.click()
    before = page.locator(".rule-name").count() - 1
    preview = page.locator(".rule-preview")
    expect(preview).to_contain_text("complete the rule")
    page.get_by_label("From", exact=True).fill("QUAY@far")
    page.get_by_role("button", name="Add condition").click()
    second = page.get_by_role("group", name="Condition 2")
    second.get_by_label("Message part").select_option(label="Subject")
    second = page.get_by_role("group", name="Condition 2")
    second.get_by_label("Comparison").select_option(label="begins with")
    second.get_by_label("Subject").fill("quay invoice")
    move_to(page, f"Quay {width}")
    page.get_by_label("Flag", exact=True).check()
    expect(preview).to_contain_text(re.compile("Matches [24] of the last \\d+ messages"))
    expect(preview.locator("li").first).to_contain_text("Quay invoice 2")
    save = page.get_by_role("button", name="Save", exact=True)
    box = save.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= height
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
    save.click()
    expect(page.get_by_text("Rules saved")).to_be_visible()
    rule = page.locator(".rule-name").nth(before)
    expect(rule).to_contain_text("From contains “QUAY@far”, Subject begins with “quay invoice”")
    expect(rule).to_contain_text(f"to Quay {width}, flag")
    page.get_by_role("button", name="Delete").nth(before).click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".rule-name")).to_have_count(before)
    visitor.close()


def test_a_rule_says_each_condition_and_action_in_words(chromium: Browser, server: LocalServer) -> None:
    """WEB-65a: all parts and comparisons, all or any of them, each action; patterns and headers are behind "More"."""
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 800})
    page = visitor.page
    club = {"result": [{"keyword": "club", "name": "Sailing club"}]}
    page.route("**/api/rule_labels", lambda route: route.fulfill(json=club))
    visitor.fill_in("/#rules")
    page.get_by_role("button", name="New rule").first.click()
    before = page.locator(".rule-name").count() - 1
    parts = ["From", "To", "Subject", "Any text", "Mailing list", "Larger than (MB)", "Has an attachment"]
    for number, part in enumerate(parts, 1):
        if number > 1:
            page.get_by_role("button", name="Add condition").click()
        group = page.get_by_role("group", name=f"Condition {number}")
        choices = group.get_by_label("Message part")
        expect(choices.locator("option")).to_have_text(parts)
        choices.select_option(label=part)
        compare = group.get_by_label("Comparison")
        if number <= 3:
            expect(compare.locator("option")).to_have_text(["contains", "is", "begins with", "ends with"])
            compare.select_option(index=number)
        if part != "Has an attachment":
            group.get_by_label(part, exact=True).fill("5" if part.startswith("Larger") else f"w{number}")
    page.get_by_label("Match conditions").select_option(label="If any of these match")
    move_to(page, "Boxes")
    page.get_by_label("Forward a copy to", exact=True).fill("far@far.example")
    page.get_by_label("Label", exact=True).select_option(label="Sailing club")
    page.get_by_label("Flag", exact=True).check()
    page.get_by_label("Mark as read").check()
    page.get_by_label("Never junk").check()
    for hidden in ("From pattern", "Envelope sender", "Verified domain"):
        expect(page.get_by_label(hidden, exact=True)).to_be_hidden()
    expect(page.get_by_role("button", name="Header field matches…")).to_be_hidden()
    rule = page.locator(".rule-name").nth(before)
    expect(rule).to_contain_text(
        "any of: From is “w1”, To begins with “w2”, Subject ends with “w3”, Any text contains “w4”, "
        "Mailing list contains “w5”, larger than 5 MB, Has an attachment"
    )
    expect(rule).to_contain_text("to Boxes, label “Sailing club”, flag, mark as read, forward to far@far.example")
    expect(page.locator(".rule-preview")).to_contain_text(
        re.compile(r"Matches \d+ of (the last )?\d+ message|haven't received")
    )
    page.get_by_role("button", name="Undo changes").click()
    expect(page.locator(".rule-name")).to_have_count(before)
    visitor.close()


@pytest.mark.landing("1280")
@EACH
def test_junk_folders_are_chosen_in_words(chromium: Browser, server: LocalServer, width: int, height: int) -> None:
    """WEB-66: in lines as conditions of rules have, with what they say of the latest mail, kept as a pattern, which is
    behind "More"; Save saves both.
    """
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        client.sendmail("far@far.example", [server.user], f"From: far@far.example\r\nSubject: {width}\r\n\r\nhello\r\n")
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height})
    visitor.fill_in("/#junk")
    page = visitor.page
    neutral = page.get_by_role("group", name="Neutral folders")
    expect(neutral).to_be_visible()
    pattern = neutral.get_by_label("Pattern", exact=True)
    expect(pattern).to_be_hidden()
    rows = neutral.get_by_role("group", name=re.compile("^Condition "))
    before = rows.count()
    neutral.get_by_role("button", name="Add condition").click()
    row = rows.nth(before)
    expect(row.get_by_label("Folder name")).to_be_focused()
    row.get_by_label("Comparison").select_option(label="ends with")
    row.get_by_label("Folder name").fill("Sent")
    expect(neutral.get_by_role("status")).to_have_text(
        re.compile(r"Inbox, Sent, with (\d+) of (the last )?\1 messages?$")
    )
    places = [row.get_by_label("Comparison"), row.get_by_label("Folder name"), row.get_by_label("Remove condition")]
    found = [within_window(place) for place in places]
    assert [box.left for box in found] == sorted(box.left for box in found)
    assert all(box.height >= (44 if width < 700 else 24) for box in found)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.reload()
    expect(rows).to_have_count(before + 1)
    neutral.locator("summary").click()
    expect(pattern).to_have_value(re.compile(r"\|sent\$$"))
    pattern.fill("se[mn]t")
    expect(rows).to_have_count(0)
    expect(neutral.get_by_role("button", name="Add condition")).to_be_hidden()
    expect(neutral.get_by_role("status")).to_contain_text("Sent")
    page.reload()
    rows.nth(before).get_by_label("Remove condition").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    expect(rows).to_have_count(before)
    visitor.close()


def test_rules_become_a_script_and_faults_are_shown_at_their_place(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-130, WEB-158: converted, kept, edited with a check as one types."""
    visitor = Visitor(chromium, server)
    visitor.fill_in("/#rules")
    page = visitor.page
    sieve = page.get_by_role("button", name="Show as Sieve")
    expect(sieve).to_be_hidden()
    page.locator(".bar summary", has_text="More").click()
    sieve.click()
    expect(page.locator(".code-shown")).to_contain_text("fileinto :create")
    page.get_by_role("button", name="Save as script").click()
    area = page.get_by_role("textbox", name="Script")
    expect(area).to_have_value(re.compile("stop;"))
    expect(page.locator(".notice")).to_contain_text("valid")
    area.fill("keep;\n  kep;\n")
    page.get_by_role("button", name="Line 2, column 3").click()
    assert area.evaluate("area => area.selectionStart") == 8
    area.fill("keep;\n")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Sieve scripts", level=1)).to_be_visible()
    visitor.close()


def test_the_owner_of_an_address_agrees_to_forwarded_mail(chromium: Browser, server: LocalServer) -> None:
    """WEB-158a, WEB-158c: the page behind the link, without a log-in; then the address gets mail."""
    visitor = Visitor(chromium, server)
    visitor.fill_in("/#forwarding")
    page = visitor.page
    page.get_by_role("textbox", name="Address", exact=True).fill("moxlite+far@far.example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("not confirmed")).to_be_visible()
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as imap:
        imap.login(server.user, server.password)

        def link() -> str:
            imap.select("INBOX")
            _, found = imap.search(None, "SUBJECT", '"Confirm forwarding"')
            for number in found[0].split():
                _, parts = imap.fetch(number.decode(), "(BODY.PEEK[])")
                assert isinstance(parts[0], tuple)
                octets = email.message_from_bytes(parts[0][1]).get_payload(decode=True)
                assert isinstance(octets, bytes)
                text = octets.decode()
                if match := re.search(r"\S+/mail/consent/\S+", text):
                    return match[0]
            return ""

        until(link, what="the question")
        url = link()
    stranger = Visitor(chromium, server, viewport={"width": 360, "height": 740})
    stranger.page.goto(url)
    expect(stranger.page.get_by_text("moxlite+far@far.example")).to_be_visible()
    stranger.page.get_by_role("button", name="Confirm forwarding").click()
    expect(stranger.page.get_by_text("Forwarding confirmed")).to_be_visible()
    page.reload()
    expect(page.get_by_text("forwarding your mail")).to_be_visible()
    stranger.close()
    visitor.close()


def test_the_webmail_tells_of_answers_and_of_a_script_that_failed(
    chromium: Browser, server: LocalServer, tmp_path: Path
) -> None:
    """WEB-158b: above the list, at 360 pixels; answers are ended by a press, an error is hidden for good."""
    (tmp_path / "away.txt").write_text("Back on Monday.\n")
    server.cli("account", "vacation", "set", "moxlite", str(tmp_path / "away.txt"))
    (tmp_path / "script").write_text('require "include";\n\ninclude :personal "gone";\n')
    server.cli("account", "sieve", "put", "moxlite", "lists", str(tmp_path / "script"), "--activate")
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        client.sendmail("ann@far.example", [server.user], "From: ann@far.example\r\nSubject: boats\r\n\r\nhello\r\n")
    server.cli("account", "sieve", "activate", "moxlite", "")
    visitor = Visitor(chromium, server, viewport={"width": 360, "height": 740}, color_scheme="dark")
    visitor.fill_in("/webmail/")
    page = visitor.page
    expect(page.get_by_text("Vacation reply is on")).to_be_visible()
    expect(page.get_by_text("Your script failed in line 3")).to_be_visible()
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("Vacation reply is on")).to_be_hidden()
    page.get_by_role("button", name="Hide").click()
    page.reload()
    expect(page.get_by_text("boats").first).to_be_visible()
    expect(page.get_by_text("Your script failed")).to_be_hidden()
    page.goto(f"{visitor.base}/")
    expect(page.get_by_text("Your script failed in line 3")).to_be_visible()
    visitor.close()


def test_mail_is_imported_from_dovecot(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """WEB-159, IMAP-139: mailboxes chosen, messages with their flags and dates; nothing doubles the next time."""
    with Dovecot(tmp_path / "dovecot") as dovecot:
        with imaplib.IMAP4("127.0.0.1", dovecot.port) as theirs:
            theirs.login("ann", "moxmoxmox")
            for box, count in (("INBOX", 2), ("Club", 3)):
                theirs.create(box)
                for number in range(count):
                    text = (
                        f"From: a@example.org\r\nSubject: {box} {number}\r\nMessage-ID: <{box}{number}@x>\r\n\r\nx\r\n"
                    )
                    theirs.append(box, "(\\Flagged)", '" 1-Feb-2021 10:00:00 +0100"', text.encode())
        visitor = Visitor(chromium, server)
        visitor.fill_in("/#transfer")
        page = visitor.page.get_by_role("region", name="From another mail server")

        def look() -> None:
            page.get_by_role("combobox", name="Server").fill("127.0.0.1")
            page.get_by_label("Encryption").select_option("none")
            page.get_by_label("Port", exact=True).fill(str(dovecot.port))
            page.get_by_role("combobox", name="Username").fill("ann")
            page.get_by_label("Password").fill("moxmoxmox")
            page.get_by_role("button", name="Choose folders").click()

        look()
        page.get_by_label("INBOX").uncheck()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.locator(".notice.ok")).to_contain_text("3 messages copied")
        page.get_by_role("button", name="Close").click()
        look()
        expect(page.get_by_label("INBOX")).to_be_visible()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.locator(".notice.ok")).to_contain_text("2 messages copied")
        page.get_by_role("button", name="Close").click()
        expect(page.get_by_role("combobox", name="Server")).to_be_visible()
        visitor.close()
    with imaplib.IMAP4("127.0.0.1", server.port(143)) as ours:
        ours.login(server.user, server.password)
        ours.select("Club")
        _, found = ours.fetch("1:*", "(FLAGS INTERNALDATE)")
        assert len(found) == 3
        assert all(b"Flagged" in one and b"2021" in one for one in found)  # type: ignore[operator] # as imaplib gives it


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "de",
            (
                "keine Verbindung möglich: ",
                "die Anmeldung ist fehlgeschlagen: der Server hat die Anmeldung abgelehnt: ",
            ),
        ),
        ("fr", ("connexion impossible : ", "la connexion a échoué : le serveur a refusé la connexion : ")),
    ],
)
def test_an_import_by_imap_fails_in_the_language_of_the_reader(
    chromium: Browser, server: LocalServer, language: str, words: tuple[str, ...]
) -> None:
    """WEBMAIL-143, WEB-159: the reason, with the reason within it; what the other server says stays as it is."""
    visitor = Visitor(chromium, server)
    visitor.fill_in("/#transfer")
    page = visitor.page
    expect(page.locator(".copying form").first).to_be_visible()
    visitor.context.add_cookies([{"name": "moxlite-language", "value": language, "url": page.url.partition("#")[0]}])
    page.reload()
    part = page.locator(".copying").first
    form = part.locator("form")
    expect(page.locator("html")).to_have_attribute("lang", language)
    for port, said in zip((1, server.port(143)), words, strict=True):
        form.locator("input[list=copy-hosts]").fill("127.0.0.1")
        form.locator("select").select_option("none")
        form.locator("input[inputmode=numeric]").fill(str(port))
        form.locator("input[list=copy-users]").fill(server.user)
        form.locator("input[type=password]").fill("not the password")
        form.locator("button[type=submit]").click()
        expect(part.locator(".notice.danger")).to_contain_text(re.compile(f"^{said}"))
        part.locator("button").click()
    visitor.close()


def test_what_is_done_in_an_import_outlives_its_next_look(chromium: Browser, server: LocalServer) -> None:
    """WEB-159, WEBMAIL-144: the page keeps the focus, what is unfolded, and a press under way."""
    visitor = Visitor(chromium, server)
    looks: list[int] = []

    def answer(route: Route) -> None:
        """An import that runs, with one message more each time."""
        looks.append(1)
        nothing = {"message": "", "words": None}
        running = {"phase": "running", "host": "imap.example", "port": 993, "tls": "implicit", "user": "ann"}
        counts = {"done": len(looks), "total": 900, "all": 900, "left": 900, "seconds": 9, "messages": 0, "flags": 0}
        problems = {"problems": [{"message": "Too large", "words": None}], "problem_count": 1}
        rest = {"plan": [], "mailbox": "INBOX", "note": nothing, "error": nothing, "known": [], "insecure": False}
        route.fulfill(json={"result": running | counts | problems | rest})

    def look() -> None:
        """Wait for the page to have drawn what it sees next."""
        before = len(looks)
        until(lambda: page.evaluate("true") and len(looks) > before + 1, what="the next look")

    page = visitor.page
    page.route("**/api/copy_state", answer)
    visitor.fill_in("/#transfer")
    part = page.get_by_role("region", name="From another mail server")
    part.locator("summary").click()
    part.get_by_role("button", name="Pause").focus()
    look()
    expect(part.get_by_text("Too large")).to_be_visible()
    expect(part.get_by_role("button", name="Pause")).to_be_focused()
    part.get_by_role("button", name="Stop import").hover()
    page.mouse.down()
    page.wait_for_timeout(2_000)  # a look comes each second, none of which may be drawn
    page.mouse.up()
    page.get_by_role("dialog", name="Stop this import?").get_by_role("button", name="Cancel").click()
    visitor.close()


def test_rules_are_applied_to_mail_that_is_there_and_undone(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-130a: at 360 pixels: the count, the moves, the undo."""
    with smtplib.SMTP("127.0.0.1", server.port(25)) as client:
        for number in range(3):
            text = f"From: harbour@far.example\r\nTo: {server.user}\r\nSubject: harbour {number}\r\n\r\nhello\r\n"
            client.sendmail("harbour@far.example", [server.user], text)
    visitor = Visitor(chromium, server, viewport={"width": 360, "height": 740})
    visitor.fill_in("/#rules")
    page = visitor.page
    page.get_by_role("button", name="New rule").first.click()
    page.get_by_label("From", exact=True).fill("harbour@")
    move_to(page, "Harbour")
    expect(page.get_by_role("button", name="Apply to existing mail")).to_be_disabled()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Rules saved")).to_be_visible()
    page.get_by_role("button", name="Apply to existing mail").click()
    expect(page.get_by_text(re.compile("^3 of .* would move to"))).to_be_visible()
    page.get_by_role("button", name="Move messages").click()
    expect(page.get_by_text("3 messages moved")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("Moved all messages back to Inbox")).to_be_visible()
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    visitor.close()


def test_mail_is_given_to_another_while_away(chromium: Browser, server: LocalServer, tmp_path: Path) -> None:
    """SMTP-189a: who may send, with all folders, calendars and contacts, and an end, in three clicks."""
    server.cli("config", "account", "add", "eve", "eve@localhost")
    visitor = Visitor(chromium, server)
    visitor.fill_in("/")
    page = visitor.page
    sharing = page.get_by_role("link", name="Sharing and import")
    expect(sharing).to_be_visible()
    presses = pressed(page)
    sharing.click()
    page.get_by_role("button", name="Add person").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Person").fill("eve@localhost")
    box.locator("input[type=date]").fill("2099-12-31")
    expect(box.get_by_label("Share all folders")).to_be_checked()
    box.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="eve")
    expect(row).to_contain_text("can edit")
    assert presses() == 3
    page.screenshot(path=tmp_path / "delegates.png")
    assert "eve" in server.cli("account", "delegate", "list", "moxlite").stdout
    row.get_by_role("button", name="Edit eve").click()
    expect(box.locator("input[type=date]")).to_have_value("2099-12-31")
    box.get_by_label("Recipients see").select_option("as")
    box.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("this address only")
    row.get_by_role("button", name="Stop eve").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Only you can send")).to_be_visible()
    server.cli("config", "account", "rm", "--yes", "eve")
    visitor.close()
