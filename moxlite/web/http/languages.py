"""The language of a page: the one that its user has chosen, or the one that the browser prefers (WEBMAIL-143)."""

import re
from collections.abc import Collection
from typing import Final

from moxlite.web.http.messages import Headers

COOKIE: Final = "moxlite-language"
"""The cookie that a page sets for its user's choice; scripts may read it."""

ENGLISH: Final = "en"
"""The language of the source texts."""

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
        found = QUALITY.search(parameters)
        weight = float(found[1]) if found is not None else 1.0
        if (name in offered or name == ENGLISH) and weight > quality:
            best, quality = name, weight
    return best
