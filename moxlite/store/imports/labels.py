"""Google's labels (``X-Gmail-Labels`` of Takeout) to a mailbox, flags and keywords (STORE-194).

Google stores a message once, with any number of labels; here it is in one mailbox. The first system label in the order
of `PLACES` names it, else the first of the user's own labels. Further own labels become keywords if their syntax
allows.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Final

import msgspec

from moxlite.proto.mime.words import decode_words
from moxlite.store.errors import BadKeyword
from moxlite.store.names import INBOX
from moxlite.store.rows.keywords import check_keyword
from moxlite.store.types import SpecialUse

PLACES: Final[Mapping[str, SpecialUse | None]] = {
    "spam": SpecialUse.JUNK,
    "trash": SpecialUse.TRASH,
    "drafts": SpecialUse.DRAFTS,
    "draft": SpecialUse.DRAFTS,
    "sent": SpecialUse.SENT,
    "inbox": None,
}
"""Labels that name a mailbox, in order of precedence; None is Inbox."""

IGNORED: Final = frozenset({"archived", "important", "chat", "muted", "unread", "opened", "starred"})


class Labelled(msgspec.Struct, frozen=True):
    """A message's mailbox: the one with the special use `use`, else the name `mailbox`; `words`: flags and keywords."""

    use: SpecialUse | None
    mailbox: str
    words: tuple[str, ...]


def read_labels(value: bytes) -> Labelled:
    """Parse the field: labels separated by commas, quoted if they have a comma; encoded words are decoded."""
    text = decode_words(value).replace("\r", " ").replace("\n", " ")
    labels = [label.strip() for row in csv.reader([text], skipinitialspace=True) for label in row if label.strip()]
    lower = {label.lower() for label in labels}
    own = [label for label in labels if not _is_system(label.lower())]
    words = []
    if "unread" not in lower:
        words.append(r"\Seen")
    if "starred" in lower:
        words.append(r"\Flagged")
    if lower & {"draft", "drafts"}:
        words.append(r"\Draft")
    for name, use in PLACES.items():
        if name in lower:
            return Labelled(use, INBOX, (*words, *_keywords(own)))
    if own:
        return Labelled(None, own[0], (*words, *_keywords(own[1:])))
    return Labelled(SpecialUse.ARCHIVE, "", tuple(words))


def _is_system(label: str) -> bool:
    return label in PLACES or label in IGNORED or label.startswith("category ")


def _keywords(labels: list[str]) -> list[str]:
    found = []
    for label in labels:
        try:
            check_keyword(word := label.replace(" ", "_"))
        except BadKeyword:
            continue
        found.append(word)
    return found
