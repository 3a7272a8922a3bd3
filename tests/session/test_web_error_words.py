"""Errors in the language of the reader: what the server tells beside its English text (WEBMAIL-143)."""

import json
import os
import re
from typing import Any

import pytest

from tests.session.test_web_compose import written
from tests.session.test_web_contacts import form
from tests.tools import top
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

LANGUAGES = {path.stem: json.loads(path.read_text()) for path in (top() / "frontend/i18n/errors").glob("*.json")}


def spoken(words: dict[str, Any], texts: dict[str, str]) -> str:
    """A text in a language, as a page makes it. Each template has a translation."""
    values = {name: spoken(one, texts) if isinstance(one, dict) else str(one) for name, one in words["values"].items()}
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], texts[words["text"]])


def told(error: dict[str, Any]) -> str:
    """The error in German; it can be told in all languages."""
    words = error.get("words", {"text": error["message"], "values": {}})
    found = {name: spoken(words, texts) for name, texts in LANGUAGES.items()}
    assert len({*found.values(), error["message"]}) >= 4, "each language has words of its own"
    return found["de"]


def sent(**fields: Any) -> dict[str, Any]:
    return {"message": written(**fields), "submit_id": os.urandom(16).hex()}


TOM = {"name": "", "address": "tom@example.net"}
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "values": (
        "message_submit",
        sent(to=[TOM] * 600, cc=[TOM] * 600),
        "to: höchstens 1000 Empfänger sind möglich",
    ),
    "nested reasons": (
        "message_submit",
        sent(to=[{"name": "", "address": "tom@"}]),
        "to: tom@: die Domain ist falsch geschrieben",
    ),
    "another's address": ("message_submit", sent(**{"from": TOM}), "from: Sie können nicht von tom@example.net senden"),
    "past": ("message_submit", {**sent(), "send_at": 1}, "send_at: Dieser Zeitpunkt liegt in der Vergangenheit"),
    "nothing there": ("parsed_message", {"message_id": 77}, "es gibt keine Nachricht 77"),
    "no name": ("contact_save", {"contact": form(" ")}, "ein Kontakt braucht einen Namen oder eine Adresse"),
    "taken": ("mailbox_create", {"name": "Inbox"}, "den Ordner 'Inbox' gibt es schon"),
    "bad name": (
        "mailbox_create",
        {"name": "a//b"},
        "der Name eines Ordners kann weder mit / beginnen oder enden noch // enthalten",
    ),
    "too long": (
        "mailbox_create",
        {"name": "x" * 300},
        "ein Teil des Namens eines Ordners kann nicht länger als 255 Bytes sein",
    ),
    "conflict": (
        "draft_remove",
        {"draft_id": 5},
        "dieser Entwurf wurde geändert oder gelöscht, seit Sie ihn geöffnet haben",
    ),
    "inbox": ("mailbox_delete", {"mailbox_id": 1}, "der Posteingang kann nicht gelöscht werden"),
}


@pytest.mark.parametrize("case", CASES)
async def test_errors_of_the_webmail_can_be_told_in_each_language(browser: Browser, case: str) -> None:
    """WEBMAIL-143: the template and its values come beside the English text, which is of them."""
    call, parameters, german = CASES[case]
    answer = await browser.post(call, parameters)
    assert answer.status >= 400
    error = answer.json["error"]
    assert told(error) == german
    if words := error.get("words"):
        assert spoken(words, {key: key for key in LANGUAGES["de"]}) == error["message"]


async def test_wrong_credentials_are_told_before_the_log_in(rig: Rig) -> None:
    """WEBMAIL-143, WEBMAIL-16."""
    stranger = rig.browser()
    token = await stranger.call("login_prep")
    answer = await stranger.post("login", {"login_token": token, "username": "mia@example.org", "password": "x"})
    assert told(answer.json["error"]) == "Die Adresse oder das Passwort stimmt nicht."


async def test_errors_of_the_account_app_can_be_told_in_each_language(rig: Rig) -> None:
    """WEBMAIL-143: mistakes in fields have words of their own."""
    account = rig.browser(app="/")
    await account.log_in()
    share = {"mailbox": "Inbox", "guest": "anyone", "rights": "lr"}
    for field, value, text in (
        ("guest", "stranger", "ist kein Konto dieses Servers, und nur Konten können Rechte bekommen"),
        ("rights", "x", "müssen Buchstaben aus lrswipkxtea sein, mit l"),
    ):
        answer = await account.post("account_share_set", share | {field: value})
        [fault] = answer.json["error"]["fields"]
        assert (fault["field"], told({"message": fault["text"], **fault})) == (field, text)
    forward = {"forward_to": ["mia@", "mia@example.org"], "keep_copy": True}
    nothing = {"forward_to": [], "keep_copy": True}
    answer = await account.post("account_forward_set", {"old": nothing, "changed": forward})
    [one] = answer.json["error"]["fields"]
    assert told({"message": one["text"], **one}) == "ist keine E-Mail-Adresse: die Domain ist falsch geschrieben"
    answer = await account.post("set_password", {"password": "short"})
    assert told(answer.json["error"]) == "ein Passwort braucht mindestens 8 Zeichen"
