"""The configuration without its secrets, for people who look at it (WEB-88): as the text of a file, and as effective
values.

Fields whose documentation says `secret` are masked. In a text, so are keys that no struct knows, such as a misspelt
``pasword``, and what looks like a secret in a comment. In a text that is not TOML, whole lines are masked by the names
of their keys.
"""

import re
import tomllib
from typing import Any, Final

from moxlite.config.fields import ArrayShape, Shape, TableShape, TablesShape, fields_of
from moxlite.config.toml.decode import KeyPath
from moxlite.config.toml.encode import encode
from moxlite.config.toml.scan import BLANK, Entry, Scanner
from moxlite.config.values import Section

__all__ = ["MASK", "masked_table", "masked_text"]

MASK: Final = "(secret)"

WORDS: Final = r"(?:passw|secret|token|authori[sz]ation|credential|api_?key)"
COMMENT: Final = re.compile(rf"#[^\n]*?{WORDS}[^\n=]*=[ \t]*([^\n]+)", re.IGNORECASE)
"""A commented-out secret; the group is its value."""

BROKEN: Final = re.compile(rf"^[^\n]*?{WORDS}[^\n=]*=[ \t]*([^\n]+)", re.IGNORECASE | re.MULTILINE)
"""A line of a broken text with the key of a secret; the group is all behind the first such key."""

USER_INFO: Final = re.compile(r"(?<=://)[^/@\s\"']++(?=@)")
"""User and password in a URL."""

LONG_STRING: Final = re.compile(rf"{WORDS}[^\n=]*=[^\n]*(?:\"\"\"|''')", re.IGNORECASE)


def masked_table(section: Section) -> dict[str, Any]:
    """All values of an object, defaults as well, in the form of the file and without secrets."""
    found: dict[str, Any] = _masked(TableShape(type(section)), encode(section, whole=True))
    return found


def _masked(shape: Shape, value: Any) -> Any:
    match shape:
        case TableShape() if isinstance(value, dict):
            fields = {field.name: field for field in fields_of(shape.section)}
            return {
                name: MASK if fields[name].secret and one else _masked(fields[name].shape, one)
                for name, one in value.items()
                if name in fields
            }
        case TablesShape() if isinstance(value, dict):
            return {name: _masked(shape.item, one) for name, one in value.items()}
        case ArrayShape() if isinstance(value, list):
            return [_masked(shape.item, one) for one in value]
        case _:
            return USER_INFO.sub(MASK, value) if isinstance(value, str) else value


def masked_text(text: str, section: type[Section]) -> str:
    """The text of a file with the struct `section`, without secrets."""
    try:
        tomllib.loads(text)
    except ValueError:  # TOMLDecodeError is one
        return _masked_broken(text)
    finder = _Secrets(text, section)
    finder.document()
    spans = sorted([*finder.spans, *(match.span(1) for match in COMMENT.finditer(text))])
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        if start < end:  # within a masked value
            continue
        parts += [text[end:start], f'"{MASK}"']
        end = stop
    return USER_INFO.sub(MASK, "".join([*parts, text[end:]]))


def _masked_broken(text: str) -> str:
    """A text that is not TOML: the rest of each line behind the key of a secret is masked, and everything behind a
    secret of several lines, whose end is not known.
    """
    long = LONG_STRING.search(text)
    rest = ""
    if long is not None:
        text, rest = text[: long.end()], "\n" + MASK
    masked = BROKEN.sub(lambda match: match[0][: match.start(1) - match.start()] + MASK, text)
    return USER_INFO.sub(MASK, masked) + rest


class _Secrets(Scanner):
    """Finds the values to mask in a valid text."""

    def __init__(self, text: str, section: type[Section]) -> None:
        super().__init__(text)
        self.spans: list[tuple[int, int]] = []
        self._section = section

    def document(self) -> None:
        """Scan the whole text."""
        prefix: KeyPath = ()
        self.skip(BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                prefix = self.header()
            else:
                self.key_value(prefix)
            self.skip(BLANK)

    def key_value(self, prefix: KeyPath) -> Entry:
        """Note the value if it must not be shown."""
        entry = super().key_value(prefix)
        if _hidden(TableShape(self._section), entry.path):
            self.spans.append((entry.value, entry.end))
        return entry


def _hidden(shape: Shape, path: KeyPath) -> bool:
    """Whether the value at a path is secret, or of a key that no struct knows."""
    for key in path:
        match shape:
            case TableShape():
                field = next((one for one in fields_of(shape.section) if one.name == key), None)
                if field is None or field.secret:
                    return True
                shape = field.shape
            case TablesShape() | ArrayShape():
                shape = shape.item
            case _:
                return True
    return False
