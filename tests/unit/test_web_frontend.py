"""What can be seen in the frontend's sources without running them."""

import re
from pathlib import Path

import pytest

from tests.tools import top

FRONTEND = top() / "frontend"
STATIC = top() / "moxlite" / "web" / "static"
VARIABLES = (
    *("--color", "--color-mild", "--color-milder", "--background", "--background-mild", "--border-color"),
    *("--button-background", "--button-hover-background", "--popup-background", "--overlay-background"),
    *("--highlight-background", "--mailbox-active-background", "--message-active-background", "--message-focus-border"),
    *("--warning-background", "--success-background", "--underline-green", "--underline-red", "--underline-blue"),
    *("--underline-grey", "--quoted1", "--quoted2", "--quoted3", "--script-switch-underline", "--link-color"),
    "--link-visited-color",
)


def sources() -> list[Path]:
    return [path for folder in ("lib", "webmail", "account") for path in sorted((FRONTEND / folder).rglob("*.*"))]


@pytest.mark.parametrize("name", VARIABLES)
def test_each_colour_is_a_variable_with_a_light_and_a_dark_value(name: str) -> None:
    """WEBMAIL-9, WEBMAIL-10."""
    css = (FRONTEND / "lib" / "base.css").read_text()
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    assert re.search(rf"^\s+{name}: #[0-9a-f]+;", light, re.MULTILINE)
    assert re.search(rf"^\s+{name}: #[0-9a-f]+;", dark, re.MULTILINE)


def test_the_apps_stylesheets_name_no_colour_of_their_own() -> None:
    """WEBMAIL-9: but the white canvas of HTML mail (WEBMAIL-10)."""
    named = {
        app: [
            colour
            for sheet in sorted((FRONTEND / app).rglob("*.css"))
            for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(", sheet.read_text())
        ]
        for app in ("webmail", "account")
    }
    # a page of a message, and one of an attachment
    assert named == {"webmail": ["#ffffff", "#ffffff"], "account": []}


@pytest.mark.parametrize(
    "pattern",
    [r"\beval\(", r"new Function", "innerHTML", "outerHTML", "document.write", r"insertAdjacentHTML", 'type: "email"'],
)
def test_no_text_becomes_code_or_markup(pattern: str) -> None:
    """WEBMAIL-11, WEBMAIL-107a, WEBMAIL-159."""
    for path in sources():
        if path.suffix == ".ts":
            assert not re.search(pattern, path.read_text()), path


def test_nothing_is_loaded_from_elsewhere() -> None:
    """WEBMAIL-159."""
    for name in (f"{app}.{kind}" for app in ("webmail", "account") for kind in ("html", "css", "js")):
        text = (STATIC / name).read_text()
        urls = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
        assert set(urls) <= {"http://www.w3.org"}, name
        assert "sourceMappingURL" not in text


def test_each_reason_has_its_words() -> None:
    """WEBMAIL-77: what docs/reasons.md lists is said in the details of a message."""
    table = (top() / "docs" / "reasons.md").read_text()
    words = {
        word
        for line in table.splitlines()
        if line.startswith("| `")
        for word in re.findall(r"`([^`]+)`", line.split("|")[1])
    }
    source = (FRONTEND / "webmail" / "details" / "reasons.ts").read_text()
    told = set(re.findall(r'^  "?([a-z0-9-]+)"?: t\(', source, re.MULTILINE))
    assert words == told
