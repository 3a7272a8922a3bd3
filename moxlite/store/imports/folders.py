"""Mapping names of files in an archive to names of mailboxes (STORE-126, STORE-194).

==================================  ===========================  =============================
Name                                What                         Mailbox
==================================  ===========================  =============================
``A/B.mbox``                        mbox                         ``A/B``
``A/B/cur/NAME``, ``new``, ``tmp``  message of a Maildir         ``A/B``
``A/.B.C/cur/NAME``                 message of a Maildir++       ``A/B/C``
``A/B/NAME.eml``                    message                      ``A/B``
``A.sbd/B``                         mbox of Thunderbird          ``A/B``, if it begins as one
==================================  ===========================  =============================
"""

from __future__ import annotations

import unicodedata
from enum import Enum
from typing import Final

import msgspec

from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.utf7 import decode
from moxlite.proto.maildir import KEYWORDS_FILE, folder_of
from moxlite.store.imports.items import Order
from moxlite.store.names import INBOX, SEPARATOR, is_below

MAILDIR: Final = frozenset({"new", "cur", "tmp"})
SILENT: Final = (".msf", ".DS_Store")
"""Suffixes of files that mail programs write beside their mail; they have no mail."""

MAILDIR_FILES: Final = frozenset({"maildirfolder", "maildirsize", "subscriptions", "courierimapsubscribed"})
"""Files of Dovecot and Courier beside messages; more begin with `DOVECOT`."""

DOVECOT: Final = "dovecot"


class BadPath(Exception):
    """A name that is not allowed in an archive; the text says why."""


class What(Enum):
    """Kind of a file, by its name."""

    MBOX = "mbox"
    MAYBE_MBOX = "maybe mbox"
    MAILDIR = "maildir"
    EML = "eml"
    KEYWORDS = "keywords"
    FOLDER = "folder"
    NOTHING = "nothing"
    OTHER = "other"


class Found(msgspec.Struct, frozen=True):
    """Meaning of a member's name: `mailbox` is its mailbox, `folder` the folder in the archive."""

    what: What
    mailbox: str = ""
    folder: str = ""


def find(name: str, order: Order, *, is_folder: bool = False) -> Found:
    """Determine kind and mailbox of an archive's member by its name. Raises BadPath."""
    if name.startswith("/") or "\\" in name or "\0" in name or name[1:2] == ":":
        raise BadPath("the name is absolute, or has characters that none should have")
    # no file is written by this name, but a mailbox must not be named by a path either
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadPath("the name leads out of the archive")
    if not parts:
        return Found(What.NOTHING)
    folder, last = parts[:-1], parts[-1]
    if is_folder:
        if last in MAILDIR:
            return Found(What.FOLDER, _mailbox(folder, order), SEPARATOR.join(folder))
        return Found(What.NOTHING)
    if folder and folder[-1] in MAILDIR:
        return Found(What.MAILDIR, _mailbox(folder[:-1], order), SEPARATOR.join(folder[:-1]))
    lower = last.lower()
    if last == KEYWORDS_FILE:
        return Found(What.KEYWORDS, "", SEPARATOR.join(folder))
    if lower.endswith(".mbox"):
        return Found(What.MBOX, _mailbox([*folder, last[:-5]], order))
    if lower.endswith(".eml"):
        return Found(What.EML, _mailbox(folder, order))
    if last.endswith(SILENT) or last in MAILDIR_FILES or last.startswith(DOVECOT):
        return Found(What.NOTHING)
    # Thunderbird has mbox files without a suffix, in folders with the suffix .sbd; the content decides
    if "." not in last or last.endswith(".sbd") or (folder and folder[-1].endswith(".sbd")):
        return Found(What.MAYBE_MBOX, _mailbox(parts, order))
    return Found(What.OTHER)


def _mailbox(parts: list[str], order: Order) -> str:
    """The mailbox name for a path, below the order's mailbox if that is not Inbox; not yet checked."""
    elements: list[str] = []
    for part in parts:
        dotted = folder_of(part)
        if dotted is not None:
            elements += [_decoded(one) for one in dotted]
        else:
            elements.append(part.removesuffix(".sbd"))
    name = unicodedata.normalize("NFC", SEPARATOR.join(elements).encode("utf-8", "replace").decode())
    prefix = order.prefix.strip(SEPARATOR)
    if prefix and (name == prefix or is_below(name, prefix)):
        name = name[len(prefix) :].lstrip(SEPARATOR)
    if not name:
        return order.mailbox
    if order.mailbox.lower() == INBOX.lower():
        return name
    return f"{order.mailbox}{SEPARATOR}{name}"


def _decoded(element: str) -> str:
    """Decode the name of a Maildir++ folder from modified UTF-7; other names are returned unchanged."""
    try:
        return decode(element.encode())
    except ProtocolError:
        return element
