"""The texts of plain pages in the language of their reader (WEBMAIL-143): error pages, messages in a tab or on paper,
and what a page without scripts says. ``static/pages-LANG.json``, which `script/gen` makes, has the translations by the
English texts.
"""

import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from moxlite.encoding import from_json
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Headers
from moxlite.wording import Value, Worded, sentence

# The language of a page: the one that its user has chosen, or the one that the browser prefers (WEBMAIL-143).


COOKIE: Final = "moxlite-language"
"""The cookie that a page sets for its user's choice; scripts may read it."""

ENGLISH: Final = "en"
"""The language of the source texts."""

MAX_FIELD: Final = 4096
"""Octets of a field that is looked at."""

MAX_RANGES: Final = 20
"""Language ranges that count."""

RIGHT_TO_LEFT: Final = frozenset({"ar", "he"})
"""Languages that are written from right to left."""

CHOICE: Final = re.compile(rf"(?:^|;) *{COOKIE}=([a-z]{{2,3}}) *(?:;|$)")
QUALITY: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")


def chosen_language(headers: Headers, offered: Collection[str]) -> str:
    """The language of a page that is there in `offered`, and in English."""
    choice = CHOICE.search("; ".join(headers.all("cookie"))[-MAX_FIELD:])
    if choice is not None and (choice[1] in offered or choice[1] == ENGLISH):
        return choice[1]
    best, quality = ENGLISH, 0.0
    for one in ",".join(headers.all("accept-language"))[:MAX_FIELD].split(",")[:MAX_RANGES]:
        tag, _, parameters = one.partition(";")
        name = tag.strip().lower().partition("-")[0]
        match = QUALITY.search(parameters)
        weight = float(match[1]) if match is not None else 1.0
        if (name in offered or name == ENGLISH) and weight > quality:
            best, quality = name, weight
    return best


FOLDER: Final = Path(__file__).parent.parent / "static"
VARIES: Final = ("vary", "Accept-Language, Cookie")


class PageLanguage(msgspec.Struct, frozen=True):
    """The language of a page: "en" or one that has texts."""

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


def page_language(headers: Headers) -> PageLanguage:
    """The language that the reader has chosen, or that the browser prefers."""
    return PageLanguage(chosen_language(headers, _offered()))


def page_text(error: HTTPError, headers: Headers) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text of an error page for the request with these fields. With it come the fields of the answer that tell of
    its language.
    """
    language = page_language(headers)
    found = language.find(error.words)
    if found is None:
        return error.text, (VARIES,)
    return sentence(found), (VARIES, ("content-language", language.name))


@cache
def _offered() -> frozenset[str]:
    return frozenset(path.stem.removeprefix("pages-") for path in FOLDER.glob("pages-*.json"))


@cache
def _texts(language: str) -> Mapping[str, str]:
    """The translations of a language by the English texts, 8 kB; read once per process."""
    return from_json((FOLDER / f"pages-{language}.json").read_bytes(), dict[str, str])


def _translated(text: str, texts: Mapping[str, str]) -> str | None:
    template = texts.get(text.template if isinstance(text, Worded) else text)
    if template is None or not isinstance(text, Worded):
        return template
    values: dict[str, Value] = {
        name: value if isinstance(value, int) else _translated(value, texts) or str(value)
        for name, value in text.values.items()
    }
    return str(Worded(template, values))
