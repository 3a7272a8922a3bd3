"""Texts with numbers, and that code counts things by one function."""

import ast
import re
from pathlib import Path

import pytest
from acme import messages

from moxlite.autotls.child import problem
from moxlite.wording import counted, plain_reason
from tests.tools import top

MANY = (
    "databases|messages|accounts|mailboxes|folders|files|keys|rows|records|domains|snapshots|addresses|blocks|aliases"
)
PLURAL = re.compile(rf" ({MANY}|problems|scripts|rules|users)\b")
PRINTING = {"print", "note", "tell", "Failure", "echo"}


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "message", "0 messages"),
        (1, "message", "1 message"),
        (2, "mailbox", "2 mailboxes"),
        (3, "address", "3 addresses"),
        (9_999, "byte", "9,999 bytes"),
        (12_345, "byte", "12,345 bytes"),
    ],
)
def test_things_are_counted(number: int, noun: str, text: str) -> None:
    """ADMIN-18: output of commands has a number with its noun."""
    assert counted(number, noun) == text


def printed(path: Path) -> list[str]:
    """Texts of a module that are printed, with a number straight before a noun in the plural."""
    found = []
    for call in ast.walk(ast.parse(path.read_bytes())):
        name = getattr(getattr(call, "func", None), "id", getattr(getattr(call, "func", None), "attr", ""))
        if not isinstance(call, ast.Call) or name not in PRINTING:
            continue
        for text in (part for argument in call.args for part in ast.walk(argument) if isinstance(part, ast.JoinedStr)):
            pairs = zip(text.values, text.values[1:], strict=False)
            found += [
                f"{path.name}:{text.lineno}: {ast.unparse(text)}"
                for value, words in pairs
                if isinstance(value, ast.FormattedValue)
                and isinstance(words, ast.Constant)
                and PLURAL.match(str(words.value))
            ]
    return found


def test_no_command_prints_1_messages() -> None:
    """ADMIN-18: numbers in texts that commands print are made by `counted`."""
    assert [one for path in (top() / "moxlite/cli").rglob("*.py") for one in printed(path)] == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError(), "timed out"),
        (EOFError(), "connection closed"),
        (ValueError(), "unknown error"),
    ],
)
def test_a_reason_has_no_name_of_a_class(error: Exception, words: str) -> None:
    """ADMIN-18: for people."""
    assert plain_reason(error) == words


def test_the_words_of_a_ca_are_shown_without_its_codes() -> None:
    """ADMIN-18: the detail, or what the code means."""
    parts = [messages.Error.with_code("caa", detail="CAA forbids it"), messages.Error.with_code("unauthorized")]
    error = messages.Error.with_code("compound", detail="two names failed").update(subproblems=tuple(parts))
    assert problem(error) == "two names failed; CAA forbids it; The client lacks sufficient authorization"
