"""Settings of the webmail: kept, told to other pages, and remembered for single senders."""

from typing import Any

import pytest

from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

HTML = (
    b"From: Ada <ada@Nordlicht.example>\r\nTo: mia@example.org\r\nSubject: x\r\n"
    b"Content-Type: text/html\r\n\r\n<p>x</p>\r\n"
)
DEFAULTS = {
    "signature": "",
    "signature_html": "",
    "signatures": [],
    "compose_format": "text",
    "invitation_mails": True,
    "quoting": "auto",
    "show_address_security": True,
    "show_html": True,
    "no_show_shortcuts": False,
    "show_headers": [],
    "color_scheme": "auto",
    "language": "",
    "density": "comfortable",
    "single_keys": True,
    "keymap": {},
    "mark_seen_ms": 500,
    "after_action": "next",
    "open_on_move": False,
    "undo_send_seconds": 10,
    "searches": [],
    "unsubscribed": [],
    "labels": [],
}


async def test_settings_are_told_at_the_start_and_when_they_change(browser: Browser) -> None:
    """WEBMAIL-34, WEBMAIL-105: in all pages of the user."""
    events = await browser.events()
    assert (await events.until("start"))["settings"] == DEFAULTS
    chosen = {
        "signature": "Mia\nVänern",
        "signatures": [{"address": "b@x.example", "text": "B", "html": "<b>B</b>"}],
        "quoting": "bottom",
    }
    await browser.call("settings_save", settings=chosen)
    assert (await events.change("settings"))["settings"] == DEFAULTS | chosen
    await events.aclose()
    again = await browser.events()
    assert (await again.until("start"))["settings"] == DEFAULTS | chosen
    await again.aclose()


async def test_what_a_page_does_not_name_stays(browser: Browser) -> None:
    """WEBMAIL-105: it may know older values than another page has saved."""
    chosen = {
        "signature": "Mia",
        "signature_html": "<b>Mia</b>",
        "signatures": [{"address": "b@x.example", "text": "B", "html": ""}],
        "language": "de",
        "keymap": {"message.archive": "e"},
        "searches": [{"name": "Boats", "text": "boats"}],
    }
    await browser.call("settings_save", settings=chosen)
    changes: list[dict[str, Any]] = [{"color_scheme": "dark"}, {"searches": []}, {"signature": "M."}, {}]
    for change in changes:
        await browser.call("settings_save", settings=change)
        chosen |= change
        events = await browser.events()
        assert (await events.until("start"))["settings"] == DEFAULTS | chosen
        await events.aclose()


@pytest.mark.parametrize(
    "wrong",
    [
        {"quoting": "sideways"},
        {"mark_seen_ms": -2},
        {"signature": "x" * 20_001},
        {"show_headers": ["two words"]},
        {"signatures": [{"address": "a@x.example"}]},
        {"keymap": {"message.archive": "ctrl c"}},
        {"keymap": {"message.archive": "Tab"}},
        {"keymap": {"message.archive": " "}},
        {"keymap": {"message.archive": "\x1b"}},
        {"keymap": {"message.archive": "ee"}},
        {"keymap": {"message.archive": "g i x"}},
        {"keymap": {"message.archive": "g  i"}},
        {"keymap": {"no command": "e"}},
        {"keymap": {"message." + "x" * 41: "e"}},
        {"keymap": {f"message.x{n}": "" for n in range(101)}},
        {"unknown": 1},
    ],
)
async def test_what_no_setting_can_be_is_refused(browser: Browser, wrong: dict[str, object]) -> None:
    """WEBMAIL-23, WEBMAIL-105, WEBMAIL-162: by its path, and nothing is changed."""
    answer = await browser.post("settings_save", {"settings": wrong})
    assert answer.status == 400
    assert next(iter(wrong)) in answer.json["error"]["message"]


async def test_keys_of_commands_are_kept_also_of_those_that_only_another_version_has(browser: Browser) -> None:
    """WEBMAIL-162: one sign of any script, with or without alt, a sequence, or none; told to the other pages."""
    events = await browser.events()
    await events.until("start")
    chosen = {"message.archive": "e", "message.junk": "", "list.down": "ö", "app.undo": "alt z", "future.thing-2": "#"}
    chosen["app.inbox"] = "g i"
    await browser.call("settings_save", settings={"keymap": chosen})
    assert (await events.change("settings"))["settings"]["keymap"] == chosen
    await events.aclose()


async def test_how_messages_of_a_sender_are_shown_is_remembered(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-55: until it is forgotten; the domain is compared as domains are."""
    async with rig.account() as account:
        message_id = (await deliver_mail(account, HTML)).message_id
    assert (await browser.call("parsed_message", message_id=message_id))["view_mode"] == ""
    for mode in ("html_ext", "html", "text", ""):
        await browser.call("from_address_settings_save", from_address="ada@NORDLICHT.example", view_mode=mode)
        assert (await browser.call("parsed_message", message_id=message_id))["view_mode"] == mode


async def test_text_of_a_sender_is_in_a_font_of_fixed_width(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-56a: in the reader and in a tab, until it is forgotten; how HTML is shown stays apart."""
    async with rig.account() as account:
        message_id = (await deliver_mail(account, HTML)).message_id
    for mode, fixed in (("html_ext", True), ("", True), ("text", False)):
        await browser.call(
            "from_address_settings_save", from_address="ada@NORDLICHT.example", view_mode=mode, fixed_width=fixed
        )
        parsed = await browser.call("parsed_message", message_id=message_id)
        assert (parsed["view_mode"], parsed["fixed_width"]) == (mode, fixed)
        page = (await browser.fetch(f"/webmail/msg/{message_id}/msgtext")).body
        assert (b'class="body fixed"' in page) == fixed
