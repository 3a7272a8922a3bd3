"""Labels: names and colours for IMAP keywords (WEBMAIL-84).

A message has a label as a keyword (RFC 9051 §2.3.2), which has ASCII letters only and no case. Names of any script
and colours are in the settings, so that all pages agree, and IMAP clients see the same keywords. The keyword of a name
is always the same: two pages that make a label at once make one label.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.flags import strip_keyword
from moxlite.store.mail.settings import load_settings, save_settings
from moxlite.store.names import split_flags
from moxlite.web.errors import Conflict, NotFound, UserError
from moxlite.web.webmail.settings import Label, Settings
from moxlite.wording import worded

MOST: Final = 200
"""Labels of an account with a name or colour; the settings stay small, and a dialog can show them."""

LONGEST: Final = 100
"""Octets of a keyword that is made of a name; IMAP keywords have up to 128 (STORE-22)."""

FOREIGN: Final = re.compile(r"[^a-z0-9!#&'+,\-./:;<=>?@^_`|~]")
"""Characters that a name may have and its keyword has not. ``$`` begins keywords of programs."""

JOINERS: Final = "\u200c\u200d"
"""Signs of no width that some scripts and pictures need inside of words; other controls are left out of names."""


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


def _short(keyword: str, name: str) -> str:
    if len(keyword) <= LONGEST:
        return keyword
    return f"{keyword[: LONGEST - 13]}-{sha256(name.encode()).hexdigest()[:12]}"


def save_label(tx: AccountTx, name: str, color: int, keyword: str) -> Label:
    """Name and colour a keyword, or with "" make a label of this name; returns the label.

    Raises UserError: the name is empty, or there are too many labels. Conflict: another label has this name.
    NotFound: the keyword is a flag.
    """
    _check(keyword)
    name = _clean(name)
    settings = load_settings(tx, Settings)
    same = next((one for one in settings.labels if one.name.casefold() == name.casefold()), None)
    if same is not None and keyword not in ("", same.keyword):
        raise Conflict(worded("another label is called {name}", name=same.name))
    if same is not None and not keyword:
        return same
    label = Label(keyword or _free(settings, keyword_of(name)), name, color)
    others = [one for one in settings.labels if one.keyword != label.keyword]
    if len(others) >= MOST:
        raise UserError(worded("there are {most} labels with names already", most=MOST))
    place = next((i for i, one in enumerate(settings.labels) if one.keyword == label.keyword), len(others))
    save_settings(tx, msgspec.structs.replace(settings, labels=[*others[:place], label, *others[place:]]))
    return label


def take_off(tx: AccountTx, keyword: str) -> int:
    """Remove a label from the next messages that have it; when none is left, its name and colour, too. Returns the
    number of messages, 0 at the end. Raises NotFound for a name of a flag.
    """
    _check(keyword)
    count = strip_keyword(tx, keyword)
    settings = load_settings(tx, Settings)
    labels = [one for one in settings.labels if one.keyword != keyword]
    if not count and len(labels) < len(settings.labels):
        save_settings(tx, msgspec.structs.replace(settings, labels=labels))
    return count


def _clean(name: str) -> str:
    """The name as it is kept: NFC, no controls, single blanks. Raises UserError for an empty one."""
    signs = unicodedata.normalize("NFC", name)
    shown = "".join([" " if unicodedata.category(sign)[0] in "CZ" and sign not in JOINERS else sign for sign in signs])
    found = " ".join(shown.split())
    if not found.strip(JOINERS):
        raise UserError("name: a label needs a name")
    return found


def _free(settings: Settings, keyword: str) -> str:
    """The keyword, with a number if a label of another name has it."""
    taken = {one.keyword for one in settings.labels}
    number = 2
    found = keyword
    while found in taken:
        found = f"{keyword}_{number}"
        number += 1
    return found


def _check(keyword: str) -> None:
    """Raise NotFound for the name of a flag."""
    bits, _ = split_flags([keyword])
    if bits:
        raise NotFound("this is no label")
