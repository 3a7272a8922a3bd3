"""The language of a request, and error pages in it (WEBMAIL-143)."""

import re
from collections.abc import Collection
from typing import Final

from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Headers
from moxlite.wording import ENGLISH, ReaderLanguage, reader_languages, sentence

# The language of a page: the one that its user has chosen, or the one that the browser prefers (WEBMAIL-143).


COOKIE: Final = "moxlite-language"
"""The cookie that a page sets for its user's choice; scripts may read it."""

MAX_FIELD: Final = 4096
"""Octets of a field that is looked at."""

MAX_RANGES: Final = 20
"""Language ranges that count."""

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


VARIES: Final = ("vary", "Accept-Language, Cookie")


def page_language(headers: Headers) -> ReaderLanguage:
    """The language that the reader has chosen, or that the browser prefers."""
    return ReaderLanguage(chosen_language(headers, reader_languages()))


def page_text(error: HTTPError, headers: Headers) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text of an error page for the request with these fields. With it come the fields of the answer that tell of
    its language.
    """
    language = page_language(headers)
    found = language.find(error.words)
    if found is None:
        return error.text, (VARIES,)
    return sentence(found), (VARIES, ("content-language", language.name))
