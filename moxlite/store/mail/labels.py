"""Labels: names and colours for IMAP keywords (WEBMAIL-84).

A message has a label as a keyword (RFC 9051 §2.3.2), which has ASCII letters only and no case. Names of any script and
colours are in the settings of the webmail, so that all pages agree, and IMAP clients see the same keywords. The keyword
of a name is always the same: two pages that make a label at once make one label.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.normal import JOINERS
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.settings import load_settings, patch_settings

Keyword = Annotated[str, Meta(pattern=r"^[!#$&'+,\-./0-9:;<=>?@^_`a-z|}~\[]{1,128}$")]  # STORE-22

MAX_LABELS: Final = 200
"""Labels of an account with a name or colour; the settings stay small, and a dialog can show them."""

MAX_NAME: Final = 100
"""Characters of a label's name."""

LONGEST: Final = 100
"""Octets of a keyword that is made of a name; IMAP keywords have up to 128 (STORE-22)."""

FOREIGN: Final = re.compile(r"[^a-z0-9!#&'+,\-./:;<=>?@^_`|~]")
"""Characters that a name may have and its keyword has not. ``$`` begins keywords of programs."""

"""Signs of no width that some scripts and pictures need inside of words; other controls are left out of names."""


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label (WEBMAIL-84): the keyword of messages, its name, and its colour: a hue from 1 to 8, or 0 without one."""

    keyword: Keyword
    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    color: Annotated[int, Meta(ge=0, le=8)]


class _Settings(msgspec.Struct, frozen=True):
    """The part of the webmail's settings that has the labels."""

    labels: list[Label] = []


def labels_of(r: Reader) -> list[Label]:
    """The labels of an account that have a name or colour."""
    return load_settings(r, _Settings).labels


def add_labels(tx: AccountTx, names: Mapping[str, str]) -> None:
    """Name keywords, as far as there is room; one that has a name keeps it. `names`: by keyword."""
    labels = labels_of(tx)
    named = {label.keyword for label in labels}
    more = [Label(keyword, name, 0) for keyword, name in names.items() if keyword not in named]
    if more:
        patch_settings(tx, {"labels": [*labels, *more][:MAX_LABELS]})


def keyword_of(name: str) -> str:
    """The keyword of a name: its letters without accents, with ``_`` for blanks; of scripts without ASCII letters the
    Punycode (RFC 3492) of the name.
    """
    folded = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    words = re.sub(r"\s+", "_", plain.strip())
    if words.isascii():
        keyword = FOREIGN.sub("", words)
        if keyword.strip("_"):
            return _short(keyword, name)
    return _short("xn--" + FOREIGN.sub("_", folded.encode("punycode").decode()), name)


def free_keyword(name: str, taken: Collection[str]) -> str:
    """The keyword of a name, with a number if a label of another name has it."""
    keyword = candidate = keyword_of(name)
    number = 2
    while candidate in taken:
        candidate = f"{keyword}_{number}"
        number += 1
    return candidate


def clean_name(name: str) -> str:
    """The name as it is kept: NFC, no controls, single blanks; "" for one without signs."""
    signs = unicodedata.normalize("NFC", name)
    shown = "".join([" " if unicodedata.category(sign)[0] in "CZ" and sign not in JOINERS else sign for sign in signs])
    found = " ".join(shown.split())
    return found if found.strip(JOINERS) else ""


def _short(keyword: str, name: str) -> str:
    if len(keyword) <= LONGEST:
        return keyword
    return f"{keyword[: LONGEST - 13]}-{sha256(name.encode()).hexdigest()[:12]}"
