"""Texts for people with values in them, which a page can show in the language of its reader (WEBMAIL-143)."""

import re
import textwrap
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from moxlite.encoding import from_json, to_json

NAME: Final = re.compile(r"\{(\w+)\}")

GROUPED: Final = 10_000
"""Numbers from here on have commas."""

PACKED: Final = '{"text":'
"""How a stored text with its template begins: no other text does."""

PYTHONS_MARKS: Final = re.compile(r"\[SSL: \w+\] | ?\(_ssl\.c:\d+\)| ?\(\[Errno -?\d+\][^()]*\)|\[Errno -?\d+\] ")
"""Marks that Python adds to the reasons of the system and of OpenSSL."""

ALERT: Final = re.compile(r"\b(?:sslv3|tlsv1(?:\.\d)?) alert ")

BRIEF: Final = 100
"""Characters of a text that is repeated at the end of a long output."""

Value = str | int


class Worded(str):
    """A text in English that knows of what it was made. ``str(text)`` is the text alone.

    Attributes:
      template: the text with names in braces, which is the same whatever its values are.
      values: by name. One that is `Worded` itself has a template, too; another is not translated.
    """

    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, values: Mapping[str, Value]) -> Self:
        """The text with its values."""
        made = super().__new__(cls, NAME.sub(lambda match: _shown(values.get(match[1], match[0])), template))
        made.template, made.values = template, values
        return made


def worded(template: str, **values: object) -> Worded:
    """A text from a template with ``{names}``, and their values: numbers, words that are not translated, or reasons,
    which are errors or `Worded`.
    """
    return Worded(template, {name: _value(value) for name, value in values.items()})


def mail_text(template: str, **values: object) -> Worded:
    """A text of a mail to a user, in whose language it will be written. As `worded`."""
    return worded(template, **values)


def counted(number: int, noun: str) -> str:
    """A number and its noun, in English: "1 message", "1,200 mailboxes"."""
    ending = "" if number == 1 else "es" if noun.endswith(("s", "x")) else "s"
    return f"{number:,} {noun}{ending}"


def brief(text: str) -> str:
    """The first sentence of a text that was already shown, as much of it as fits on a line."""
    return textwrap.shorten(text.partition(". ")[0], BRIEF, placeholder=" …")


def words_of(text: str) -> dict[str, Any] | None:
    """The template of a text and its values, as they are sent and stored; None for a text without values, which is its
    own template.
    """
    return _words(text) if isinstance(text, Worded) and text.values else None


def text_of(words: Mapping[str, Any]) -> Worded:
    """The text that `words_of` took apart."""
    values = {name: text_of(one) if isinstance(one, dict) else one for name, one in words["values"].items()}
    return Worded(words["text"], values)


def packed(text: str) -> str:
    """The text for a column that has no other one beside it for its template and values."""
    words = words_of(text)
    return str(text) if words is None else to_json(words).decode()


def unpacked(stored: str) -> str:
    """The text that `packed` made a value of."""
    return text_of(msgspec.json.decode(stored)) if stored.startswith(PACKED) else stored


def _words(text: Worded) -> dict[str, Any]:
    values = {name: _words(one) if isinstance(one, Worded) else one for name, one in text.values.items()}
    return {"text": text.template, "values": values}


class Remark(msgspec.Struct, frozen=True):
    """A text in a result, for the user. ``words`` has its template and values as an error has; None without values."""

    message: str
    words: Any = None


def remark(text: str) -> Remark:
    """A text of a result with what it was made of, so that the page can say it in its language (WEBMAIL-143)."""
    return Remark(str(text), words_of(text))


def as_worded(text: str) -> Worded:
    """A text that is translated as a value of another one."""
    return text if isinstance(text, Worded) else Worded(text, {})


def causes(error: BaseException) -> list[BaseException]:
    """The errors of a group, also of groups in it, in their order; of another error itself. The text of a group tells
    only how many there are.
    """
    if isinstance(error, BaseExceptionGroup):
        return [cause for part in error.exceptions for cause in causes(part)]
    return [error]


def plain_reason(error: BaseException) -> str:
    """The reason of an exception for people, as the system or OpenSSL has it."""
    silent = {TimeoutError: "timed out", EOFError: "connection closed"}
    reason = ALERT.sub("peer sent alert ", PYTHONS_MARKS.sub("", str(error)))
    return reason or next((text for kind, text in silent.items() if isinstance(error, kind)), "unknown error")


def fault_of(error: BaseException) -> str:
    """An error that no one expected, for a person: its type and text; of a group the causes."""
    return "; ".join(dict.fromkeys(f"{type(cause).__name__}: {cause}".removesuffix(": ") for cause in causes(error)))


def reason_of(error: BaseException) -> Worded:
    """The text of an error; of a group the texts of its causes."""
    if isinstance(error, BaseExceptionGroup):
        return Worded("; ".join(dict.fromkeys(str(cause) for cause in causes(error))), {})
    found = error.args[0] if error.args else ""
    return found if isinstance(found, Worded) and str(error) == found else Worded(str(error), {})


def sentence(text: str) -> str:
    """The text as a sentence: with a capital at its begin, and with a mark at its end."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…")) else ".")


def _value(value: object) -> Value:
    if isinstance(value, BaseException):
        return reason_of(value)
    if isinstance(value, Worded) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return str(value)


def _shown(value: Value) -> str:
    return format(value, ",") if isinstance(value, int) and abs(value) >= GROUPED else str(value)


# Texts of plain pages and of mail to users, in the language of their reader. ``pages-LANG.json``, which `script/gen`
# makes, has the translations by the English texts.

ENGLISH: Final = "en"
"""The language of the source texts."""

RIGHT_TO_LEFT: Final = frozenset({"ar", "he"})
"""Languages that are written from right to left."""

TRANSLATIONS: Final = Path(__file__).parent / "web" / "static"


class ReaderLanguage(msgspec.Struct, frozen=True):
    """The language of a page or a mail: "en" or one that has texts."""

    name: str = ENGLISH

    @property
    def attributes(self) -> str:
        """The attributes of a page's `html` element."""
        return f'lang="{self.name}" dir="rtl"' if self.name in RIGHT_TO_LEFT else f'lang="{self.name}"'

    def say(self, text: str) -> str:
        """A text of the code in this language; in English if it has no translation."""
        return self.find(text) or str(text)

    def find(self, text: str) -> str | None:
        """The translation of a text; None for a text without one."""
        return None if self.name == ENGLISH else _translated(text, _texts(self.name))


MARKED: Final = "qps"
"""The marked language: English with each text in brackets, for tests and developers (WEBMAIL-143d)."""


@cache
def reader_languages() -> frozenset[str]:
    """Languages with translations, and the marked one."""
    return frozenset(path.stem.removeprefix("pages-") for path in TRANSLATIONS.glob("pages-*.json"))


def offered_languages() -> frozenset[str]:
    """Languages with translations, for people to choose from."""
    return reader_languages() - {MARKED}


@cache
def _texts(language: str) -> Mapping[str, str]:
    """The translations of a language by the English texts, 25 kB; read once per process."""
    return from_json((TRANSLATIONS / f"pages-{language}.json").read_bytes(), dict[str, str])


def _translated(text: str, texts: Mapping[str, str]) -> str | None:
    template = texts.get(text.template if isinstance(text, Worded) else text)
    if isinstance(text, Worded) and not any(sign.isalpha() for sign in NAME.sub("", text.template)):
        template = text.template  # of values alone
    if template is None or not isinstance(text, Worded):
        return template
    values: dict[str, Value] = {
        name: value if isinstance(value, int) else _translated(value, texts) or str(value)
        for name, value in text.values.items()
    }
    return str(Worded(template, values))
