"""How texts for people read: the measures of `script/check words`."""

import ast
import sys
from typing import Any

import pytest

from tests.tools import top


@pytest.fixture(name="measures")
def module() -> Any:
    """The module of the measures."""
    path = str(top() / "script")
    if path not in sys.path:
        sys.path.insert(0, path)
    from checks import naturalness

    return naturalness


@pytest.mark.parametrize(
    "text",
    [
        "It is taken off all messages; the messages stay. It cannot be undone.",
        "Not sent: {error}",
        "Saving the draft failed",
        "This file is no picture that can be shown.",
        "Those who have a secret link read this calendar.",
        "A log-in with a second factor",
        "Colours",
        "No token sets passwords, makes tokens, or removes accounts and domains.",
        "Tell which account has ADDRESS.",
        "Empty: to the Inbox, like other mail.",
        "what is left of the queue is told to the administrator, who finds the reason in the log",
        "New recovery codes were made; the old ones are void.",
    ],
)
def test_a_text_that_reads_as_translated_is_found(measures: Any, text: str) -> None:
    """As it stood in the product."""
    assert measures.unnatural(text)


@pytest.mark.parametrize(
    "text",
    [
        "The label will be removed from all messages. Your messages won't be deleted. You can't undo this.",
        "Couldn't send: {error}",
        "This image can't be displayed.",
        "Anyone with a private link can view this calendar without a password. You can revoke the link at any time.",
        "there is no folder “{value}”",
        "Leave blank to use the Inbox.",
        "setup code expired after 10 minutes; create a new one",
        "You have new recovery codes. The old codes no longer work.",
        "No messages",
    ],
)
def test_a_native_text_is_left_alone(measures: Any, text: str) -> None:
    """What takes its place."""
    assert measures.unnatural(text) == []


def test_texts_of_both_languages_are_read(measures: Any) -> None:
    """Translated texts of the frontend, and strings of the server: neither docstrings, names nor SQL."""
    assert list(
        measures.texts("a.ts", 'say(t("Save this draft?"), many(n, "{n} file", "{n} files"), "btn line two")')
    ) == [
        "Save this draft?",
        "{n} files",
    ]
    module = '''
"""What is read here."""
raise Refused(f"no room for {name}: it is full")
query = "SELECT a FROM b WHERE c"
state = "on hold"
'''
    assert list(measures.strings(ast.parse(module))) == ["no room for {}: it is full"]
